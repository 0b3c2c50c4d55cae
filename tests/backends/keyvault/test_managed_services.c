/* The identities of App Service, of what was before it, and of Azure Arc: how they are asked; and no secret is told. */
#include "backends/base/base64url.h"
#include "backends/base/log.h"
#include "tests/backends/keyvault/machine_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- App Service, and before it --- */

static void test_app_service(void **state)
{
    struct machine_world *world = *state;

    in_app_service(world);
    setenv("MSI_ENDPOINT", "http://127.0.0.1:1/MSI/token/", 1); /* both are set there */
    setenv("MSI_SECRET", "other", 1);
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"1700003600\",\"token_type\":\"Bearer\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 3600000);
    assert_string_equal(world->path,
                        "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "X-IDENTITY-HEADER: " SECRET));
    assert_null(strcasestr(world->headers, "metadata"));
}

static void test_app_service_user_assigned(void **state)
{
    struct machine_world *world = *state;

    in_app_service(world);
    world->options.client_id = RESOURCE_ID;
    expect_token(world);
    assert_non_null(strstr(world->path, "&mi_res_id=%2Fsubscriptions"));
}

static void test_app_service_refusals(void **state)
{
    struct machine_world *world = *state;

    in_app_service(world);
    answer_with(world, 401, NULL, "");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "refuses the secret that the environment gives");
    answer_with(world, 400, NULL,
                "{\"statusCode\":400,\"message\":\"No User Assigned or Delegated Managed Identity found for "
                "specified ClientId/ResourceId/PrincipalId.\"}");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "no identity is assigned");
    answer_with(world, 404, NULL, "");
    expect_failure(world, CKR_DEVICE_ERROR, "404");
    assert_int_equal(https_server_requests(world->server), 3); /* it is not being updated */
}

static void test_older_service(void **state)
{
    struct machine_world *world = *state;

    in_machine_learning(world);
    world->options.client_id = ID;
    answer_with(world, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                "{\"access_token\":\"abc.def\",\"expires_on\":\"11/14/2023 11:13:20 PM +00:00\"}");
    expect_token(world);
    assert_int_equal(world->lifetime, 3600000);
    assert_string_equal(world->path, "GET /MSI/token/?x=y&api-version=2017-09-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net&clientid=" ID);
    assert_true(was_sent(world, "secret: " SECRET));
}

static void test_older_service_knows_no_resource_ids(void **state)
{
    struct machine_world *world = *state;

    in_machine_learning(world);
    world->options.client_id = RESOURCE_ID;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "by its client ID");
    assert_int_equal(https_server_requests(world->server), 0);
}

/* --- Azure Arc --- */

static char arc_challenge[512];

/* The first answer names FOLDER/keys/a.key; the second one is a token. */
static void challenge(struct machine_world *world)
{
    on_arc(world);
    snprintf(arc_challenge, sizeof arc_challenge, "WWW-Authenticate: Basic realm=%s/a.key\r\n",
             world->places.arc_keys);
    world->answers[0] = (struct machine_answer){HTTPS_ANSWER, 401, arc_challenge, ""};
    world->answers[1] = (struct machine_answer){HTTPS_ANSWER, 200, NULL, GOOD};
    world->answer_count = 2;
    (void)test_file("keys/a.key", KEY "\n");
}

static void test_arc(void **state)
{
    struct machine_world *world = *state;

    challenge(world);
    expect_token(world);
    assert_string_equal(world->path, "GET /metadata/identity/oauth2/token?api-version=2019-11-01"
                                     "&resource=https%3A%2F%2Fvault.azure.net");
    assert_true(was_sent(world, "Metadata: true"));
    assert_true(was_sent(world, "Authorization: Basic " KEY));
    assert_int_equal(https_server_requests(world->server), 2);
}

/* Arc's answer could be anybody's who listens in its place. */
static void test_arc_names_another_file(void **state)
{
    struct machine_world *world = *state;

    challenge(world);
    world->answers[0].headers = "WWW-Authenticate: Basic realm=/etc/shadow\r\n";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "it is not read");
    assert_int_equal(https_server_requests(world->server), 1);
}

static void test_arc_second_refusal_ends_it(void **state)
{
    struct machine_world *world = *state;

    challenge(world);
    world->answer_count = 1;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "refuses the key");
    assert_int_equal(https_server_requests(world->server), 2);
}

static void test_arc_has_no_user_assigned_identities(void **state)
{
    struct machine_world *world = *state;

    on_arc(world);
    world->options.client_id = ID;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "remove client-id");
    assert_int_equal(https_server_requests(world->server), 0);
}

static void test_wrong_environment_is_told_when_a_token_is_needed(void **state)
{
    struct machine_world *world = *state;

    setenv("IDENTITY_ENDPOINT", "http://example.org/msi/token", 1);
    setenv("IDENTITY_HEADER", SECRET, 1);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "IDENTITY_ENDPOINT is set to an address");
}

/* --- Secrets --- */

static void assert_not_logged(const char *log, const char *secret)
{
    struct buffer forms[2] = {BUFFER_INIT(512), BUFFER_INIT(512)};

    assert_int_equal(base64url_encode(bytes_of_text(secret), &forms[0]), CKR_OK);
    for (const char *at = secret; *at != 0; at++) {
        assert_int_equal(buffer_printf(&forms[1], "%02x", *(const unsigned char *)at), CKR_OK);
    }
    assert_null(strstr(log, secret));
    assert_null(strstr(log, buffer_text(&forms[0])));
    assert_null(strcasestr(log, buffer_text(&forms[1])));
    buffer_free(&forms[0]);
    buffer_free(&forms[1]);
}

static void test_no_secret_is_logged(void **state)
{
    struct machine_world *world = *state;
    static char log[65536];
    FILE *file;

    challenge(world);
    expect_token(world);
    world->answer_count = 1;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "");
    log_error("test", "%s", world->failure.said);
    world->identity->ops->free(world->identity);
    world->identity = NULL;
    in_app_service(world);
    answer_with(world, 401, NULL, SECRET);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "");
    log_error("test", "%s", world->failure.said);
    file = fopen(machine_log_path(), "r");
    assert_non_null(file);
    log[fread(log, 1, sizeof log - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(log, "refuses the secret"));
    assert_not_logged(log, SECRET);
    assert_not_logged(log, KEY);
    assert_not_logged(log, "abc.def");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINE_TEST(test_app_service),
        MACHINE_TEST(test_app_service_user_assigned),
        MACHINE_TEST(test_app_service_refusals),
        MACHINE_TEST(test_older_service),
        MACHINE_TEST(test_older_service_knows_no_resource_ids),
        MACHINE_TEST(test_arc),
        MACHINE_TEST(test_arc_names_another_file),
        MACHINE_TEST(test_arc_second_refusal_ends_it),
        MACHINE_TEST(test_arc_has_no_user_assigned_identities),
        MACHINE_TEST(test_wrong_environment_is_told_when_a_token_is_needed),
        MACHINE_TEST(test_no_secret_is_logged),
    };

    return run_machine_tests(tests);
}
