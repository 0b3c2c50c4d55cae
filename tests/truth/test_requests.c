/*
 * What our client asks of the stand-in, and what that answers to just these requests, is as the service's
 * description says ($BYOK_TEST_DATA/keyvault/openapi).
 */
#include "backends/base/scope.h"
#include "tests/truth/asked.h"
#include "tests/truth/openapi.h"
#include "tests/truth/verbs.h"
#include <string.h>

static const struct known differences[] = {
    {"*", "request path: no version", "the service takes the latest one then"},
    {"*", "request $skiptoken: unknown", "of a nextLink, which is followed as it is"},
    {"mhsm *", "request api-version: missing", "the same; a Managed HSM leaves it out"},
    {"vault *", "answer body.nextLink: null, not string", "a vault says so at the end of a list"},
    {"mhsm 7.6", "request body.alg: \"CKM_AES_KEY_WRAP_PAD\" is not one of the words",
     "it is since 7.6, whose description is not at hand in full"},
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

static void list(struct key_service *service, unsigned expected)
{
    struct service_answer answer;
    unsigned keys = 0;

    assert_int_equal(service->ops->each_key(service, deadline_in(10000), visit, &keys, &answer), CKR_OK);
    assert_int_equal(keys, expected);
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

/* What there is to ask about, and what that comes to. */
struct plan {
    const char *service, *base, *store, *audience;
    const char *curves[EC_CURVES];
    int keys, requests;
};

static void ask_about_keys(struct key_service *service, const char *store)
{
    static const enum rsa_padding paddings[] = {RSA_PADDING_OAEP_SHA1, RSA_PADDING_OAEP_SHA256,
                                                RSA_PADDING_PKCS1};
    char *version ENDED_BY(free_text) = version_of(store, "kek");
    const struct key_ref latest = {"kek", NULL}, one = {"kek", version}, none = {"none", NULL};

    get(service, &latest, CKR_OK);
    get(service, &one, CKR_OK);
    get(service, &none, CKR_KEY_HANDLE_INVALID);
    open_nothing(service, &latest);
    for (size_t i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
        there_and_back(service, i == 0 ? &one : &latest, paddings[i], true);
        there_and_back(service, i == 0 ? &latest : &one, paddings[i], false);
    }
}

/* Requests: 10 or 12 for each size, 3 for learning them, 2 for random bytes. */
static void ask_managed_hsm(struct key_service *service, bool padded_wrap)
{
    verbs_aes(service, "octets-128", 128, padded_wrap);
    verbs_aes(service, "octets-192", 192, padded_wrap);
    verbs_aes(service, "octets-256", 256, padded_wrap);
    verbs_learn(service, "octets-256", 256);
    verbs_learn(service, "octets-192", 192);
    verbs_learn(service, "octets-128", 128);
    verbs_random(service);
}

static int ask_everything(struct key_service *service, const struct plan *plan, const char *version)
{
    bool padded_wrap = strcmp(version, "7.6") == 0;

    list(service, plan->keys);
    ask_about_keys(service, plan->store);
    verbs_sign(service, "kek", plan->curves);
    if (service->ops->random != NULL) {
        ask_managed_hsm(service, padded_wrap);
    }
    return plan->requests + (service->ops->random != NULL && padded_wrap ? 3 * 2 : 0);
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

static void check(const struct plan *plan, const char *version)
{
    struct client client ENDED_BY(client_close) = asked_client(
        plan->base, (const struct client_word[]){{"identity", "client-secret"},
                                                 {"tenant", standin.tenant_id},
                                                 {"authority", standin.identity_url},
                                                 {"client-id", standin.client_id},
                                                 {"client-secret-file", standin.client_secret_file},
                                                 {"audience", plan->audience},
                                                 {"api-version", version},
                                                 {NULL, NULL}});
    char *where ENDED_BY(free_text) = format("%s %s", plan->service, version);
    cJSON *log ENDED_BY(free_json) = NULL;
    struct openapi openapi ENDED_BY(openapi_done);
    const cJSON *entry;
    int expected;

    assert_true(openapi_read(strcmp(version, "7.4") == 0 ? "7.4" : "7.5", &openapi));
    asked_forget();
    expected = ask_everything(client.service, plan, version);
    log = asked_log(plan->service);
    assert_int_equal(cJSON_GetArraySize(log), expected);
    cJSON_ArrayForEach(entry, log)
    {
        judge(&openapi, plan->base, entry, where);
    }
}

static void test_requests_to_a_vault(void **state)
{
    const struct plan plan = {.service = "vault",
                              .base = standin.vault_url,
                              .store = "/keys",
                              .audience = "https://vault.azure.net",
                              .curves = {"signer", "p384", "p521"},
                              .keys = 6,
                              .requests = 3 + 3 + 1 + 12 + 13};

    (void)state;
    check(&plan, "7.4");
    check(&plan, "7.5");
    check(&plan, "7.6");
}

static void test_requests_to_a_managed_hsm(void **state)
{
    const struct plan plan = {.service = "mhsm",
                              .base = standin.mhsm_url,
                              .store = "/mhsm/keys",
                              .audience = "https://managedhsm.azure.net",
                              .curves = {"p256", "p384", "p521"},
                              .keys = 7,
                              .requests = 4 + 3 + 1 + 12 + 13 + 3 * 8 + (1 + 2 + 3) + 2};

    (void)state;
    check(&plan, "7.4");
    check(&plan, "7.5");
    check(&plan, "7.6");
}

/* certificates.json is not among the descriptions: what is read must be right. */
static void test_certificates_of_a_vault(void **state)
{
    static const char *const names[] = {"kek", "signer", "p384"};
    struct client client ENDED_BY(client_close) = asked_client(
        standin.vault_url, (const struct client_word[]){{"identity", "client-secret"},
                                                        {"tenant", standin.tenant_id},
                                                        {"authority", standin.identity_url},
                                                        {"client-id", standin.client_id},
                                                        {"client-secret-file", standin.client_secret_file},
                                                        {NULL, NULL}});

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *path ENDED_BY(free_text) = format("/keys/%s", names[i]);

        cJSON_Delete(asked_control("PUT", path, "{\"managed\":true}"));
    }
    verbs_certificates(client.service, names, 3);
    assert_null(client.service->ops->random);
}

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

/* Several pages of keys on either. */
static int start(void **state)
{
    static const struct {
        const char *path, *kind;
    } others[] = {
        {"/keys/p384", "{\"kty\":\"EC\",\"crv\":\"P-384\"}"},
        {"/keys/p521", "{\"kty\":\"EC\",\"crv\":\"P-521\"}"},
        {"/mhsm/keys/p256", "{\"kty\":\"EC-HSM\"}"},
        {"/mhsm/keys/p384", "{\"kty\":\"EC-HSM\",\"crv\":\"P-384\"}"},
        {"/mhsm/keys/p521", "{\"kty\":\"EC-HSM\",\"crv\":\"P-521\"}"},
        {"/mhsm/keys/octets-128", "{\"kty\":\"oct-HSM\",\"size\":128}"},
        {"/mhsm/keys/octets-192", "{\"kty\":\"oct-HSM\",\"size\":192}"},
        {"/mhsm/keys/octets-256", "{\"kty\":\"oct-HSM\",\"size\":256}"},
    };

    if (asked_start(state) != 0) {
        return -1;
    }
    cJSON_Delete(asked_control("PUT", "/settings", "{\"page_size\":2}"));
    cJSON_Delete(asked_control("DELETE", "/mhsm/keys", NULL));
    cJSON_Delete(asked_control("PUT", "/mhsm/keys/kek", "{\"kty\":\"RSA-HSM\"}"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cJSON_Delete(asked_control("PUT", others[i].path, others[i].kind));
    }
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_to_a_vault),
        cmocka_unit_test(test_requests_to_a_managed_hsm),
        cmocka_unit_test(test_certificates_of_a_vault),
        cmocka_unit_test(test_each_known_difference_is_still_one),
    };

    return recorded_run("requests", tests, sizeof tests / sizeof tests[0], start, asked_end);
}
