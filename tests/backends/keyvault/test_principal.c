/* Who asked: on whose behalf an answer came, and whether there is such a caller at all. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/vault_world.h"

/* {"oid":"66666666-0000-0000-0000-000000000000","appid":"a"} */
#define TOKEN                                                                                                \
    "e30.eyJvaWQiOiI2NjY2NjY2Ni0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiLCJhcHBpZCI6ImEifQ.c2lnbmF0dXJl"
#define OID "66666666-0000-0000-0000-000000000000"

static const struct key_ref kek = {"kek", NULL};

static CK_RV unwrap(struct world *world)
{
    static const unsigned char blob[256] = {1};
    struct secret key SCOPED(secret_free) = SECRET_INIT;

    return vault_client_open(&world->client, VAULT_UNWRAP, &kek, RSA_PADDING_OAEP_SHA1,
                             bytes_of(blob, sizeof blob), deadline_in(20000), &key, &world->answer);
}

static void test_the_tokens_object_id(void **state)
{
    struct world *world = *state;

    world->token_body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":3599}";
    say_value(world, "kek", VERSION, 32);
    assert_int_equal(unwrap(world), CKR_OK);
    assert_string_equal(world->answer.principal, OID);
}

static void test_it_is_told_of_refusals_as_well(void **state)
{
    struct world *world = *state;

    world->token_body = "{\"access_token\":\"" TOKEN "\",\"expires_in\":3599}";
    say_refusal(world, 403, "Forbidden", "KeyDisabled");
    assert_int_equal(unwrap(world), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_string_equal(world->answer.principal, OID);
    assert_null(strstr(log_text(world), "c2lnbmF0dXJl"));
}

static void test_a_token_that_does_not_say(void **state)
{
    struct world *world = *state;

    say_value(world, "kek", VERSION, 32);
    assert_int_equal(unwrap(world), CKR_OK);
    assert_string_equal(world->answer.principal, "");
}

static void expect_no_token(struct world *world, unsigned status, const char *body,
                            enum service_verdict verdict)
{
    world->token_status = status;
    world->token_body = body;
    assert_int_equal(unwrap(world), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->answer.verdict, verdict);
    assert_string_equal(world->answer.principal, "");
    assert_int_equal(world->answer.tries, 0);
    assert_int_equal(world->asked, 0);
}

static void test_a_disabled_application(void **state)
{
    expect_no_token(*state, 400,
                    "{\"error\":\"unauthorized_client\",\"error_description\":\"AADSTS7000112: x\","
                    "\"error_codes\":[7000112]}",
                    VERDICT_NO_CALLER);
    expect_log(*state, "the application is disabled");
}

static void test_a_wrong_secret(void **state)
{
    expect_no_token(*state, 401, "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}",
                    VERDICT_NO_ACCESS);
}

/* The vault refuses the token: its directory may be another one; nobody says that there is no such caller. */
static void test_a_401_of_the_vault(void **state)
{
    struct world *world = *state;

    say(world, 401, "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AADSTS7000112\"}}");
    assert_int_equal(unwrap(world), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->answer.verdict, VERDICT_NO_ACCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_the_tokens_object_id),
        VAULT_TEST(test_it_is_told_of_refusals_as_well),
        VAULT_TEST(test_a_token_that_does_not_say),
        VAULT_TEST(test_a_disabled_application),
        VAULT_TEST(test_a_wrong_secret),
        VAULT_TEST(test_a_401_of_the_vault),
    };

    return run_vault_tests(tests);
}
