/*
 * Our client, given the recorded answers ($BYOK_TEST_DATA/keyvault/recordings): it must ask as the recorded
 * clients did, and draw the right conclusion. Answers to what it cannot ask go to its parsers only.
 */
#include "backends/base/scope.h"
#include "tests/truth/answering.h"
#include "tests/truth/conclusions.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT = 2000 }; /* milliseconds: what is worth another try is tried until then */

/* --- What is asked --- */

struct question {
    enum ask ask;
    struct key_ref key;
    enum rsa_padding padding;
    struct buffer in;
};

struct outcome {
    CK_RV rv;
    struct service_answer answer;
    struct key_info info;
    struct buffer out;
    struct secret plain;
};

static void outcome_done(struct outcome *outcome)
{
    key_info_done(&outcome->info);
    buffer_free(&outcome->out);
    secret_free(&outcome->plain);
}

struct listing {
    const cJSON *items;
    int count;
};

static bool visit(void *arg, struct key_info *info)
{
    struct listing *listing = arg;

    expect_item(info, cJSON_GetArrayItem(listing->items, listing->count++));
    return true;
}

static void put(const struct question *question, struct listing *listing, struct outcome *outcome)
{
    struct key_service *service = world.client.service;
    const struct key_service_ops *ops = service->ops;
    struct deadline deadline = deadline_in(world.status == 429 || world.status >= 500 ? TIMEOUT : 10000);
    struct bytes in = buffer_bytes(&question->in);

    switch (question->ask) {
    case ASK_LIST:
        outcome->rv = ops->each_key(service, deadline, visit, listing, &outcome->answer);
        break;
    case ASK_GET:
        outcome->rv = ops->public_part(service, &question->key, deadline, &outcome->info, &outcome->answer);
        break;
    case ASK_WRAP:
    case ASK_ENCRYPT:
        outcome->rv = (question->ask == ASK_WRAP ? ops->wrap : ops->encrypt)(
            service, &question->key, question->padding, in, deadline, &outcome->out, &outcome->answer);
        break;
    default:
        outcome->rv = (question->ask == ASK_UNWRAP ? ops->unwrap : ops->decrypt)(
            service, &question->key, question->padding, in, deadline, &outcome->plain, &outcome->answer);
    }
}

/* --- Successes --- */

static enum ask ask_of(const char *operation)
{
    enum ask ask = ASK_LIST;

    if (strcmp(operation, "get-version") == 0) {
        return ASK_GET;
    }
    while (ask < ASKS && strcmp(operation, ask_words[ask]) != 0) {
        ask++;
    }
    return ask;
}

/* False: no algorithm of ours. */
static bool read_padding(const char *alg, enum rsa_padding *ret_padding)
{
    *ret_padding = strcmp(alg, "RSA-OAEP") == 0       ? RSA_PADDING_OAEP_SHA1
                   : strcmp(alg, "RSA-OAEP-256") == 0 ? RSA_PADDING_OAEP_SHA256
                                                      : RSA_PADDING_PKCS1;
    return *alg == '\0' || strncmp(alg, "RSA", 3) == 0;
}

/* /keys/NAME[/VERSION][/VERB] as our client writes it: no empty segments, verbs in lower case. */
static void expect_request(const struct question *question, const cJSON *request)
{
    char *sent ENDED_BY(free_text) = format("%.*s", (int)strcspn(world.path, "?"), world.path);
    char *path ENDED_BY(free_text) =
        question->ask == ASK_LIST
            ? format("/keys")
            : format("/keys/%s%s%s%s%s", question->key.name, question->key.version == NULL ? "" : "/",
                     question->key.version == NULL ? "" : question->key.version,
                     question->ask == ASK_GET ? "" : "/",
                     question->ask == ASK_GET ? "" : ask_words[question->ask]);
    cJSON *body ENDED_BY(free_json) = cJSON_Parse(world.sent);

    assert_string_equal(sent, path);
    assert_string_equal(world.method, text_at(request, "method"));
    if (!cJSON_IsFalse(item_at(request, "body_recorded"))) {
        assert_true(cJSON_IsObject(item_at(request, "body"))
                        ? cJSON_Compare(body, item_at(request, "body"), true)
                        : *world.sent == '\0');
    }
    assert_non_null(strstr(world.path, "api-version="));
}

/* A page goes on where it says, to the letter. */
static void expect_next(const cJSON *page)
{
    const char *next = text_at(page, "nextLink");

    assert_int_equal(world.asked, *next == '\0' ? 1 : 2);
    if (*next != '\0') {
        assert_string_equal(world.path, strchr(strstr(next, "://") + 3, '/'));
    }
}

static void expect_success(const struct question *question, const cJSON *exchange)
{
    const cJSON *body = item_at(exchange, "response.body");
    struct listing listing = {item_at(body, "value"), 0};
    struct outcome outcome ENDED_BY(outcome_done) = {.out = BUFFER_INIT(4096)};

    put(question, &listing, &outcome);
    assert_int_equal(outcome.rv, CKR_OK);
    assert_int_equal(outcome.answer.verdict, VERDICT_ACCEPTED);
    assert_int_equal(outcome.answer.status, 200);
    assert_string_equal(outcome.answer.request_id,
                        question->ask == ASK_LIST && world.asked == 2
                            ? ""
                            : text_at(item_at(exchange, "response.headers"), "x-ms-request-id"));
    if (question->ask == ASK_LIST) {
        assert_int_equal(listing.count, cJSON_GetArraySize(listing.items));
        expect_next(body);
        return;
    }
    expect_request(question, item_at(exchange, "request"));
    if (question->ask == ASK_GET) {
        expect_key(&outcome.info, body);
        return;
    }
    expect_octets(question->ask == ASK_UNWRAP || question->ask == ASK_DECRYPT ? secret_bytes(&outcome.plain)
                                                                              : buffer_bytes(&outcome.out),
                  text_at(body, "value"));
    assert_string_equal(outcome.answer.version, strrchr(text_at(body, "kid"), '/') + 1);
}

static void ask_as_recorded(enum ask ask, const cJSON *exchange)
{
    struct question question = {.ask = ask, .in = BUFFER_INIT(4096)};
    const char *at = strstr(text_at(exchange, "request.url"), "/keys/");
    char *name ENDED_BY(free_text) =
        at == NULL ? format("kek") : format("%.*s", (int)strcspn(at + 6, "/?"), at + 6);
    char *version ENDED_BY(free_text) = format("%.32s", at == NULL ? "" : at + 6 + strlen(name) + 1);

    question.key.name = name;
    question.key.version = strspn(version, "0123456789abcdef") == 32 ? version : NULL;
    if (read_padding(text_at(exchange, "request.body.alg"), &question.padding)) {
        decode(text_at(exchange, "request.body.value"), &question.in);
        expect_success(&question, exchange);
    }
    buffer_free(&question.in);
}

/* --- Refusals --- */

static void expect_refusal(enum ask ask, const cJSON *response)
{
    static const unsigned char blob[256] = {1};
    struct question question = {.ask = ask, .key = {"kek", NULL}, .in = BUFFER_INIT(256)};
    struct listing listing = {NULL, 0};
    struct outcome outcome ENDED_BY(outcome_done) = {.out = BUFFER_INIT(4096)};
    struct conclusion expected =
        conclusion_of(ask, (unsigned)number_at(response, "status"), item_at(response, "body"));

    answering_say(response);
    assert_int_equal(buffer_append(&question.in, blob, ask == ASK_WRAP || ask == ASK_ENCRYPT ? 32 : 256),
                     CKR_OK);
    put(&question, &listing, &outcome);
    buffer_free(&question.in);
    if (outcome.rv != expected.rv || outcome.answer.verdict != expected.verdict) {
        fail_msg("%s: 0x%lx, verdict %d, not 0x%lx, %d", ask_words[ask], outcome.rv, outcome.answer.verdict,
                 expected.rv, expected.verdict);
    }
    if (world.status != 429 || outcome.answer.status != 0) { /* 0: no time was left for the last try */
        assert_int_equal(outcome.answer.status, number_at(response, "status"));
    }
    assert_int_equal(world.tokens, world.status == 401 ? 2 : 1); /* a refused token is replaced once */
    assert_int_equal(outcome.plain.size + outcome.out.size, 0);
}

/* Each way to ask, with a client that remembers nothing. */
static void expect_refusals(const cJSON *response)
{
    for (enum ask ask = ASK_LIST; ask < ASKS; ask++) {
        answering_begin();
        expect_refusal(ask, response);
        answering_end();
    }
}

/* --- All recordings --- */

static void judge(const cJSON *exchange)
{
    const cJSON *response = item_at(exchange, "response");
    enum ask ask = ask_of(text_at(exchange, "operation"));

    if (number_at(response, "status") != 200) {
        expect_refusals(response);
        return;
    }
    expect_parsers(item_at(response, "body"));
    if (ask != ASKS) {
        answering_begin();
        answering_say(response);
        ask_as_recorded(ask, exchange);
        answering_end();
    }
}

static void check_exchange(void **state)
{
    char *path ENDED_BY(free_text) = format("recordings/%s.json", (const char *)*state);
    cJSON *exchange ENDED_BY(free_json) = recorded_need(path);

    judge(exchange);
}

static void check_sequence(void **state)
{
    char *path ENDED_BY(free_text) = format("recordings/%s.json", (const char *)*state);
    cJSON *sequence ENDED_BY(free_json) = recorded_need(path);
    const cJSON *exchange;

    cJSON_ArrayForEach(exchange, item_at(sequence, "exchanges"))
    {
        judge(exchange);
    }
}

static void test_errors_of_public_reports(void **state)
{
    cJSON *reports ENDED_BY(free_json) = recorded_need("recordings/errors-from-public-reports.json");
    const cJSON *report;

    (void)state;
    cJSON_ArrayForEach(report, item_at(reports, "errors"))
    {
        expect_refusals(report);
    }
}

static int forget_all(void **state)
{
    (void)state;
    answering_forget();
    return 0;
}

int main(void)
{
    static const struct recorded_choice choices[] = {{"exchange", check_exchange},
                                                     {"sequence", check_sequence}};
    const struct CMUnitTest last[] = {cmocka_unit_test(test_errors_of_public_reports)};

    signal(SIGPIPE, SIG_IGN); /* a client that has given up is written to */
    return recorded_run_each("answers", choices, 2, last, 1, NULL, forget_all);
}
