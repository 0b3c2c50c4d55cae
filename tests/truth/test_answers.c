/*
 * Our client, given the recorded answers ($BYOK_TEST_DATA/keyvault/recordings): it must ask as the recorded
 * clients did, and draw the right conclusion. Answers to what it cannot ask go to its parsers only.
 */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_algorithm.h"
#include "tests/truth/answering.h"
#include "tests/truth/conclusions.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Milliseconds: what is worth another try is tried until its time is up, so that is short at first; where a busy
 * machine had no answer by then, it is asked again with more.
 */
enum { SHORT = 300, LONG = 10000 };

/* --- What is asked --- */

/* By `alg`, if it is not RSA's padding: a signature's algorithm, or AES. */
struct question {
    enum ask ask;
    struct key_ref key;
    enum rsa_padding padding;
    enum signature_algorithm signature;
    bool aes;
    struct aes_task task;
    struct buffer in, iv;
    size_t count; /* of random bytes */
};

static void question_done(struct question *question)
{
    buffer_free(&question->in);
    buffer_free(&question->iv);
}

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

static bool visit_version(void *arg, struct key_info *info)
{
    struct listing *listing = arg;
    const cJSON *item = cJSON_GetArrayItem(listing->items, listing->count);

    assert_string_equal(info->version, strrchr(text_at(item, "kid"), '/') + 1);
    return visit(arg, info);
}

static bool visit_certificate(void *arg, const char *name)
{
    (void)arg, (void)name;
    return true;
}

static CK_RV take_certificate(void *arg, const struct certificate_info *certificate)
{
    (void)arg, (void)certificate;
    return CKR_OK;
}

static CK_RV put_random(struct key_service *service, size_t count, struct deadline deadline,
                        struct outcome *outcome)
{
    unsigned char bytes[128];
    CK_RV rv = service->ops->random(service, bytes, count, deadline, &outcome->answer);

    return rv == CKR_OK ? buffer_append(&outcome->out, bytes, count) : rv;
}

static CK_RV put_aes(struct key_service *service, const struct question *question, struct deadline deadline,
                     struct outcome *outcome)
{
    struct aes_task task = question->task;
    struct aes_extra extra;

    task.data = buffer_bytes(&question->in);
    task.iv = buffer_bytes(&question->iv);
    return service->ops->aes(service, &question->key, &task, deadline, &outcome->plain, &extra,
                             &outcome->answer);
}

/* What is asked in another way than RSA's operations are. False: it is none of these. */
static bool put_other(const struct question *question, struct deadline deadline, struct outcome *outcome)
{
    struct key_service *service = world.client.service;
    const struct key_service_ops *ops = service->ops;

    if (question->aes) {
        outcome->rv = put_aes(service, question, deadline, outcome);
        return true;
    }
    switch (question->ask) {
    case ASK_SIGN:
        outcome->rv = ops->sign(service, &question->key, question->signature, buffer_bytes(&question->in),
                                deadline, &outcome->out, &outcome->answer);
        return true;
    case ASK_RANDOM:
        outcome->rv = put_random(service, question->count, deadline, outcome);
        return true;
    case ASK_CERTIFICATES:
        outcome->rv = ops->each_certificate(service, deadline, visit_certificate, NULL, &outcome->answer);
        return true;
    case ASK_CERTIFICATE:
        outcome->rv = ops->certificate(service, "kek", deadline, take_certificate, NULL, &outcome->answer);
        return true;
    default:
        return false;
    }
}

static void put(const struct question *question, int64_t patience, struct listing *listing,
                struct outcome *outcome)
{
    struct key_service *service = world.client.service;
    const struct key_service_ops *ops = service->ops;
    struct deadline deadline = deadline_in(patience);
    struct bytes in = buffer_bytes(&question->in);

    if (put_other(question, deadline, outcome)) {
        return;
    }
    switch (question->ask) {
    case ASK_LIST:
        outcome->rv = ops->each_key(service, deadline, visit, listing, &outcome->answer);
        break;
    case ASK_VERSIONS:
        outcome->rv = ops->each_version(service, question->key.name, deadline, visit_version, listing,
                                        &outcome->answer);
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

static bool read_signature(const char *alg, enum signature_algorithm *ret_algorithm)
{
    for (unsigned i = SIGNATURE_RS256; i <= SIGNATURE_ES512; i++) {
        if (strcmp(alg, vault_algorithm_of_signature((enum signature_algorithm)i)) == 0) {
            *ret_algorithm = (enum signature_algorithm)i;
            return true;
        }
    }
    return false;
}

static bool read_aes(const char *alg, struct question *question)
{
    static const enum aes_verb verbs[ASKS] = {[ASK_WRAP] = AES_WRAP,
                                              [ASK_UNWRAP] = AES_UNWRAP,
                                              [ASK_ENCRYPT] = AES_ENCRYPT,
                                              [ASK_DECRYPT] = AES_DECRYPT};

    for (unsigned i = AES_KW; i <= AES_GCM; i++) {
        for (unsigned bits = 128; bits <= 256; bits += 64) {
            if (strcmp(alg, vault_algorithm_of_aes((enum aes_algorithm)i, bits)) == 0) {
                question->aes = true;
                question->task = (struct aes_task){
                    .verb = verbs[question->ask], .algorithm = (enum aes_algorithm)i, .key_bits = bits};
                return true;
            }
        }
    }
    return false;
}

/* False: no algorithm of ours. */
static bool read_algorithm(const char *alg, struct question *question)
{
    if (question->ask == ASK_SIGN) {
        return read_signature(alg, &question->signature);
    }
    question->padding = strcmp(alg, "RSA-OAEP") == 0       ? RSA_PADDING_OAEP_SHA1
                        : strcmp(alg, "RSA-OAEP-256") == 0 ? RSA_PADDING_OAEP_SHA256
                                                           : RSA_PADDING_PKCS1;
    return *alg == '\0' || strncmp(alg, "RSA", 3) == 0 || read_aes(alg, question);
}

static char *expected_path(const struct question *question)
{
    const char *version = question->key.version;

    return question->ask == ASK_LIST     ? format("/keys")
           : question->ask == ASK_RANDOM ? format("/rng")
           : question->ask == ASK_VERSIONS
               ? format("/keys/%s/versions", question->key.name)
               : format("/keys/%s%s%s%s%s", question->key.name, version == NULL ? "" : "/",
                        version == NULL ? "" : version, question->ask == ASK_GET ? "" : "/",
                        question->ask == ASK_GET ? "" : ask_words[question->ask]);
}

/* /keys/NAME[/VERSION][/VERB] as our client writes it: no empty segments, verbs in lower case. */
static void expect_request(const struct question *question, const cJSON *request)
{
    char *sent ENDED_BY(free_text) = format("%.*s", (int)strcspn(world.path, "?"), world.path);
    char *path ENDED_BY(free_text) = expected_path(question);
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

static bool is_listing(const struct question *question)
{
    return question->ask == ASK_LIST || question->ask == ASK_VERSIONS;
}

static void expect_success(const struct question *question, const cJSON *exchange)
{
    const cJSON *body = item_at(exchange, "response.body");
    struct listing listing = {item_at(body, "value"), 0};
    struct outcome outcome ENDED_BY(outcome_done) = {.out = BUFFER_INIT(4096)};

    put(question, LONG, &listing, &outcome);
    assert_int_equal(outcome.rv, CKR_OK);
    assert_int_equal(outcome.answer.verdict, VERDICT_ACCEPTED);
    assert_int_equal(outcome.answer.status, 200);
    assert_string_equal(outcome.answer.request_id,
                        is_listing(question) && world.asked == 2
                            ? ""
                            : text_at(item_at(exchange, "response.headers"), "x-ms-request-id"));
    if (is_listing(question)) {
        assert_int_equal(listing.count, cJSON_GetArraySize(listing.items));
        expect_next(body);
    }
    if (question->ask == ASK_LIST || world.asked == 2) {
        return;
    }
    expect_request(question, item_at(exchange, "request"));
    if (is_listing(question)) {
        return;
    }
    if (question->ask == ASK_GET) {
        expect_key(&outcome.info, body);
        return;
    }
    expect_octets(outcome.plain.data != NULL ? secret_bytes(&outcome.plain) : buffer_bytes(&outcome.out),
                  text_at(body, "value"));
    assert_string_equal(question->ask == ASK_RANDOM ? "" : outcome.answer.version,
                        question->ask == ASK_RANDOM ? "" : strrchr(text_at(body, "kid"), '/') + 1);
}

static void ask_as_recorded(enum ask ask, const cJSON *exchange)
{
    struct question question ENDED_BY(question_done) = {
        .ask = ask, .in = BUFFER_INIT(4096), .iv = BUFFER_INIT(16)};
    const char *at = strstr(text_at(exchange, "request.url"), "/keys/");
    char *name ENDED_BY(free_text) =
        at == NULL ? format("kek") : format("%.*s", (int)strcspn(at + 6, "/?"), at + 6);
    char *version ENDED_BY(free_text) = format("%.32s", at == NULL ? "" : at + 6 + strlen(name) + 1);

    question.key.name = name;
    question.key.version = strspn(version, "0123456789abcdef") == 32 ? version : NULL;
    question.count = (size_t)number_at(exchange, "request.body.count");
    if (read_algorithm(text_at(exchange, "request.body.alg"), &question)) {
        decode(text_at(exchange, "request.body.value"), &question.in);
        decode(text_at(exchange, "request.body.iv"), &question.iv);
        expect_success(&question, exchange);
    }
}

/* --- Refusals --- */

/* 429 has others wait as well: there may have been no time for the last try. */
static bool was_heard(const struct outcome *outcome)
{
    return world.tokens != 0 && (outcome->answer.status != 0 || world.status == 429);
}

/* False: the machine was too slow to tell. */
static bool expect_refusal(enum ask ask, const cJSON *response, int64_t patience)
{
    static const unsigned char blob[256] = {1};
    struct question question ENDED_BY(question_done) = {
        .ask = ask, .key = {"kek", NULL}, .in = BUFFER_INIT(256), .count = 20};
    struct listing listing = {NULL, 0};
    struct outcome outcome ENDED_BY(outcome_done) = {.out = BUFFER_INIT(4096)};
    struct conclusion expected =
        conclusion_of(ask, (unsigned)number_at(response, "status"), item_at(response, "body"));

    answering_say(response);
    assert_int_equal(buffer_append(&question.in, blob, ask == ASK_UNWRAP || ask == ASK_DECRYPT ? 256 : 32),
                     CKR_OK);
    put(&question, patience, &listing, &outcome);
    if (patience < LONG && !was_heard(&outcome)) {
        return false;
    }
    if (outcome.rv != expected.rv || outcome.answer.verdict != expected.verdict) {
        fail_msg("%s: 0x%lx, verdict %d, not 0x%lx, %d", ask_words[ask], outcome.rv, outcome.answer.verdict,
                 expected.rv, expected.verdict);
    }
    if (world.status != 429 || outcome.answer.status != 0) {
        assert_int_equal(outcome.answer.status, number_at(response, "status"));
    }
    assert_int_equal(world.tokens, world.status == 401 ? 2 : 1); /* a refused token is replaced once */
    assert_int_equal(outcome.plain.size + outcome.out.size, 0);
    return true;
}

static bool expect_refusal_by_a_new_client(enum ask ask, const cJSON *response, int64_t patience)
{
    answering_begin(ask == ASK_RANDOM);
    bool heard = expect_refusal(ask, response, patience);

    answering_end();
    return heard;
}

/* Each way to ask, with a client that remembers nothing. */
static void expect_refusals(const cJSON *response)
{
    double status = number_at(response, "status");
    int64_t patience = status == 429 || status == 408 || status >= 500 ? SHORT : LONG;

    for (enum ask ask = ASK_LIST; ask < ASKS; ask++) {
        if (!expect_refusal_by_a_new_client(ask, response, patience)) {
            expect_refusal_by_a_new_client(ask, response, LONG);
        }
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
        answering_begin(ask == ASK_RANDOM);
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
