/*
 * What our client asks of the stand-in, and what that answers to just these requests, is as the service's
 * description says ($BYOK_TEST_DATA/keyvault/openapi).
 */
#include "backends/base/scope.h"
#include "tests/truth/asked.h"
#include "tests/truth/openapi.h"
#include <string.h>

static const struct known differences[] = {
    {"*", "request path: no version", "the service takes the latest one then"},
    {"*", "request $skiptoken: unknown", "of a nextLink, which is followed as it is"},
    {"mhsm *", "request api-version: missing", "the same; a Managed HSM leaves it out"},
    {"vault *", "answer body.nextLink: null, not string", "a vault says so at the end of a list"},
    {"mhsm *", "answer body.alg: unknown", "a Managed HSM says it with every result"},
};
static struct known_table table = KNOWN_TABLE(differences);

/* --- Everything that our client can ask --- */

static bool visit(void *arg, struct key_info *info)
{
    unsigned *keys = arg;

    (void)info;
    (*keys)++;
    return true;
}

static void list(struct key_service *service)
{
    struct service_answer answer;
    unsigned keys = 0;

    assert_int_equal(service->ops->each_key(service, deadline_in(10000), visit, &keys, &answer), CKR_OK);
    assert_int_equal(keys, 4);
}

static void get(struct key_service *service, const struct key_ref *key, CK_RV expected)
{
    struct service_answer answer;
    struct key_info info = {.name = ""};

    assert_int_equal(service->ops->public_part(service, key, deadline_in(10000), &info, &answer), expected);
    key_info_done(&info);
}

static void there_and_back(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                           bool wrap)
{
    const struct key_service_ops *ops = service->ops;
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(1024);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer;

    assert_int_equal((wrap ? ops->wrap : ops->encrypt)(service, key, padding,
                                                       bytes_of("0123456789abcdef", 16), deadline_in(10000),
                                                       &blob, &answer),
                     CKR_OK);
    assert_int_equal((wrap ? ops->unwrap : ops->decrypt)(service, key, padding, buffer_bytes(&blob),
                                                         deadline_in(10000), &plain, &answer),
                     CKR_OK);
}

static void open_nothing(struct key_service *service, const struct key_ref *key)
{
    static const unsigned char blob[256] = {1};
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer;

    assert_int_equal(service->ops->unwrap(service, key, RSA_PADDING_OAEP_SHA256, bytes_of(blob, sizeof blob),
                                          deadline_in(10000), &plain, &answer),
                     CKR_WRAPPED_KEY_INVALID);
}

static char *version_of(const char *store, const char *name)
{
    char *path ENDED_BY(free_text) = format("%s/%s", store, name);
    cJSON *key ENDED_BY(free_json) = asked_control("GET", path, NULL);

    return format("%s", text_at(key, "versions.0.version"));
}

static void ask_everything(struct key_service *service, const char *store)
{
    static const enum rsa_padding paddings[] = {RSA_PADDING_OAEP_SHA1, RSA_PADDING_OAEP_SHA256,
                                                RSA_PADDING_PKCS1};
    char *version ENDED_BY(free_text) = version_of(store, "kek");
    const struct key_ref latest = {"kek", NULL}, one = {"kek", version}, none = {"none", NULL};

    list(service);
    get(service, &latest, CKR_OK);
    get(service, &one, CKR_OK);
    get(service, &none, CKR_KEY_HANDLE_INVALID);
    open_nothing(service, &latest);
    for (size_t i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
        there_and_back(service, i == 0 ? &one : &latest, paddings[i], true);
        there_and_back(service, i == 0 ? &latest : &one, paddings[i], false);
    }
}

/* --- Judged --- */

static void judge(const struct openapi *openapi, const char *base, const cJSON *entry, const char *where)
{
    struct differences found ENDED_BY(differences_done) = {0};
    char *target ENDED_BY(free_text) = asked_target(entry);
    cJSON *body ENDED_BY(free_json) = asked_json(entry), *answer ENDED_BY(free_json) = NULL;
    struct exchange exchange = {.method = text_at(entry, "method"), .target = target, .asked = body};

    exchange.answered = answer = asked_again(base, entry, &exchange.status);
    openapi_judge_request(openapi, &exchange, &found);
    openapi_judge_answer(openapi, &exchange, &found);
    differences_judge(&found, where, &table);
}

static void check(const char *service, const char *base, const char *store, const char *audience,
                  const char *version)
{
    struct client client ENDED_BY(client_close) =
        asked_client(base, (const struct client_word[]){{"identity", "client-secret"},
                                                        {"tenant", standin.tenant_id},
                                                        {"authority", standin.identity_url},
                                                        {"client-id", standin.client_id},
                                                        {"client-secret-file", standin.client_secret_file},
                                                        {"audience", audience},
                                                        {"api-version", version},
                                                        {NULL, NULL}});
    char *where ENDED_BY(free_text) = format("%s %s", service, version);
    cJSON *log ENDED_BY(free_json) = NULL;
    struct openapi openapi ENDED_BY(openapi_done);
    const cJSON *entry;

    assert_true(openapi_read(strcmp(version, "7.4") == 0 ? "7.4" : "7.5", &openapi));
    asked_forget();
    ask_everything(client.service, store);
    log = asked_log(service);
    assert_int_equal(cJSON_GetArraySize(log), 2 + 3 + 1 + 12);
    cJSON_ArrayForEach(entry, log)
    {
        judge(&openapi, base, entry, where);
    }
}

static void test_requests_to_a_vault(void **state)
{
    (void)state;
    check("vault", standin.vault_url, "/keys", "https://vault.azure.net", "7.4");
    check("vault", standin.vault_url, "/keys", "https://vault.azure.net", "7.5");
    check("vault", standin.vault_url, "/keys", "https://vault.azure.net", "7.6");
}

static void test_requests_to_a_managed_hsm(void **state)
{
    (void)state;
    check("mhsm", standin.mhsm_url, "/mhsm/keys", "https://managedhsm.azure.net", "7.4");
    check("mhsm", standin.mhsm_url, "/mhsm/keys", "https://managedhsm.azure.net", "7.5");
}

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

/* Two pages of keys on either. */
static int start(void **state)
{
    if (asked_start(state) != 0) {
        return -1;
    }
    cJSON_Delete(asked_control("PUT", "/settings", "{\"page_size\":2}"));
    cJSON_Delete(asked_control("DELETE", "/mhsm/keys", NULL));
    cJSON_Delete(asked_control("PUT", "/mhsm/keys/kek", "{\"kty\":\"RSA-HSM\"}"));
    cJSON_Delete(asked_control("PUT", "/mhsm/keys/a", "{\"kty\":\"EC-HSM\"}"));
    cJSON_Delete(asked_control("PUT", "/mhsm/keys/b", "{\"kty\":\"EC-HSM\"}"));
    cJSON_Delete(asked_control("PUT", "/mhsm/keys/c", "{\"kty\":\"EC-HSM\"}"));
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_to_a_vault),
        cmocka_unit_test(test_requests_to_a_managed_hsm),
        cmocka_unit_test(test_each_known_difference_is_still_one),
    };

    return recorded_run("requests", tests, sizeof tests / sizeof tests[0], start, asked_end);
}
