/*
 * The stand-in as the service: each recorded request ($BYOK_TEST_DATA/keyvault/recordings) is sent to it
 * again and must be answered with the recorded status and shape.
 */
#include "tests/truth/openapi.h"
#include "tests/truth/replay.h"
#include "tests/truth/shape.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct openapi openapi;

/* --- What cannot be equal --- */

static const struct known differences[] = {
    {"*", "header content-length: missing", "204 and chunked answers of some gateways"},
    {"*", "header server: missing", "names a web server of years ago"},
    {"*", "header x-aspnet-version: missing", "the same"},
    {"*", "header x-powered-by: missing", "the same"},
    {"*", "header x-ms-keyvault-rbac-assignment-id: missing", "how a vault of role assignments decided"},
    {"*", "header x-ms-keyvault-rbac-cache: missing", "the same"},
    {"vault-*-Purgeable-n2048", "header x-ms-keyvault-network-info: more", "not told in 2017"},
    {"vault-get-401-nobody", "header *: more", "a challenge of 2018 had no body, and told less"},
    {"vault-get-401-nobody", "body: object, not text", "the same"},
    {"mhsm-*-401-nobody", "body: nothing, not text", "two letters, while Managed HSM was a preview"},
    {"mhsm-*-200-oct-HSM", "body.key.key_ops: 6 items, not 7",
     "no key is derived in the stand-in: deriveKey"},
    {"mhsm-*-200-RSA-HSM*", "body.release_policy: more",
     "a key that had been restored: exportable without a policy, which nobody can make"},
    {"vault-list-*-managed", "body*.attributes.nbf: [0-9]*", "when the certificate was made"},
    {"vault-get-secret-*", "status: 404, not 403: *", "the stand-in keeps no secrets but of certificates"},
    /* By the description (openapi.h). */
    {"*mhsm-*", "answer body.alg: unknown", "a Managed HSM says it with every result"},
    {"*mhsm-*", "answer body.kid: unknown", "and this with a verdict"},
    {"*mhsm-*", "answer body: nothing, not object", "and nothing with a challenge"},
    {"*vault-list-*", "answer body.nextLink: null, not string", "a vault says so at the end of a list"},
    {"mhsm-*", "answer *: \"rotate\" is not one of the words", "compared without regard to case"},
    {"*-backup-400-nobody", "answer body: nothing, not object", "the web server's own page"},
};
static struct known_table table = KNOWN_TABLE(differences);

/* --- One answer --- */

static bool has_word(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* The answer is to be as the service's description says, too. */
static void judge(const cJSON *exchange, const struct reply *reply, struct differences *found)
{
    const struct exchange judged = {text_at(exchange, "request.method"),
                                    url_path(text_at(exchange, "request.url")),
                                    item_at(exchange, "request.body"), (unsigned)reply->status, reply->json};

    openapi_judge_answer(&openapi, &judged, found);
}

static void compare(const cJSON *exchange, const struct reply *reply, struct differences *found)
{
    static const char *const opening[] = {"decrypt", "unwrapkey", "import", NULL};
    const cJSON *recorded = item_at(exchange, "response");
    struct comparison how = {found,
                             has_word(text_at(exchange, "operation"), opening) &&
                                 cJSON_IsObject(item_at(exchange, "request.body")),
                             item_at(exchange, "request.body.attributes.exp") == NULL};

    if (reply->status != (long)number_at(recorded, "status")) {
        differ(found, "status: %ld, not %.0f: %s", reply->status, number_at(recorded, "status"), reply->body);
        return;
    }
    if (strstr(text_at(recorded, "headers.content-type"), "html") == NULL) {
        compare_bodies(&how, item_at(recorded, "body"), reply->json);
    }
    compare_headers(&how, item_at(recorded, "headers"), reply->headers);
    judge(exchange, reply, found);
}

/* --- Exchanges --- */

static void check_exchange(void **state)
{
    const char *name = *state;
    char *path ENDED_BY(free_text) = format("recordings/%s.json", name);
    cJSON *exchange ENDED_BY(free_json) = recorded_need(path);
    struct replay replay ENDED_BY(replay_done) = {.hsm = strcmp(text_at(exchange, "service"), "mhsm") == 0};
    struct differences found ENDED_BY(differences_done) = {0};
    struct reply reply ENDS(reply_done) = {0};

    if (strcmp(text_at(exchange, "response.body.error.innererror.code"), "ObjectIsBeingDeleted") == 0) {
        replay.delay = 60000;
    }
    reply = replay_exchange(&replay, exchange);
    compare(exchange, &reply, &found);
    differences_judge(&found, name, &table);
}

/* --- Sequences --- */

enum { DELETE_DELAY = 60000 }; /* longer than a sequence takes: it is over when it is asked for */

/* Keys that are listed and that no request of the sequence makes. */
static void prepare_listed(const struct replay *replay, const cJSON *exchanges)
{
    const cJSON *exchange;

    cJSON_ArrayForEach(exchange, exchanges)
    {
        const char *url = text_at(exchange, "request.url");

        if (strstr(url, "/versions") == NULL && item_at(exchange, "response.body.value.0.kid") != NULL) {
            replay_prepare_list(replay, item_at(exchange, "response.body.value"), url);
        }
    }
}

/* The deletion of the key that is asked for, or its recovery, is over. */
static void settle(const struct replay *replay, const char *url)
{
    char *name ENDED_BY(free_text) = url_key(url);
    char *path ENDED_BY(free_text) = format("%s/keys/%s", replay->hsm ? "/mhsm" : "", name);

    control(path, strstr(url, "/deletedkeys/") != NULL ? "{\"deleted\":true}" : "{\"deleted\":false}");
}

/* A deletion takes a while. What is not there yet was asked for once more, later, when it was recorded. */
static struct reply send_in_time(struct replay *replay, const cJSON *exchange, const cJSON *request)
{
    long expected = (long)number_at(exchange, "response.status");
    struct reply reply = replay_send(replay, request, expected != 401);

    if (expected == 200 && reply.status == 404) {
        settle(replay, text_at(request, "url"));
        reply_done(&reply);
        reply = replay_send(replay, request, true);
    }
    return reply;
}

/* A sequence that was kept without bodies: what is wrapped is what came out in the next step. */
static void fill_operation(const cJSON *exchange, cJSON *request)
{
    const char *operation = text_at(exchange, "operation");
    bool wraps = strcmp(operation, "wrapkey") == 0;
    const cJSON *other = wraps ? exchange->next : exchange->prev;
    cJSON *body;

    if (!cJSON_IsFalse(item_at(request, "body_recorded")) ||
        (!wraps && strcmp(operation, "unwrapkey") != 0)) {
        return;
    }
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "alg", "RSA-OAEP");
    cJSON_AddStringToObject(body, "value", text_at(other, "response.body.value"));
    cJSON_ReplaceItemInObject(request, "body", body);
}

static void check_step(struct replay *replay, const cJSON *exchange, struct differences *found)
{
    cJSON *request ENDED_BY(free_json) = cJSON_Duplicate(item_at(exchange, "request"), true);
    struct reply reply ENDS(reply_done) = {0};
    replay_fill(exchange, request);
    fill_operation(exchange, request);
    reply = send_in_time(replay, exchange, request);
    compare(exchange, &reply, found);
    replay_learn_answer(replay, item_at(exchange, "response.body"), reply.json);
}

static void check_sequence(void **state)
{
    const char *name = *state;
    char *path ENDED_BY(free_text) = format("recordings/%s.json", name);
    cJSON *sequence ENDED_BY(free_json) = recorded_need(path);
    struct replay replay ENDED_BY(replay_done) = {.hsm = strstr(name, "-mhsm-") != NULL,
                                                  .delay = DELETE_DELAY};
    const cJSON *exchanges = item_at(sequence, "exchanges"), *exchange;

    replay_begin(&replay, exchanges);
    prepare_listed(&replay, exchanges);
    cJSON_ArrayForEach(exchange, exchanges)
    {
        char *where ENDED_BY(free_text) = format("%s %s", name, text_at(exchange, "operation"));
        struct differences found ENDED_BY(differences_done) = {0};

        check_step(&replay, exchange, &found);
        differences_judge(&found, where, &table);
    }
}

/* --- All --- */

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

static int start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    openapi_read("7.5", &openapi);
    return standin_run(&standin) ? 0 : -1;
}

static int end(void **state)
{
    bool good = standin_end(&standin);

    (void)state;
    openapi_done(&openapi);
    curl_global_cleanup();
    return good ? 0 : -1;
}

int main(void)
{
    static const struct recorded_choice choices[] = {{"exchange", check_exchange},
                                                     {"sequence", check_sequence}};
    const struct CMUnitTest last[] = {cmocka_unit_test(test_each_known_difference_is_still_one)};

    return recorded_run_each("recordings", choices, 2, last, 1, start, end);
}
