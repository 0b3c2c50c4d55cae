/* The identity service: what proves who asks, and what it says of itself. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- What the client has --- */

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static EVP_PKEY *client_key(void)
{
    FILE *file = fopen(standin.client_certificate_file, "re");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

    fclose(file);
    assert_non_null(key);
    return key;
}

static X509 *client_certificate(void)
{
    FILE *file = fopen(standin.client_certificate_file, "re");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

static char *thumbprint(const EVP_MD *hash)
{
    X509 *certificate OWNED(free_x509) = client_certificate();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;

    X509_digest(certificate, hash, digest, &size);
    return base64url(digest, size);
}

/* --- Assertions --- */

/* What is in one; NULL: as it should be. */
struct assertion {
    const char *alg, *header; /* header: instead of "x5t":"..." */
    const char *aud, *iss, *sub, *jti;
    long nbf, exp; /* seconds from now */
    EVP_PKEY *key;
};

static char *signature(const char *alg, const char *content, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    unsigned char made[512];
    size_t size = sizeof made;

    EVP_DigestSignInit(context, &how, EVP_sha256(), NULL, key);
    if (strcmp(alg, "PS256") == 0) {
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
    }
    assert_int_equal(EVP_DigestSign(context, made, &size, (const unsigned char *)content, strlen(content)),
                     1);
    EVP_MD_CTX_free(context);
    return base64url(made, size);
}

static const char *or_else(const char *value, const char *usual)
{
    return value == NULL ? usual : value;
}

static char *claims_of(const struct assertion *what)
{
    char *url OWNED(owned_free) = text("%s/%s/oauth2/v2.0/token", standin.identity_url, standin.tenant_id);
    char *id OWNED(owned_free) = random_uuid();
    long now = (long)time(NULL);

    return text("{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\",\"nbf\":%ld,\"exp\":%ld}",
                or_else(what->aud, url), or_else(what->iss, standin.client_id),
                or_else(what->sub, standin.client_id), or_else(what->jti, id), now + what->nbf,
                now + (what->exp == 0 ? 600 : what->exp));
}

static char *sign(const struct assertion *what)
{
    const char *alg = or_else(what->alg, "RS256");
    char *sha1 OWNED(owned_free) = thumbprint(EVP_sha1());
    char *usual OWNED(owned_free) = text("\"x5t\":\"%s\"", sha1);
    char *header OWNED(owned_free) =
        text("{\"alg\":\"%s\",\"typ\":\"JWT\",%s}", alg, or_else(what->header, usual));
    char *claims OWNED(owned_free) = claims_of(what);
    char *first OWNED(owned_free) = base64url(header, strlen(header));
    char *second OWNED(owned_free) = base64url(claims, strlen(claims));
    char *content OWNED(owned_free) = text("%s.%s", first, second), *last OWNED(owned_free) = NULL;
    EVP_PKEY *own OWNED(free_key) = client_key();

    last = signature(alg, content, what->key == NULL ? own : what->key);
    return text("%s.%s", content, last);
}

static struct reply show(const char *client_id, const char *assertion, const char *more)
{
    char *url OWNED(owned_free) = text("%s/%s/oauth2/v2.0/token", standin.identity_url, standin.tenant_id);
    char *form OWNED(owned_free) =
        text("grant_type=client_credentials&client_id=%s&scope=https%%3A%%2F%%2Fvault.azure.net%%2F.default&"
             "client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer&"
             "client_assertion=%s%s",
             client_id, assertion, more);

    return post_form(url, form);
}

static struct reply show_signed(struct assertion what)
{
    char *assertion OWNED(owned_free) = sign(&what);

    return show(standin.client_id, assertion, "");
}

static void check_given(struct reply reply)
{
    struct reply judged ENDS(reply_done) = reply, used ENDS(reply_done) = {0};

    assert_int_equal(judged.status, 200);
    used = call_vault(reply_text(&judged, "access_token"), "GET", "/keys/kek", NULL);
    assert_int_equal(used.status, 200);
}

static void check_refused(struct reply reply, long status, int number)
{
    struct reply judged ENDS(reply_done) = reply;

    assert_int_equal(judged.status, status);
    assert_int_equal(cJSON_GetNumberValue(reply_item(&judged, "error_codes.0")), number);
}

/* --- A certificate --- */

static void test_a_signed_assertion_gives_a_token(void **state)
{
    char *sha256 OWNED(owned_free) = thumbprint(EVP_sha256());
    char *modern OWNED(owned_free) = text("\"x5t#S256\":\"%s\"", sha256);

    (void)state;
    check_given(show_signed((struct assertion){0}));
    check_given(show_signed((struct assertion){.alg = "PS256", .header = modern}));
}

static void test_only_rs256_and_ps256_are_taken(void **state)
{
    (void)state;
    check_refused(show_signed((struct assertion){.alg = "none"}), 401, 700027);
    check_refused(show_signed((struct assertion){.alg = "HS256"}), 401, 700027);
}

static void test_the_signature_must_be_by_the_certificate(void **state)
{
    EVP_PKEY *other OWNED(free_key) = EVP_RSA_gen(2048);
    char *assertion OWNED(owned_free) = sign(&(struct assertion){0});
    char *at = assertion + strlen(assertion) - 10;

    (void)state;
    *at = *at == 'A' ? 'B' : 'A';
    check_refused(show(standin.client_id, assertion, ""), 401, 700027);
    check_refused(show_signed((struct assertion){.key = other}), 401, 700027);
}

static void test_both_thumbprints_must_be_the_certificates(void **state)
{
    char *sha1 OWNED(owned_free) = thumbprint(EVP_sha1()),
               *sha256 OWNED(owned_free) = thumbprint(EVP_sha256());
    char *both OWNED(owned_free) = text("\"x5t\":\"%s\",\"x5t#S256\":\"%s\"", sha1, sha256);
    char *wrong OWNED(owned_free) = text("\"x5t\":\"%s\",\"x5t#S256\":\"%s\"", sha1, sha1);
    struct reply reply ENDS(reply_done) = show_signed((struct assertion){.header = wrong});

    (void)state;
    check_given(show_signed((struct assertion){.header = both}));
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply_text(&reply, "error_description"), "AADSTS700027"));
    assert_non_null(strstr(reply_text(&reply, "error_description"), "The key was not found."));
    check_refused(show_signed((struct assertion){.header = "\"kid\":\"1\""}), 401, 700027);
}

static void test_the_assertion_must_be_for_this_endpoint_and_by_the_client(void **state)
{
    (void)state;
    check_refused(
        show_signed((struct assertion){.aud = "https://login.microsoftonline.com/t/oauth2/v2.0/token"}), 401,
        700023);
    check_refused(show_signed((struct assertion){.iss = "somebody"}), 401, 700021);
    check_refused(show_signed((struct assertion){.sub = "somebody"}), 401, 700021);
}

static int usual_settings(void **state)
{
    (void)state;
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    return 0;
}

static void test_the_assertion_must_be_in_time(void **state)
{
    (void)state;
    check_given(show_signed((struct assertion){.nbf = 100}));
    check_given(show_signed((struct assertion){.nbf = -1000, .exp = -100}));
    control("/settings", "{\"assertion_skew\":10}");
    check_refused(show_signed((struct assertion){.nbf = 100}), 401, 700024);
    check_refused(show_signed((struct assertion){.nbf = -1000, .exp = -100}), 401, 700024);
}

static void test_an_assertion_is_taken_once(void **state)
{
    char *assertion OWNED(owned_free) = sign(&(struct assertion){0});

    (void)state;
    check_given(show(standin.client_id, assertion, ""));
    check_refused(show(standin.client_id, assertion, ""), 401, 50013);
    check_refused(show_signed((struct assertion){.jti = ""}), 401, 50013);
}

static void test_a_certificate_is_registered_for_its_owner(void **state)
{
    static const char other[] = "33333333-0000-0000-0000-000000000000";
    X509 *certificate OWNED(free_x509) = client_certificate();
    BIO *bio = BIO_new(BIO_s_mem());
    cJSON *body OWNED(owned_json) = cJSON_CreateObject();
    char *first OWNED(owned_free) = sign(&(struct assertion){.iss = other, .sub = other});
    char *second OWNED(owned_free) = sign(&(struct assertion){.iss = other, .sub = other});
    char *pem OWNED(owned_free) = need(calloc(1, 8192)), *json OWNED(owned_free) = NULL;

    (void)state;
    PEM_write_bio_X509(bio, certificate);
    BIO_read(bio, pem, 8191);
    BIO_free(bio);
    control("/callers/33333333-0000-0000-0000-000000000000", "{\"permissions\":[\"get\"]}");
    check_refused(show(other, first, ""), 401, 700027);
    cJSON_AddStringToObject(body, "certificate", pem);
    json = cJSON_PrintUnformatted(body);
    control("/callers/33333333-0000-0000-0000-000000000000", json);
    check_given(show(other, second, ""));
}

static void test_pkcs12_holds_the_same(void **state)
{
    FILE *file = fopen(standin.client_certificate_p12, "re");
    PKCS12 *p12 = d2i_PKCS12_fp(file, NULL);
    EVP_PKEY *key OWNED(free_key) = NULL, *pem_key OWNED(free_key) = client_key();
    X509 *certificate OWNED(free_x509) = NULL, *pem_certificate OWNED(free_x509) = client_certificate();

    (void)state;
    fclose(file);
    assert_int_equal(PKCS12_parse(p12, "", &key, &certificate, NULL), 1);
    PKCS12_free(p12);
    assert_int_equal(EVP_PKEY_eq(key, pem_key), 1);
    assert_int_equal(X509_cmp(certificate, pem_certificate), 0);
    assert_int_equal(X509_check_private_key(certificate, key), 1);
}

static void test_what_is_no_assertion(void **state)
{
    char *url OWNED(owned_free) = text("%s/%s/oauth2/v2.0/token", standin.identity_url, standin.tenant_id);
    char *assertion OWNED(owned_free) = sign(&(struct assertion){0});
    char *untyped OWNED(owned_free) =
        text("grant_type=client_credentials&client_id=%s&scope=x&client_assertion=%s", standin.client_id,
             assertion);

    (void)state;
    check_refused(show(standin.client_id, "nonsense", ""), 401, 50027);
    check_refused(show(standin.client_id, "YQ.YQ.YQ", ""), 401, 50027);
    check_refused(post_form(url, untyped), 400, 900144);
}

/* --- A federation issuer --- */

static struct reply show_federated(void)
{
    FILE *file = fopen(standin.federated_token_file, "re");
    char token[4096] = "";

    assert_non_null(file);
    assert_non_null(fgets(token, sizeof token, file));
    fclose(file);
    return show(standin.client_id, token, "");
}

static int usual_federated_token(void **state)
{
    (void)state;
    control("/federated-token", "{}");
    return 0;
}

static void test_a_federated_token_gives_a_token(void **state)
{
    (void)state;
    check_given(show_federated());
    check_given(show_federated());
}

static void test_a_federated_token_must_be_the_registered_one(void **state)
{
    (void)state;
    control("/federated-token", "{\"subject\":\"system:serviceaccount:other:one\"}");
    check_refused(show_federated(), 400, 70021);
    control("/federated-token", "{\"issuer\":\"https://issuer.example\"}");
    check_refused(show_federated(), 400, 70021);
    control("/federated-token", "{\"audience\":\"https://vault.azure.net\"}");
    check_refused(show_federated(), 400, 70021);
    control("/federated-token", "{\"false_key\":true}");
    check_refused(show_federated(), 401, 700027);
    control("/federated-token", "{\"text\":\"nonsense\"}");
    check_refused(show_federated(), 401, 50027);
    control("/federated-token", "{}");
    check_given(show_federated());
}

static void test_a_federated_token_expires(void **state)
{
    (void)state;
    control("/federated-token", "{\"expires_in\":-600}");
    check_refused(show_federated(), 401, 700024);
    control("/federated-token", "{\"expires_in\":600}");
    check_given(show_federated());
}

static void test_another_issuer_can_be_registered(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s", standin.client_id);
    char *own OWNED(owned_free) = text("{\"issuer\":\"%s/federation\"}", standin.identity_url);

    (void)state;
    control("/federated-token", "{\"issuer\":\"https://issuer.example\"}");
    control(path, "{\"issuer\":\"https://issuer.example\"}");
    check_given(show_federated());
    control(path, own);
    check_refused(show_federated(), 400, 70021);
}

/* --- Whom it knows, and for what --- */

static void test_a_disabled_application_gets_none_whatever_it_shows(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/disabled", standin.client_id);

    (void)state;
    control(path, "true");
    check_refused(show_signed((struct assertion){0}), 400, 7000112);
    check_refused(show_federated(), 400, 7000112);
    control(path, "false");
    check_given(show_signed((struct assertion){0}));
}

static void test_the_resource_must_be_known(void **state)
{
    static const char *const known[] = {"https://vault.azure.net/.default",
                                        "https://managedhsm.azure.net/.default",
                                        "https://vault.azure.cn/.default"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct reply reply ENDS(reply_done) =
            ask_token(standin.tenant_id, standin.client_id, client_secret(), known[i]);

        assert_int_equal(reply.status, 200);
    }
    check_refused(ask_token(standin.tenant_id, standin.client_id, client_secret(),
                            "https://vault.keyvault.net/.default"),
                  400, 500011);
}

static void test_claims_must_be_json(void **state)
{
    char *good OWNED(owned_free) = sign(&(struct assertion){0}),
               *bad OWNED(owned_free) = sign(&(struct assertion){0});

    (void)state;
    check_given(show(standin.client_id, good, "&claims=%7B%22access_token%22%3A%7B%7D%7D"));
    check_refused(show(standin.client_id, bad, "&claims=nonsense"), 400, 9000410);
}

/* --- What it says of itself --- */

static struct reply get(const char *path)
{
    static const char *const none[] = {NULL};
    char *url OWNED(owned_free) = text("%s%s", standin.identity_url, path);

    return call_url("GET", url, none, NULL);
}

static void test_instances_are_discovered(void **state)
{
    char *own OWNED(owned_free) =
        text("/common/discovery/instance?api-version=1.1&authorization_endpoint=%s/%s/oauth2/v2.0/authorize",
             standin.identity_url, standin.tenant_id);
    char *endpoint OWNED(owned_free) =
        text("%s/%s/v2.0/.well-known/openid-configuration", standin.identity_url, standin.tenant_id);
    struct reply reply ENDS(reply_done) = get(own);
    struct reply foreign ENDS(reply_done) = get(
        "/common/discovery/instance?authorization_endpoint=https://elsewhere.example/t/oauth2/v2.0/authorize");

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "tenant_discovery_endpoint"), endpoint);
    assert_string_equal(reply_text(&reply, "metadata.0.aliases.0"),
                        standin.identity_url + strlen("https://"));
    assert_int_equal(foreign.status, 400);
    assert_string_equal(reply_text(&foreign, "error"), "invalid_instance");
}

static void test_a_tenant_describes_itself(void **state)
{
    char *path OWNED(owned_free) = text("/%s/v2.0/.well-known/openid-configuration", standin.tenant_id);
    char *token_url OWNED(owned_free) =
        text("%s/%s/oauth2/v2.0/token", standin.identity_url, standin.tenant_id);
    struct reply reply ENDS(reply_done) = get(path);
    struct reply unknown ENDS(reply_done) = get("/nobody/v2.0/.well-known/openid-configuration");
    struct reply nothing ENDS(reply_done) = get("/");

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_text(&reply, "token_endpoint"), token_url);
    assert_string_equal(reply_text(&reply, "token_endpoint_auth_methods_supported.1"), "private_key_jwt");
    assert_int_equal(unknown.status, 400);
    assert_string_equal(reply_text(&unknown, "error"), "invalid_tenant");
    assert_int_equal(nothing.status, 404);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_signed_assertion_gives_a_token),
    cmocka_unit_test(test_only_rs256_and_ps256_are_taken),
    cmocka_unit_test(test_the_signature_must_be_by_the_certificate),
    cmocka_unit_test(test_both_thumbprints_must_be_the_certificates),
    cmocka_unit_test(test_the_assertion_must_be_for_this_endpoint_and_by_the_client),
    cmocka_unit_test_teardown(test_the_assertion_must_be_in_time, usual_settings),
    cmocka_unit_test(test_an_assertion_is_taken_once),
    cmocka_unit_test(test_a_certificate_is_registered_for_its_owner),
    cmocka_unit_test(test_pkcs12_holds_the_same),
    cmocka_unit_test(test_what_is_no_assertion),
    cmocka_unit_test(test_a_federated_token_gives_a_token),
    cmocka_unit_test_teardown(test_a_federated_token_must_be_the_registered_one, usual_federated_token),
    cmocka_unit_test_teardown(test_a_federated_token_expires, usual_federated_token),
    cmocka_unit_test_teardown(test_another_issuer_can_be_registered, usual_federated_token),
    cmocka_unit_test(test_a_disabled_application_gets_none_whatever_it_shows),
    cmocka_unit_test(test_the_resource_must_be_known),
    cmocka_unit_test(test_claims_must_be_json),
    cmocka_unit_test(test_instances_are_discovered),
    cmocka_unit_test(test_a_tenant_describes_itself),
};
const struct test_list identity_tests = TEST_LIST(tests);
