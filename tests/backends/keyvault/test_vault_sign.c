/* Signatures: what is asked for, and which answers are none. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/vault_world.h"

static const struct key_ref signer = {"signer", NULL}, signer_v1 = {"signer", VERSION};
static const unsigned char digest[64] = {0xff, 0xfe, 0xfd};

/* Replaces what was there, where it succeeds. */
static CK_RV sign(struct world *world, const struct key_ref *key, enum signature_algorithm algorithm,
                  size_t *ret_size)
{
    static const size_t sizes[] = {32, 48, 64};
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(512);
    CK_RV rv = buffer_append_text(&signature, "before"), signed_rv;

    assert_int_equal(rv, CKR_OK);
    signed_rv = vault_client_sign(&world->client, key, algorithm, bytes_of(digest, sizes[algorithm % 3]),
                                  deadline_in(10000), &signature, &world->answer);
    *ret_size = signature.size;
    if (signed_rv != CKR_OK) {
        assert_string_equal(buffer_text(&signature), "before");
    }
    return signed_rv;
}

static void test_request(void **state)
{
    struct world *world = *state;
    size_t size;

    say_value(world, "signer", VERSION, 256);
    assert_int_equal(sign(world, &signer, SIGNATURE_RS256, &size), CKR_OK);
    assert_int_equal(size, 256);
    assert_string_equal(world->method, "POST");
    assert_string_equal(world->path, "/keys/signer/sign?api-version=7.6");
    assert_string_equal(world->body,
                        "{\"alg\":\"RS256\",\"value\":\"__79AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
    assert_string_equal(world->answer.version, VERSION);
    expect_log_lines(world, 0);
}

static void test_request_with_a_version(void **state)
{
    struct world *world = *state;
    size_t size;

    say_value(world, "signer", VERSION, 64);
    assert_int_equal(sign(world, &signer_v1, SIGNATURE_ES256, &size), CKR_OK);
    assert_string_equal(world->path, "/keys/signer/" VERSION "/sign?api-version=7.6");
}

/* Each algorithm by its name, with a signature of its length; one byte more or less is none. */
static void test_algorithms_and_lengths(void **state)
{
    static const struct {
        enum signature_algorithm algorithm;
        const char *name;
        size_t size;
    } all[] = {
        {SIGNATURE_RS256, "RS256", 256}, {SIGNATURE_RS384, "RS384", 384}, {SIGNATURE_RS512, "RS512", 512},
        {SIGNATURE_PS256, "PS256", 512}, {SIGNATURE_PS384, "PS384", 256}, {SIGNATURE_PS512, "PS512", 384},
        {SIGNATURE_ES256, "ES256", 64},  {SIGNATURE_ES384, "ES384", 96},  {SIGNATURE_ES512, "ES512", 132},
    };
    struct world *world = *state;
    char alg[32];
    size_t size;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (int more = -1; more <= 1; more++) {
            world->asked = world->step_count = 0;
            say_value(world, "signer", VERSION, all[i].size + (size_t)more);
            assert_int_equal(sign(world, &signer, all[i].algorithm, &size),
                             more == 0 ? CKR_OK : CKR_DEVICE_ERROR);
            assert_int_equal(size, more == 0 ? all[i].size : 6);
            assert_int_equal(world->answer.verdict, more == 0 ? VERDICT_ACCEPTED : VERDICT_UNREACHABLE);
        }
        snprintf(alg, sizeof alg, "{\"alg\":\"%s\"", all[i].name);
        assert_memory_equal(world->body, alg, strlen(alg));
    }
    expect_log_lines(world, 18);
    expect_log(world, "sign with key signer in https://127.0.0.1");
}

static void test_a_signature_of_the_other_kind(void **state)
{
    struct world *world = *state;
    size_t size;

    say_value(world, "signer", VERSION, 64);
    assert_int_equal(sign(world, &signer, SIGNATURE_RS256, &size), CKR_DEVICE_ERROR);
    assert_int_equal(sign(world, &signer, SIGNATURE_ES384, &size), CKR_DEVICE_ERROR);
    assert_int_equal(sign(world, &signer, SIGNATURE_ES256, &size), CKR_OK);
}

static void test_answers_about_others(void **state)
{
    struct world *world = *state;
    size_t size;

    say_value(world, "another", VERSION, 64);
    say_value(world, "signer", VERSION2, 64);
    assert_int_equal(sign(world, &signer, SIGNATURE_ES256, &size), CKR_DEVICE_ERROR);
    expect_log(world, "another key");
    assert_int_equal(sign(world, &signer_v1, SIGNATURE_ES256, &size), CKR_DEVICE_ERROR);
    assert_string_equal(world->answer.version, "");
    assert_int_equal(sign(world, &signer, SIGNATURE_ES256, &size), CKR_OK);
}

static void expect_refusal(struct world *world, unsigned status, const char *code, const char *inner,
                           enum service_verdict verdict, CK_RV rv)
{
    size_t size;

    world->asked = world->step_count = 0;
    say_refusal(world, status, code, inner);
    assert_int_equal(sign(world, &signer, SIGNATURE_PS256, &size), rv);
    assert_int_equal(world->answer.verdict, verdict);
    assert_int_equal(world->answer.status, status);
}

static void test_refusals(void **state)
{
    struct world *world = *state;

    expect_refusal(world, 403, "Forbidden", "ForbiddenByPolicy", VERDICT_REFUSED,
                   CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_log(world, "it takes the permission sign, as a role's action keys/sign/action");
    expect_log(world, "Crypto User");
    expect_refusal(world, 403, "Forbidden", "KeyDisabled", VERDICT_DISABLED, CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_refusal(world, 403, "Forbidden", "KeyOperationForbidden", VERDICT_REFUSED,
                   CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_refusal(world, 404, "KeyNotFound", "", VERDICT_GONE, CKR_KEY_HANDLE_INVALID);
    expect_refusal(world, 400, "BadParameter", "", VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED);
    expect_log(world, "another type, curve or size");
    expect_log_lines(world, 5);
}

/* Neither the digest nor the signature. */
static void test_nothing_of_it_is_logged(void **state)
{
    static const unsigned char own_digest[32] = "what is signed is the signer's";
    static const char made[] = "Zq7Wx2Kp9vRt4LmN8sBd6Fgh";
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(512);
    struct world *world = *state;

    log_all(world);
    say(world, 200, "{\"kid\":\"https://127.0.0.1:%u/keys/signer/" VERSION "\",\"value\":\"%s\"}",
        https_server_port(world->server), "WnE3V3gyS3A5dlJ0NExtTjhzQmQ2Rmdo");
    say_value(world, "signer", VERSION, 256);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vault_client_sign(&world->client, &signer, SIGNATURE_RS256,
                                           bytes_of(own_digest, sizeof own_digest), deadline_in(10000),
                                           &signature, &world->answer),
                         i == 0 ? CKR_DEVICE_ERROR : CKR_OK);
    }
    expect_log(world, "sign: try 1: status 200");
    expect_not_logged(world, bytes_of(own_digest, sizeof own_digest));
    expect_not_logged(world, bytes_of(made, sizeof made - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_request),
        VAULT_TEST(test_request_with_a_version),
        VAULT_TEST(test_algorithms_and_lengths),
        VAULT_TEST(test_a_signature_of_the_other_kind),
        VAULT_TEST(test_answers_about_others),
        VAULT_TEST(test_refusals),
        VAULT_TEST(test_nothing_of_it_is_logged),
    };

    return run_vault_tests(tests);
}
