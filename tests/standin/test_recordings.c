/*
 * Answers have the status, the fields, the types and the headers of exchanges recorded with the real service,
 * where those are at hand ($BYOK_TEST_DATA/keyvault/recordings). Each recorded request is sent again as it
 * was, with the version and the blob of a key that is there.
 */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <string.h>

/* --- Recorded exchanges --- */

static cJSON *read_json(const char *path)
{
    FILE *file = fopen(path, "re");
    char *content OWNED(owned_free) = need(calloc(1, 1 << 20));
    size_t size;

    if (file == NULL) {
        return NULL;
    }
    size = fread(content, 1, (1 << 20) - 1, file);
    fclose(file);
    return cJSON_ParseWithLength(content, size);
}

/* NULL: the test was skipped. */
static cJSON *recording(const char *name)
{
    const char *data = getenv("BYOK_TEST_DATA");
    char *path OWNED(owned_free) = NULL;
    cJSON *found;

    if (data != NULL) {
        path = text("%s/keyvault/recordings/%s.json", data, name);
        found = read_json(path);
        if (found != NULL) {
            return found;
        }
    }
    print_message("# SKIP no recordings: BYOK_TEST_DATA does not name their folder\n");
    skip();
    return NULL;
}

static const cJSON *at(const cJSON *item, const char *first, const char *second)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(item, first), second);
}

/* --- Shapes --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Fields that the service tells of some keys, or in some years, only. */
static bool is_optional(const char *name)
{
    return same_text(name, "tags") || same_text(name, "managed");
}

static char *shape(const cJSON *item);

/* {a:x,b:y}, sorted by name. */
static char *object_shape(const cJSON *object)
{
    char *fields[64] = {NULL}, *all = text("{");
    size_t count = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        if (!is_optional(item->string) && count < 64) {
            char *inner OWNED(owned_free) = shape(item);

            fields[count++] = text("%s:%s", item->string, inner);
        }
    }
    qsort(fields, count, sizeof *fields, by_text);
    for (size_t i = 0; i < count; i++) {
        char *longer = text("%s%s%s", all, i == 0 ? "" : ",", fields[i]);

        free(all);
        free(fields[i]);
        all = longer;
    }
    return all;
}

/* Types in place of values. From malloc. */
static char *shape(const cJSON *item)
{
    if (cJSON_IsObject(item)) {
        return object_shape(item);
    }
    if (cJSON_IsArray(item)) {
        char *first OWNED(owned_free) = item->child == NULL ? text("-") : shape(item->child);

        return text("[%s]", first);
    }
    return text("%s", cJSON_IsString(item)   ? "text"
                      : cJSON_IsNumber(item) ? "number"
                      : cJSON_IsBool(item)   ? "flag"
                                             : "null");
}

/* Headers of some gateways, some years or some vaults; and those that describe the body. */
static bool is_usual_header(const char *name)
{
    static const char *const others[] = {"x-ms-keyvault-rbac-assignment-id",
                                         "x-ms-keyvault-rbac-cache",
                                         "x-powered-by",
                                         "content-length",
                                         "server",
                                         "x-aspnet-version",
                                         NULL};

    for (size_t i = 0; others[i] != NULL; i++) {
        if (strcmp(others[i], name) == 0) {
            return false;
        }
    }
    return true;
}

static void compare_headers(const cJSON *recorded, const struct reply *reply)
{
    const cJSON *header;

    cJSON_ArrayForEach(header, recorded)
    {
        if (is_usual_header(header->string) && reply_header(reply, header->string) == NULL) {
            fail_msg("no header %s", header->string);
        }
    }
    assert_string_equal(reply_header(reply, "Content-Type"),
                        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(recorded, "content-type")));
}

static void compare(const cJSON *recorded, const struct reply *reply)
{
    const cJSON *body = at(recorded, "response", "body");
    char *expected OWNED(owned_free) = shape(body), *got OWNED(owned_free) = shape(reply->json);

    assert_int_equal(reply->status, cJSON_GetNumberValue(at(recorded, "response", "status")));
    assert_string_equal(got, expected);
    compare_headers(at(recorded, "response", "headers"), reply);
    if (cJSON_HasObjectItem(body, "error")) {
        assert_true(cJSON_Compare(body, reply->json, true));
    }
}

/* --- Sending them again --- */

struct replay {
    const char *name;
    const char *key;     /* the key of ours that takes the place of the recorded one; NULL: as recorded */
    const char *blob_by; /* the operation that makes the blob which the request is about; NULL: as recorded */
};

/* What stands between /keys/ and the next slash. */
static char *name_in(const char *path)
{
    return need(strndup(path + strlen("/keys/"), strcspn(path + strlen("/keys/"), "/?")));
}

static char *latest_version(const char *name)
{
    char *path OWNED(owned_free) = text("/keys/%s", name);
    struct reply reply ENDS(reply_done) = vault("GET", path, NULL);

    assert_int_equal(reply.status, 200);
    return text("%s", strrchr(reply_text(&reply, "key.kid"), '/') + 1);
}

/* Another vault's token says nothing here. */
static char *without_skip_token(const char *path)
{
    const char *token = strstr(path, "&$skiptoken=");

    return text("%.*s", (int)(token == NULL ? strlen(path) : (size_t)(token - path)), path);
}

/* The recorded path, with our key and its version in place of the recorded one. */
static char *path_of(const cJSON *recorded, const char *key)
{
    char *path OWNED(owned_free) =
        without_skip_token(strstr(cJSON_GetStringValue(at(recorded, "request", "url")), "/keys"));
    char *name OWNED(owned_free) = NULL, *version OWNED(owned_free) = NULL;
    const char *rest;

    if (key == NULL || strncmp(path, "/keys/", 6) != 0) {
        return text("%s", path);
    }
    name = name_in(path);
    rest = path + strlen("/keys/") + strlen(name);
    if (rest[0] != '/' || strcspn(rest + 1, "/?") != 32) {
        return text("/keys/%s%s", key, rest);
    }
    version = latest_version(key);
    return text("/keys/%s/%s%s", key, version, rest + 33);
}

/* Replaces the value of the body by what the service makes of a fixed input, or of the digest. */
static void put_blob(const struct replay *replay, const char *path, cJSON *body)
{
    static const char input[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    char *name OWNED(owned_free) = name_in(path);
    char *there OWNED(owned_free) = text("/keys/%s/%s", name, replay->blob_by);
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(body, "digest");
    char *asked OWNED(owned_free) = text("{\"alg\":\"%s\",\"value\":\"%s\"}",
                                         cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "alg")),
                                         digest == NULL ? input : cJSON_GetStringValue(digest));
    struct reply made ENDS(reply_done) = vault("POST", there, asked);

    assert_int_equal(made.status, 200);
    cJSON_ReplaceItemInObjectCaseSensitive(body, "value", cJSON_CreateString(reply_text(&made, "value")));
}

static struct reply send_again(const struct replay *replay, const cJSON *recorded)
{
    char *path OWNED(owned_free) = path_of(recorded, replay->key);
    cJSON *body OWNED(owned_json) = cJSON_Duplicate(at(recorded, "request", "body"), true);
    const char *method = cJSON_GetStringValue(at(recorded, "request", "method"));
    char *sent OWNED(owned_free) = NULL;

    if (replay->blob_by != NULL) {
        put_blob(replay, path, body);
    }
    sent = cJSON_IsObject(body) ? cJSON_PrintUnformatted(body) : NULL;
    if (cJSON_GetNumberValue(at(recorded, "response", "status")) == 401) {
        return call_vault(NULL, method, path, sent == NULL ? "" : sent);
    }
    return vault(method, path, sent);
}

static void check_replay(void **state)
{
    const struct replay *replay = *state;
    cJSON *recorded OWNED(owned_json) = recording(replay->name);
    struct reply reply ENDS(reply_done) = {0};

    reply = send_again(replay, recorded);
    compare(recorded, &reply);
}

static int make_dated_key(void **state)
{
    (void)state;
    control("/keys/dated", "{\"nbf\":1600000000,\"exp\":4000000000}");
    return 0;
}

static int delete_recorded_key(void **state)
{
    (void)state;
    control("/keys/CreateDeletedKey", "{\"kty\":\"EC\",\"deleted\":true}");
    return 0;
}

/* --- The identity service --- */

static cJSON *identity_exchange(const char *name)
{
    char path[128]; /* a skipped test frees nothing */

    snprintf(path, sizeof path, "../identity/%s", name);
    return recording(path);
}

static void test_a_refused_secret_is_answered_as_recorded(void **state)
{
    cJSON *recorded OWNED(owned_json) =
        identity_exchange("go-ClientSecretCredential_InvalidSecretLive-token-401-2");
    struct reply reply ENDS(reply_done) =
        ask_token(standin.tenant_id, standin.client_id, "wrong", "https://vault.azure.net/.default");
    const char *description =
        cJSON_GetStringValue(cJSON_GetObjectItem(at(recorded, "response", "body"), "error_description"));

    (void)state;
    char *expected OWNED(owned_free) = shape(at(recorded, "response", "body")),
                   *got OWNED(owned_free) = shape(reply.json);
    assert_int_equal(reply.status, 401);
    assert_string_equal(got, expected);
    assert_int_equal(strncmp(reply_text(&reply, "error_description"), description, strcspn(description, "'")),
                     0);
}

static void test_a_token_is_answered_as_recorded(void **state)
{
    cJSON *recorded OWNED(owned_json) = identity_exchange("go-ClientSecretCredential_Live-token-200-2");
    struct reply reply ENDS(reply_done) =
        ask_token(standin.tenant_id, standin.client_id, client_secret(), "https://vault.azure.net/.default");
    char *expected OWNED(owned_free) = shape(at(recorded, "response", "body")),
                   *got OWNED(owned_free) = shape(reply.json);

    (void)state;
    assert_string_equal(got, expected);
}

#define AGAIN_AFTER(prepare, name, key, blob_by)                                                             \
    {                                                                                                        \
        name, check_replay, prepare, NULL, &(struct replay)                                                  \
        {                                                                                                    \
            name, key, blob_by                                                                               \
        }                                                                                                    \
    }
#define AGAIN(name, key, blob_by) AGAIN_AFTER(NULL, name, key, blob_by)

static const struct CMUnitTest tests[] = {
    AGAIN("vault-wrapkey-200-RSA-OAEP", "kek", NULL),
    AGAIN("vault-wrapkey-200-RSA-OAEP-256", "kek", NULL),
    AGAIN("vault-wrapkey-200-RSA-OAEP-noversion", "kek", NULL),
    AGAIN("vault-unwrapkey-200-RSA-OAEP", "kek", "wrapkey"),
    AGAIN("vault-unwrapkey-200-RSA-OAEP-256", "kek", "wrapkey"),
    AGAIN("vault-unwrapkey-200-RSA-OAEP-noversiondblslash", "kek", "wrapkey"),
    AGAIN("vault-encrypt-200-RSA-OAEP", "kek", NULL),
    AGAIN("vault-encrypt-200-RSA-OAEP-noversion", "kek", NULL),
    AGAIN("vault-decrypt-200-RSA-OAEP-noversion", "kek", "encrypt"),
    AGAIN("vault-decrypt-200-RSA-OAEP-256-noversion", "kek", "encrypt"),
    AGAIN("vault-sign-200-RS256", "kek", NULL),
    AGAIN("vault-sign-200-RS384", "kek", NULL),
    AGAIN("vault-sign-200-PS256", "kek", NULL),
    AGAIN("vault-sign-200-RS256-noversion", "kek", NULL),
    AGAIN("vault-verify-200-RS256", "kek", "sign"),
    AGAIN("vault-verify-200-RS384", "kek", "sign"),
    AGAIN_AFTER(make_dated_key, "vault-get-200-RSA-exp-nbf-CustomizedRecoverable-Purgeable-n2048", "dated",
                NULL),
    AGAIN("vault-list-200-next", NULL, NULL),
    AGAIN("vault-list-versions-200-last-cont", "signer", NULL),
    AGAIN("vault-wrapkey-401-Unauthorized-AKV-is-missing-a-Bearer-o", NULL, NULL),
    AGAIN("vault-sign-401-Unauthorized-AKV-is-missing-a-Bearer-o", NULL, NULL),
    AGAIN("vault-create-401-Unauthorized-AKV-is-missing-a-Bearer-o", NULL, NULL),
    AGAIN("vault-get-404-KeyNotFound-A-key", NULL, NULL),
    AGAIN("vault-get-version-404-KeyNotFound-A-key", NULL, NULL),
    AGAIN("vault-update-404-KeyNotFound-A-key", NULL, NULL),
    AGAIN("vault-create-400-BadParameter-Property-has-invalid-val", NULL, NULL),
    AGAIN_AFTER(delete_recorded_key,
                "vault-create-409-Conflict.ObjectIsDeletedButRecoverable-Key-CreateDeletedKey-is-c", NULL,
                NULL),
    AGAIN("vault-create-200-RSA-CRP-n", NULL, NULL),
    AGAIN("vault-create-200-RSA-HSM-RP-n", NULL, NULL),
    AGAIN("vault-create-200-RSA-exp-nbf-CRP-n", NULL, NULL),
    AGAIN("vault-create-200-EC-RP-P-256", NULL, NULL),
    cmocka_unit_test(test_a_refused_secret_is_answered_as_recorded),
    cmocka_unit_test(test_a_token_is_answered_as_recorded),
};
const struct test_list recording_tests = TEST_LIST(tests);
