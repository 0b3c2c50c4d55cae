/* The Azure CLI is asked: a small script in its place. */
#include "backends/base/base64url.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "tests/backends/keyvault/https_server.h"
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

#define TOKEN "eyJ0.To-ken_of.the-CLI"

struct world {
    struct identity *identity;
    struct token_scope scope;
    char *path; /* PATH, as it was */
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const struct identity_options who = {.about = "test"};
    char path[256];

    world->path = strdup(getenv("PATH"));
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", test_folder());
    setenv("PATH", path, 1);
    setenv("CALLED", test_file("called", ""), 1);
    world->scope = (struct token_scope){.audience = "https://vault.azure.net"};
    world->token.limit = TOKEN_LIMIT;
    *state = world;
    return azure_cli_kind.open(&who, &world->identity) == CKR_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    world->identity->ops->free(world->identity);
    setenv("PATH", world->path, 1);
    free(world->path);
    buffer_free(&world->token);
    free(world);
    unlink(test_file("az", ""));
    return 0;
}

/* Notes how it is called, then does as `script` says. */
static void make_az(const char *script)
{
    char text[2048];

    snprintf(text, sizeof text, "#!/bin/sh\necho \"$@\" >>\"$CALLED\"\n%s\n", script);
    assert_int_equal(chmod(test_file("az", text), 0755), 0);
}

static void make_good_az(void)
{
    char script[512];

    snprintf(script, sizeof script,
             "echo '{\"accessToken\":\"" TOKEN "\",\"expiresOn\":\"2001-01-01 00:00:00.000000\","
             "\"expires_on\":%lld,\"subscription\":\"s\",\"tenant\":\"t\",\"tokenType\":\"Bearer\"}'\n"
             "echo 'WARNING: something' >&2",
             (long long)time(NULL) + 3600);
    make_az(script);
}

static const char *called_with(void)
{
    static char text[1024];
    FILE *file = fopen(getenv("CALLED"), "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static bool fetch(struct world *world, int64_t milliseconds)
{
    buffer_clear(&world->token);
    return world->identity->ops->fetch(world->identity, &world->scope, deadline_in(milliseconds),
                                       &world->token, &world->lifetime, &world->failure);
}

static void expect_token(struct world *world)
{
    if (!fetch(world, 20000)) {
        fail_msg("%s", world->failure.said);
    }
    assert_string_equal(buffer_text(&world->token), TOKEN);
    assert_in_range(world->lifetime, 3500000, 3600000);
}

static void expect_failure(struct world *world, CK_RV rv, const char *words)
{
    assert_false(fetch(world, 20000));
    if (world->failure.rv != rv || strstr(world->failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\" (0x%lx)", words, world->failure.said, world->failure.rv);
    }
    assert_int_equal(world->token.size, 0);
    assert_null(strstr(world->failure.said, TOKEN));
}

static void test_token(void **state)
{
    make_good_az();
    expect_token(*state);
    assert_string_equal(called_with(),
                        "account get-access-token --output json --scope https://vault.azure.net/.default\n");
}

static void test_tenant(void **state)
{
    struct world *world = *state;

    make_good_az();
    world->scope.tenant = "contoso.example";
    expect_token(world);
    assert_non_null(strstr(called_with(), "/.default --tenant contoso.example\n"));
}

static void test_asked_anew_each_time(void **state)
{
    struct world *world = *state;

    make_good_az();
    expect_token(world);
    make_az("echo ERROR: Please run az login >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "az login");
}

static void test_not_installed(void **state)
{
    setenv("PATH", "/nonexistent:relative:.", 1);
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "not installed");
    unsetenv("PATH");
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "not installed");
}

static void test_causes_in_words(void **state)
{
    struct world *world = *state;

    make_az("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "nobody is signed in here");
    make_az("echo 'ERROR: AADSTS700082: The refresh token has expired' >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "not accepted any more");
    assert_int_equal(world->failure.verdict, VERDICT_NO_ACCESS);
    make_az("echo 'ERROR: AADSTS7000112: Application is disabled' >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "the application is disabled");
    assert_int_equal(world->failure.verdict, VERDICT_NO_CALLER);
    make_az("echo \"ERROR: HTTPSConnectionPool(host='login.example', port=443): Max retries\" >&2; exit 1");
    expect_failure(world, CKR_DEVICE_ERROR, "network and proxy");
    make_az("echo 'WARNING: old' >&2; echo 'ERROR: the moon is full' >&2; echo more >&2; exit 3");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "(exit status 3): ERROR: the moon is full; try");
    make_az("exit 7");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "(exit status 7); try");
    make_az("kill -9 $$");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "signal 9");
}

/* A traceback, a token: what has no spaces in it is not told on. */
static void test_only_words_are_told_on(void **state)
{
    struct world *world = *state;

    make_az("printf 'ERROR: refused %0120d behind\\n' 7 >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, ": ERROR: refused ; try");
    make_az("printf 'ERROR:'; i=0; printf 'ERROR:' >&2; while [ $i -lt 100 ]; do printf ' word' >&2; "
            "i=$((i+1)); done; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "word");
    assert_true(strlen(world->failure.said) < 300);
    make_az("echo '" TOKEN "' >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "exit status 1");
}

static void test_answers_without_a_token(void **state)
{
    struct world *world = *state;

    make_az("true");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "something else than a token");
    make_az("echo '[]'");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "something else than a token");
    make_az("head -c 1000 /dev/urandom");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "something else than a token");
    make_az("echo '{\"accessToken\":\"" TOKEN "\",\"expires_on\":1500000000}'");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "clock");
    make_az("cat /dev/zero");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "wrote more than a token");
}

/* A token beside a failure is none. */
static void test_failure_with_a_token(void **state)
{
    make_az("echo '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4000000000}'; exit 1");
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "exit status 1");
}

static void test_no_program(void **state)
{
    assert_int_equal(chmod(test_file("az", "#!/nonexistent/python\n"), 0755), 0);
    expect_failure(*state, CKR_USER_NOT_LOGGED_IN, "cannot be run");
}

static void test_slow(void **state)
{
    struct world *world = *state;
    int64_t begun = clock_now();

    make_az("sleep 60");
    assert_false(fetch(world, 300));
    assert_int_equal(world->failure.rv, CKR_DEVICE_ERROR);
    assert_non_null(strstr(world->failure.said, "takes longer"));
    assert_true(clock_now() - begun < 5000);
}

static void test_claims_need_a_new_sign_in(void **state)
{
    struct world *world = *state;

    make_good_az();
    world->scope.claims = "{\"access_token\":{\"nbf\":{\"essential\":true}}}";
    world->scope.tenant = "t";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN,
                   "az login --tenant t --scope https://vault.azure.net/.default --claims-challenge "
                   "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==");
    assert_string_equal(called_with(), "");
}

/* The claims come again until there is a token; the user may have signed in since the words. */
static void test_after_the_new_sign_in(void **state)
{
    struct world *world = *state;

    make_good_az();
    world->scope.claims = "{\"access_token\":{}}";
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "--claims-challenge");
    expect_token(world);
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "--claims-challenge");
    world->scope.claims = NULL;
    expect_token(world);
}

static void test_long_claims(void **state)
{
    struct world *world = *state;
    char claims[2000];

    snprintf(claims, sizeof claims, "{\"x\":\"%01000d\"}", 7);
    world->scope.claims = claims;
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "--claims-challenge CLAIMS");
}

static void test_words_that_would_be_options(void **state)
{
    static const char *const wrong[] = {"--debug", "-x", "a b",      "a;b", "$(id)",
                                        "a\nb",    "",   "\xc3\xa4", "a'b"};
    struct world *world = *state;

    make_good_az();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world->scope.audience = wrong[i];
        expect_failure(world, CKR_USER_NOT_LOGGED_IN, "is not given to az");
        world->scope.audience = "https://vault.azure.net";
        world->scope.tenant = wrong[i];
        expect_failure(world, CKR_USER_NOT_LOGGED_IN, "is not given to az");
        world->scope.tenant = NULL;
    }
    assert_string_equal(called_with(), "");
}

static void test_host_that_ignores_its_children(void **state)
{
    struct world *world = *state;

    signal(SIGCHLD, SIG_IGN);
    make_good_az();
    expect_token(world);
    make_az("echo \"ERROR: Please run 'az login'\" >&2; exit 1");
    expect_failure(world, CKR_USER_NOT_LOGGED_IN, "nobody is signed in here");
    signal(SIGCHLD, SIG_DFL);
}

static void test_token_is_not_logged(void **state)
{
    struct world *world = *state;
    struct buffer other SCOPED(buffer_free) = BUFFER_INIT(512);
    char path[160], text[4096];
    FILE *file;

    snprintf(path, sizeof path, "debug:file:%s/log", test_folder());
    setenv("BYOK_PKCS11_LOG", path, 1);
    assert_int_equal(log_configure("error"), CKR_OK);
    log_debug("test", "begun");
    make_good_az();
    expect_token(world);
    make_az("echo 'ERROR: " TOKEN "'; echo 'ERROR: " TOKEN "' | tr -d '-' >&2; exit 1");
    (void)fetch(world, 20000);
    file = fopen(path + strlen("debug:file:"), "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(text, "begun"));
    assert_null(strstr(text, TOKEN));
    assert_int_equal(base64url_encode(bytes_of_text(TOKEN), &other), CKR_OK);
    assert_null(strstr(text, buffer_text(&other)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CLI_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CLI_TEST(test_token),
        CLI_TEST(test_tenant),
        CLI_TEST(test_asked_anew_each_time),
        CLI_TEST(test_not_installed),
        CLI_TEST(test_causes_in_words),
        CLI_TEST(test_only_words_are_told_on),
        CLI_TEST(test_answers_without_a_token),
        CLI_TEST(test_failure_with_a_token),
        CLI_TEST(test_no_program),
        CLI_TEST(test_slow),
        CLI_TEST(test_claims_need_a_new_sign_in),
        CLI_TEST(test_after_the_new_sign_in),
        CLI_TEST(test_long_claims),
        CLI_TEST(test_words_that_would_be_options),
        CLI_TEST(test_host_that_ignores_its_children),
        CLI_TEST(test_token_is_not_logged),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_folder_remove();
    return failed;
}
