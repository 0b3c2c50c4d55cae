/* A certificate from a file becomes an assertion, and that a token; or words that say why not. */
#include "backends/base/base64url.h"
#include "backends/base/scope.h"
#include "tests/backends/keyvault/certificates.h"
#include "tests/backends/keyvault/sent.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct pair ours, others, curve, old;
static const char *file;

static void write_parts(const char *first, const char *second, const char *third)
{
    char text[32 * 1024];

    snprintf(text, sizeof text, "%s%s%s", first, second, third);
    file = test_file("client.pem", text);
    chmod(file, 0600);
}

static void write_pair(const struct pair *certificate, const struct pair *key, const char *password)
{
    char *first SCOPED(scope_free) = pem_of_certificate(certificate);
    char *second SCOPED(scope_free) = pem_of_key(key, password);

    write_parts(first, second, "");
}

static void write_bytes(const unsigned char *data, size_t size)
{
    FILE *to;

    file = test_file("client.pem", "");
    to = fopen(file, "w");
    assert_int_equal(fwrite(data, 1, size, to), size);
    fclose(to);
    chmod(file, 0600);
}

static void write_pkcs12(const char *password)
{
    size_t size;
    unsigned char *data SCOPED(scope_free) = pkcs12_of(&ours, &others, password, &size);

    write_bytes(data, size);
}

static int set_up(void **state)
{
    struct identity_options who = {.client_id = "my-app"};

    write_pair(&ours, &ours, NULL);
    who.client_certificate_file = file;
    *state = token_world_new(&client_certificate_kind, &who);
    return 0;
}

static int tear_down(void **state)
{
    token_world_free(*state);
    return 0;
}

static void open_with_password(struct token_world *world, const char *password)
{
    struct identity_options who = {.client_id = "my-app",
                                   .client_certificate_file = file,
                                   .client_certificate_password = password,
                                   .from_environment = true};

    token_world_open(world, &client_certificate_kind, &who);
}

static void expect_assertion_of_ours(struct token_world *world)
{
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};

    sent_read(world, &sent);
    assert_true(sent_verifies(&sent, ours.key));
}

static void test_form(void **state)
{
    struct token_world *world = *state;
    char *type SCOPED(scope_free) = NULL, *id SCOPED(scope_free) = NULL, *grant SCOPED(scope_free) = NULL;

    assert_true(token_world_fetch(world, 5000));
    assert_true(world->was_form);
    assert_string_equal(buffer_text(&world->token), "abc.def");
    type = token_world_field(world, "client_assertion_type");
    id = token_world_field(world, "client_id");
    grant = token_world_field(world, "grant_type");
    assert_string_equal(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_string_equal(id, "my-app");
    assert_string_equal(grant, "client_credentials");
    assert_null(token_world_field(world, "client_secret"));
}

static void test_signature(void **state)
{
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};

    sent_read(*state, &sent);
    assert_true(sent_verifies(&sent, ours.key));
    assert_false(sent_verifies(&sent, others.key));
    sent.assertion[0] = 'f';
    assert_false(sent_verifies(&sent, ours.key));
}

static void test_header(void **state)
{
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};
    struct buffer thumbprint SCOPED(buffer_free) = BUFFER_INIT(64);
    unsigned char digest[32];
    unsigned size = sizeof digest;

    sent_read(*state, &sent);
    X509_digest(ours.certificate, EVP_sha256(), digest, &size);
    assert_int_equal(base64url_encode(bytes_of(digest, size), &thumbprint), CKR_OK);
    assert_string_equal(json_text(sent.header, "alg"), "PS256");
    assert_string_equal(json_text(sent.header, "typ"), "JWT");
    assert_string_equal(json_text(sent.header, "x5t#S256"), buffer_text(&thumbprint));
}

static void test_claims(void **state)
{
    struct token_world *world = *state;
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};
    char audience[256];
    int64_t begins, ends, now = (int64_t)time(NULL);

    sent_read(world, &sent);
    snprintf(audience, sizeof audience, "%s/my-tenant/oauth2/v2.0/token", world->scope.authority);
    assert_string_equal(json_text(sent.claims, "aud"), audience);
    assert_string_equal(json_text(sent.claims, "iss"), "my-app");
    assert_string_equal(json_text(sent.claims, "sub"), "my-app");
    assert_int_equal(strlen(json_text(sent.claims, "jti")), 36);
    assert_true(json_whole(sent.claims, "nbf", &begins));
    assert_true(json_whole(sent.claims, "exp", &ends));
    assert_in_range(begins, now - 1, now + 5);
    assert_int_equal(ends - begins, 600);
}

static void test_no_assertion_is_sent_twice(void **state)
{
    struct sent first SCOPED(sent_done) = {.assertion = NULL}, second SCOPED(sent_done) = {.assertion = NULL};

    sent_read(*state, &first);
    sent_read(*state, &second);
    assert_string_not_equal(json_text(first.claims, "jti"), json_text(second.claims, "jti"));
}

/* The endpoint may have noted the one whose answer was lost. */
static void test_another_try_has_another_assertion(void **state)
{
    struct token_world *world = *state;
    struct sent first SCOPED(sent_done) = {.assertion = NULL}, second SCOPED(sent_done) = {.assertion = NULL};

    world->fails = 1;
    sent_read(world, &second);
    assert_int_equal(https_server_requests(world->server), 2);
    strcpy(world->form, world->failed_form);
    sent_parse(world, &first);
    assert_string_not_equal(json_text(first.claims, "jti"), json_text(second.claims, "jti"));
    assert_true(sent_verifies(&first, ours.key));
    assert_true(sent_verifies(&second, ours.key));
}

/* --- What the file may be --- */

static void test_key_before_the_certificate(void **state)
{
    char *certificate SCOPED(scope_free) = pem_of_certificate(&ours),
                      *key SCOPED(scope_free) = pem_of_key(&ours, NULL);

    write_parts("Bag Attributes\n  localKeyID: 01\n", key, certificate);
    expect_assertion_of_ours(*state);
}

static void test_chain_in_any_order(void **state)
{
    char *another SCOPED(scope_free) = pem_of_certificate(&others),
                  *certificate SCOPED(scope_free) = pem_of_certificate(&ours);
    char *key SCOPED(scope_free) = pem_of_key(&ours, NULL);

    write_parts(another, certificate, key);
    expect_assertion_of_ours(*state);
    test_header(state);
}

static void test_pkcs12(void **state)
{
    write_pkcs12("");
    expect_assertion_of_ours(*state);
    test_header(state);
}

static void test_pkcs12_with_a_password(void **state)
{
    struct token_world *world = *state;

    write_pkcs12("p w");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "has a key with a password");
    open_with_password(world, "p w");
    expect_assertion_of_ours(world);
    open_with_password(world, "other");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN,
                                       "$AZURE_CLIENT_CERTIFICATE_PATH does not open");
}

static void test_pem_with_a_password(void **state)
{
    struct token_world *world = *state;

    write_pair(&ours, &ours, "p w");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "has a key with a password");
    open_with_password(world, "p w");
    expect_assertion_of_ours(world);
    open_with_password(world, "other");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "does not open");
}

static void test_file_is_read_again(void **state)
{
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};

    expect_assertion_of_ours(*state);
    write_pair(&others, &others, NULL);
    sent_read(*state, &sent);
    assert_true(sent_verifies(&sent, others.key));
}

static void test_expired_certificate_is_sent_with_a_warning(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    assert_null(strstr(token_world_log(world), "has expired"));
    write_pair(&old, &old, NULL);
    assert_true(token_world_fetch(world, 5000));
    assert_non_null(strstr(token_world_log(world), "the certificate has expired"));
}

/* --- What it may not be --- */

static void test_missing_file(void **state)
{
    unlink(file);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN,
                                       "client-certificate-file cannot be read");
}

static void test_empty_file(void **state)
{
    write_parts("", "", "");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "client-certificate-file is empty");
}

static void test_neither_pem_nor_pkcs12(void **state)
{
    write_parts("a secret, perhaps", "", "");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "neither PEM nor PKCS#12");
    assert_null(strstr(((struct token_world *)*state)->failure.said, "perhaps"));
}

static void test_no_key(void **state)
{
    char *certificate SCOPED(scope_free) = pem_of_certificate(&ours);

    write_parts(certificate, "", "");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "no private key");
}

static void test_no_certificate(void **state)
{
    char *key SCOPED(scope_free) = pem_of_key(&ours, NULL);

    write_parts(key, "", "");
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "holds no certificate");
}

static void test_key_of_another_certificate(void **state)
{
    write_pair(&others, &ours, NULL);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "none for its key");
}

static void test_elliptic_curves_are_refused_in_words(void **state)
{
    write_pair(&curve, &curve, NULL);
    token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "not RSA");
}

/* Every beginning of a good file: words, and no crash. */
static void test_truncated_files(void **state)
{
    size_t size;
    unsigned char *data SCOPED(scope_free) = pkcs12_of(&ours, NULL, "", &size);
    char *certificate SCOPED(scope_free) = pem_of_certificate(&ours),
                      *key SCOPED(scope_free) = pem_of_key(&ours, NULL);

    for (size_t cut = 1; cut < size; cut += 97) {
        write_bytes(data, cut);
        token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "client-certificate-file");
    }
    for (size_t cut = 1; cut + 30 < strlen(key); cut += 97) {
        char *part SCOPED(scope_free) = strndup(key, cut);

        write_parts(certificate, part, "");
        token_world_expect_failure_unasked(*state, CKR_USER_NOT_LOGGED_IN, "client-certificate-file");
    }
}

static void test_readable_by_others_is_a_warning(void **state)
{
    struct token_world *world = *state;

    assert_true(token_world_fetch(world, 5000));
    assert_null(strstr(token_world_log(world), "chmod 600"));
    chmod(file, 0644);
    assert_true(token_world_fetch(world, 5000));
    assert_non_null(strstr(token_world_log(world), "chmod 600"));
}

/* --- What the endpoint says --- */

static void test_unknown_certificate(void **state)
{
    struct token_world *world = *state;

    world->status = 401;
    world->body = "{\"error\":\"invalid_client\",\"error_codes\":[700027]}";
    token_world_expect_failure(world, CKR_USER_NOT_LOGGED_IN, "AADSTS700027");
    token_world_expect_failure(world, CKR_USER_NOT_LOGGED_IN, "upload it");
}

static void test_nothing_of_it_is_logged(void **state)
{
    struct token_world *world = *state;
    char *key SCOPED(scope_free) = pem_of_key(&ours, NULL), *assertion SCOPED(scope_free) = NULL;

    assert_true(token_world_fetch(world, 5000));
    world->status = 401;
    world->body = "{\"error\":\"invalid_client\",\"error_codes\":[1]}";
    token_world_expect_failure(world, CKR_USER_NOT_LOGGED_IN, "client-certificate-file");
    assertion = token_world_field(world, "client_assertion");
    assertion[40] = 0;
    key[100] = 0;
    assert_null(strstr(token_world_log(world), assertion));
    assert_null(strstr(token_world_log(world), key + 60));
}

static int make_pairs(void **state)
{
    (void)state;
    ours = pair_make(2048, 30);
    others = pair_make(2048, 30);
    curve = pair_make(0, 30);
    old = pair_make(2048, -1);
    return 0;
}

static int forget_pairs(void **state)
{
    (void)state;
    pair_done(&ours);
    pair_done(&others);
    pair_done(&curve);
    pair_done(&old);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CERTIFICATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CERTIFICATE_TEST(test_form),
        CERTIFICATE_TEST(test_signature),
        CERTIFICATE_TEST(test_header),
        CERTIFICATE_TEST(test_claims),
        CERTIFICATE_TEST(test_no_assertion_is_sent_twice),
        CERTIFICATE_TEST(test_another_try_has_another_assertion),
        CERTIFICATE_TEST(test_key_before_the_certificate),
        CERTIFICATE_TEST(test_chain_in_any_order),
        CERTIFICATE_TEST(test_pkcs12),
        CERTIFICATE_TEST(test_pkcs12_with_a_password),
        CERTIFICATE_TEST(test_pem_with_a_password),
        CERTIFICATE_TEST(test_file_is_read_again),
        CERTIFICATE_TEST(test_expired_certificate_is_sent_with_a_warning),
        CERTIFICATE_TEST(test_missing_file),
        CERTIFICATE_TEST(test_empty_file),
        CERTIFICATE_TEST(test_neither_pem_nor_pkcs12),
        CERTIFICATE_TEST(test_no_key),
        CERTIFICATE_TEST(test_no_certificate),
        CERTIFICATE_TEST(test_key_of_another_certificate),
        CERTIFICATE_TEST(test_elliptic_curves_are_refused_in_words),
        CERTIFICATE_TEST(test_truncated_files),
        CERTIFICATE_TEST(test_readable_by_others_is_a_warning),
        CERTIFICATE_TEST(test_unknown_certificate),
        CERTIFICATE_TEST(test_nothing_of_it_is_logged),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, make_pairs, forget_pairs);
    test_folder_remove();
    return failed;
}
