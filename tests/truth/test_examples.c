/*
 * The examples of the service's description ($BYOK_TEST_DATA/keyvault/openapi), sent to the stand-in: each is
 * answered with the status of the example, with all of its fields, and as the description says.
 */
#include "tests/truth/openapi.h"
#include "tests/truth/replay.h"
#include "tests/truth/shape.h"
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* --- What cannot be equal --- */

static const struct known differences[] = {
    {"*", "body*.attributes.recoverableDays: more", "newer than the examples"},
    {"*", "body*.attributes.hsmPlatform: more", "the same"},
    {"Get*", "request $skiptoken: unknown", "of a nextLink, which is followed as it is"},
    {"Get*", "body.nextLink: \"*", "the example goes on in another api-version"},
    {"BackupKey *", "body.value: base64url of * octets, not 8031",
     "how much a backup holds is the service's own"},
    {"RotateKey *", "body.key.kid: \"*", "the example answers with another key than was asked for"},
    {"UpdateKey *", "body.attributes.exp: [0-9]*", "in 1991, as was asked for"},
    {"release *", "status: 403: *", "its statement of the target was taken out of the example"},
    {"verify *", "not sent", "its digest has the length of no digest"},
};
static struct known_table table = KNOWN_TABLE(differences);

/* --- An example as an exchange --- */

static const struct {
    const char *id, *operation;
} operations[] = {
    {"BackupKey", "backup"},
    {"CreateKey", "create"},
    {"DeleteKey", "delete"},
    {"GetDeletedKey", "get-deleted"},
    {"GetDeletedKeys", "list-deleted"},
    {"GetKey", "get-version"},
    {"GetKeyRotationPolicy", "get-rotationpolicy"},
    {"GetKeyVersions", "list-versions"},
    {"GetKeys", "list"},
    {"GetRandomBytes", "getrandombytes"},
    {"ImportKey", "import"},
    {"PurgeDeletedKey", "purge"},
    {"RecoverDeletedKey", "recover"},
    {"RestoreKey", "restore"},
    {"RotateKey", "rotate"},
    {"UpdateKey", "update"},
    {"UpdateKeyRotationPolicy", "put-rotationpolicy"},
    {"decrypt", "decrypt"},
    {"encrypt", "encrypt"},
    {"release", "release"},
    {"sign", "sign"},
    {"unwrapKey", "unwrapkey"},
    {"verify", "verify"},
    {"wrapKey", "wrapkey"},
};

static const char *operation_of(const char *id)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].id, id) == 0) {
            return operations[i].operation;
        }
    }
    fail_msg("no operation %s", id);
    return NULL;
}

/* The address, with the values of the example in its path and behind it. */
static char *url_of(const char *path, const cJSON *values)
{
    const char *base = text_at(values, "vaultBaseUrl");
    char *url =
        format("%.*s%s?api-version=%s", (int)strlen(base) - 1, base, path, text_at(values, "api-version"));
    const cJSON *value;

    cJSON_ArrayForEach(value, values)
    {
        char *place ENDED_BY(free_text) = format("{%s}", value->string);
        char *number ENDED_BY(free_text) = format("%d", value->valueint);
        const char *text = cJSON_IsString(value) ? value->valuestring : number;
        bool is_query = value->string[0] == '$' || strcmp(value->string, "maxresults") == 0;

        if (is_query) {
            char *longer = format("%s&%s=%s", url, value->string, text);

            free(url);
            url = longer;
        } else {
            replace_all(&url, place, text);
        }
    }
    return url;
}

/* The only value that is an object is the body. */
static const cJSON *body_of(const cJSON *values)
{
    const cJSON *value;

    cJSON_ArrayForEach(value, values)
    {
        if (cJSON_IsObject(value)) {
            return value;
        }
    }
    return NULL;
}

static void add(cJSON *to, const char *name, const cJSON *item)
{
    cJSON_AddItemToObject(to, name, item == NULL ? cJSON_CreateNull() : cJSON_Duplicate(item, true));
}

static cJSON *exchange_of(const char *path, const char *method, const char *id, const cJSON *example)
{
    const cJSON *values = item_at(example, "parameters"), *answer = item_at(example, "responses")->child;
    cJSON *exchange = cJSON_CreateObject(), *request, *response;
    char *url ENDED_BY(free_text) = url_of(path, values), *verb ENDED_BY(free_text) = format("%s", method);

    for (char *c = verb; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    cJSON_AddStringToObject(exchange, "operation", operation_of(id));
    cJSON_AddStringToObject(exchange, "api_version", text_at(values, "api-version"));
    request = cJSON_AddObjectToObject(exchange, "request");
    cJSON_AddStringToObject(request, "method", verb);
    cJSON_AddStringToObject(request, "url", url);
    add(request, "body", body_of(values));
    response = cJSON_AddObjectToObject(exchange, "response");
    cJSON_AddNumberToObject(response, "status", strtod(answer->string, NULL));
    add(response, "body", item_at(answer, "body"));
    return exchange;
}

/* --- Sent --- */

static void check(const struct openapi *openapi, const cJSON *exchange, const char *where)
{
    struct replay replay ENDED_BY(replay_done) = {
        .hsm = strstr(text_at(exchange, "request.url"), "managedhsm") != NULL};
    struct differences found ENDED_BY(differences_done) = {0};
    struct reply reply ENDS(reply_done) = replay_exchange(&replay, exchange);
    const cJSON *asked = item_at(exchange, "request.body");
    struct exchange judged = {text_at(exchange, "request.method"), url_path(text_at(exchange, "request.url")),
                              cJSON_IsNull(asked) ? NULL : asked, (unsigned)reply.status, reply.json};
    struct comparison how = {&found, false, true};

    openapi_judge_request(openapi, &judged, &found);
    if (reply.status == (long)number_at(exchange, "response.status")) {
        openapi_judge_answer(openapi, &judged, &found);
        compare_bodies(&how, item_at(exchange, "response.body"), reply.json);
    } else {
        differ(&found, "status: %ld: %s", reply.status, reply.body);
    }
    differences_judge(&found, where, &table);
}

static void check_operation(const struct openapi *openapi, const char *version, const cJSON *path,
                            const cJSON *operation)
{
    const char *id = text_at(operation, "operationId");
    const cJSON *reference = item_at(operation, "x-ms-examples")->child;
    char *file ENDED_BY(free_text) = format("openapi/%s/%s", version, text_at(reference, "$ref") + 2);
    cJSON *example ENDED_BY(free_json) = recorded_need(file), *exchange ENDED_BY(free_json) = NULL;
    char *where ENDED_BY(free_text) = format("%s %s", id, version);

    if (known_explains(&table, where, "not sent")) {
        return;
    }
    exchange = exchange_of(path->string, operation->string, id, example);
    check(openapi, exchange, where);
}

static void check_all(const char *version)
{
    struct openapi openapi ENDED_BY(openapi_done) = {NULL, NULL};
    const cJSON *path, *operation;
    unsigned count = 0;

    assert_true(openapi_read(version, &openapi));
    cJSON_ArrayForEach(path, item_at(openapi.keys, "paths"))
    {
        cJSON_ArrayForEach(operation, path)
        {
            check_operation(&openapi, version, path, operation);
            count++;
        }
    }
    assert_int_equal(count, sizeof operations / sizeof operations[0]);
}

static void test_examples_of_7_4(void **state)
{
    (void)state;
    check_all("7.4");
}

static void test_examples_of_7_5(void **state)
{
    (void)state;
    check_all("7.5");
}

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

static int start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return standin_run(&standin) ? 0 : -1;
}

static int end(void **state)
{
    bool good = standin_end(&standin);

    (void)state;
    curl_global_cleanup();
    return good ? 0 : -1;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_7_4),
        cmocka_unit_test(test_examples_of_7_5),
        cmocka_unit_test(test_each_known_difference_is_still_one),
    };

    return recorded_run("examples", tests, sizeof tests / sizeof tests[0], start, end);
}
