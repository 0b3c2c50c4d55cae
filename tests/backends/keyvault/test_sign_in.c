/* A tenant that the vault tells: what is believed, and that it is asked once. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/sign_in.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A vault that tells what it is told. */
struct world {
    struct place vault;
    struct sign_in_options options;
    struct sign_in *sign_in;
    const char *told; /* its WWW-Authenticate; NULL: it is not reached */
    atomic_uint asked, takes;
};

static bool ask(void *arg, struct vault_challenge *ret_challenge, struct identity_failure *ret_failure)
{
    struct world *world = arg;

    world->asked++;
    usleep(world->takes * 1000);
    if (world->told == NULL) {
        *ret_failure = (struct identity_failure){CKR_DEVICE_ERROR, VERDICT_UNREACHABLE, "not reached"};
        return false;
    }
    (void)vault_challenge_read(bytes_of_text(world->told), ret_challenge);
    return true;
}

static void open_vault(struct world *world, const char *url)
{
    const char *rest;

    sign_in_free(world->sign_in);
    assert_true(place_parse(url, &world->vault, &rest));
    world->options.vault = &world->vault;
    assert_int_equal(sign_in_new(&world->options, &world->sign_in), CKR_OK);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    world->options = (struct sign_in_options){.about = "test",
                                              .authority = "https://login.microsoftonline.com",
                                              .audience = "https://vault.azure.net",
                                              .verify = true};
    open_vault(world, "https://contoso.vault.azure.net");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    sign_in_free(((struct world *)*state)->sign_in);
    free(*state);
    return 0;
}

static bool get(struct world *world, struct sign_in_scope *ret_scope, struct identity_failure *ret_failure)
{
    return sign_in_get(world->sign_in, ask, world, deadline_in(5000), ret_scope, ret_failure);
}

static void expect(struct world *world, const char *told, const char *tenant, const char *audience)
{
    struct identity_failure failure;
    struct sign_in_scope scope;

    world->told = told;
    assert_true(get(world, &scope, &failure));
    assert_string_equal(scope.scope.authority, world->options.authority);
    assert_string_equal(scope.scope.tenant, tenant);
    assert_string_equal(scope.scope.audience, audience);
    assert_null(scope.scope.claims);
}

static void expect_refused(struct world *world, const char *told, const char *words)
{
    struct identity_failure failure;
    struct sign_in_scope scope;

    world->told = told;
    assert_false(get(world, &scope, &failure));
    assert_int_equal(failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(failure.verdict, VERDICT_NO_ACCESS);
    if (strstr(failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, failure.said);
    }
}

#define AT(host, tenant) "Bearer authorization=\"https://" host "/" tenant "\""
#define FOR(host)        ", resource=\"https://" host "\"\n"

static void test_learned_once(void **state)
{
    expect(*state, AT("login.windows.net", "t1") FOR("vault.azure.net"), "t1", "https://vault.azure.net");
    expect(*state, NULL, "t1", "https://vault.azure.net");
    assert_int_equal(((struct world *)*state)->asked, 1);
}

static void test_nothing_is_asked_before(void **state)
{
    assert_int_equal(((struct world *)*state)->asked, 0);
}

static void test_names_of_the_clouds(void **state)
{
    struct world *world = *state;

    expect(world, AT("login.microsoftonline.com", "t") FOR("vault.azure.net"), "t",
           "https://vault.azure.net");
    open_vault(world, "https://h.managedhsm.azure.net");
    expect(world, AT("login.microsoftonline.com", "t") FOR("managedhsm.azure.net"), "t",
           "https://managedhsm.azure.net");
    world->options.authority = "https://login.chinacloudapi.cn";
    open_vault(world, "https://c.vault.azure.cn");
    expect(world, AT("login.partner.microsoftonline.cn", "t") FOR("vault.azure.cn"), "t",
           "https://vault.azure.cn");
}

/* The configured authority is asked, whatever other name of it the vault knows. */
static void test_authority_of_the_configuration_is_asked(void **state)
{
    struct world *world = *state;

    world->options.authority = "https://login.contoso.example:8443";
    open_vault(world, "https://contoso.vault.azure.net");
    expect(world, AT("login.windows.net", "t") FOR("vault.azure.net"), "t", "https://vault.azure.net");
    open_vault(world, "https://contoso.vault.azure.net");
    expect(world, AT("login.contoso.example:8443", "t") FOR("vault.azure.net"), "t",
           "https://vault.azure.net");
}

static void test_unknown_authority_is_refused(void **state)
{
    expect_refused(*state, AT("evil.example", "t") FOR("vault.azure.net"), "evil.example");
    expect_refused(*state, AT("login.microsoftonline.com.evil.example", "t") FOR("vault.azure.net"), "evil");
    expect_refused(*state, AT("login.microsoftonline.com:8443", "t") FOR("vault.azure.net"), "neither");
    expect_refused(*state, AT("login.chinacloudapi.cn", "t") FOR("vault.azure.net"),
                   "nothing was sent there");
    expect(*state, AT("login.windows.net", "t") FOR("vault.azure.net"), "t", "https://vault.azure.net");
}

static void test_resource_of_another_service_is_refused(void **state)
{
    expect_refused(*state, AT("login.windows.net", "t") FOR("management.azure.com"), "verify-challenge");
    expect_refused(*state, AT("login.windows.net", "t") FOR("contoso.vault.azure.net"), "verify-challenge");
    expect_refused(*state, AT("login.windows.net", "t") FOR("o.vault.azure.net"), "verify-challenge");
    expect_refused(*state, AT("login.windows.net", "t") FOR("vault.azure.net:8443"), "verify-challenge");
    expect_refused(*state, AT("login.windows.net", "t") FOR("myvault.azure.net"), "verify-challenge");
}

static void test_no_verification(void **state)
{
    struct world *world = *state;

    world->options.verify = false;
    open_vault(world, "https://127.0.0.1:8443");
    expect(world, AT("login.windows.net", "t") FOR("vault.example"), "t", "https://vault.example");
    open_vault(world, "https://127.0.0.1:8443");
    expect_refused(world, AT("evil.example", "t") FOR("vault.example"), "evil.example");
}

static void test_audience_of_the_configuration_stays(void **state)
{
    struct world *world = *state;

    world->options.audience_stays = true;
    world->options.audience = "https://mine.example";
    open_vault(world, "https://contoso.vault.azure.net");
    expect(world, AT("login.windows.net", "t") FOR("vault.azure.net"), "t", "https://mine.example");
}

static void test_no_resource(void **state)
{
    expect(*state, AT("login.windows.net", "t") "\n", "t", "https://vault.azure.net");
}

static void test_no_tenant(void **state)
{
    expect_refused(*state, "", "set `tenant`");
    expect_refused(*state, "Basic realm=\"x\"\n", "set `tenant`");
    expect_refused(*state, AT("login.windows.net", "common") FOR("vault.azure.net"), "set `tenant`");
}

static void test_vault_is_not_reached(void **state)
{
    struct identity_failure failure;
    struct sign_in_scope scope;

    assert_false(get(*state, &scope, &failure));
    assert_int_equal(failure.rv, CKR_DEVICE_ERROR);
    assert_string_equal(failure.said, "not reached");
    expect(*state, AT("login.windows.net", "t") "\n", "t", "https://vault.azure.net");
}

/* --- Another tenant, later --- */

static void learn(struct world *world, const char *told, const struct sign_in_scope *used)
{
    struct vault_challenge challenge SCOPED(vault_challenge_done);

    (void)vault_challenge_read(bytes_of_text(told), &challenge);
    sign_in_learn(world->sign_in, &challenge, used);
}

static void test_another_tenant_is_learned(void **state)
{
    struct identity_failure failure;
    struct sign_in_scope used;

    ((struct world *)*state)->told = AT("login.windows.net", "t1") "\n";
    assert_true(get(*state, &used, &failure));
    learn(*state, AT("login.windows.net", "t2") "\n", &used);
    expect(*state, NULL, "t2", "https://vault.azure.net");
    learn(*state, AT("login.windows.net", "t3") "\n", &used); /* who was refused for t1 changes t2 no more */
    expect(*state, NULL, "t2", "https://vault.azure.net");
}

static void test_what_is_not_believed_changes_nothing(void **state)
{
    struct identity_failure failure;
    struct sign_in_scope used;

    ((struct world *)*state)->told = AT("login.windows.net", "t1") "\n";
    assert_true(get(*state, &used, &failure));
    learn(*state, AT("evil.example", "t2") "\n", &used);
    learn(*state, AT("login.windows.net", "t2") FOR("management.azure.com"), &used);
    learn(*state, "", &used);
    expect(*state, NULL, "t1", "https://vault.azure.net");
}

/* --- Threads --- */

static void *get_in_thread(void *arg)
{
    struct identity_failure failure;
    struct sign_in_scope scope;

    return (void *)(uintptr_t)(get(arg, &scope, &failure) && strcmp(scope.tenant, "t") == 0);
}

static unsigned get_in_threads(struct world *world)
{
    pthread_t threads[32];
    unsigned good = 0;
    void *one;

    world->takes = 200;
    for (int i = 0; i < 32; i++) {
        pthread_create(&threads[i], NULL, get_in_thread, world);
    }
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &one);
        good += one != NULL;
    }
    return good;
}

static void test_32_threads_ask_once(void **state)
{
    struct world *world = *state;

    world->told = AT("login.windows.net", "t") "\n";
    assert_int_equal(get_in_threads(world), 32);
    assert_int_equal(world->asked, 1);
}

static void test_32_threads_share_a_failure(void **state)
{
    struct world *world = *state;

    assert_int_equal(get_in_threads(world), 0);
    assert_in_range(world->asked, 1, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SIGN_IN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        SIGN_IN_TEST(test_learned_once),
        SIGN_IN_TEST(test_nothing_is_asked_before),
        SIGN_IN_TEST(test_names_of_the_clouds),
        SIGN_IN_TEST(test_authority_of_the_configuration_is_asked),
        SIGN_IN_TEST(test_unknown_authority_is_refused),
        SIGN_IN_TEST(test_resource_of_another_service_is_refused),
        SIGN_IN_TEST(test_no_verification),
        SIGN_IN_TEST(test_audience_of_the_configuration_stays),
        SIGN_IN_TEST(test_no_resource),
        SIGN_IN_TEST(test_no_tenant),
        SIGN_IN_TEST(test_vault_is_not_reached),
        SIGN_IN_TEST(test_another_tenant_is_learned),
        SIGN_IN_TEST(test_what_is_not_believed_changes_nothing),
        SIGN_IN_TEST(test_32_threads_ask_once),
        SIGN_IN_TEST(test_32_threads_share_a_failure),
    };

    unsetenv("BYOK_PKCS11_LOG");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
