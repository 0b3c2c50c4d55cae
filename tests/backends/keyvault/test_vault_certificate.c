/* Certificates: listed page by page, and read one by one. */
#include "tests/backends/keyvault/vault_world.h"

/* --- Listing --- */

static bool see(void *arg, const char *name)
{
    return see_name(arg, name);
}

static CK_RV list(struct world *world, struct names_seen *seen)
{
    return vault_client_each_certificate(&world->client, deadline_in(10000), see, seen, &world->answer);
}

static void say_page(struct world *world, const char *names, const char *next)
{
    static const struct item_words words = {"id", "certificates", ",\"x5t\":\"AA\""};

    say_page_of(world, &words, names, next);
}

static void test_list_with_empty_pages(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_page(world, "", "/certificates?$skiptoken=1");
    say_page(world, "ab", "/certificates?$skiptoken=2");
    say_page(world, "c", NULL);
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_string_equal(seen.names, "a b c ");
    assert_int_equal(world->asked, 3);
    assert_string_equal(world->path, "/certificates?$skiptoken=2");
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
}

static void test_list_request(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_page(world, "a", NULL);
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_string_equal(world->method, "GET");
    assert_string_equal(world->path, "/certificates?maxresults=25&api-version=7.6");
}

static void test_list_ends_when_the_visitor_has_enough(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {.enough = 1};

    say_page(world, "ab", "/certificates?$skiptoken=1");
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(world->asked, 1);
}

static void test_list_is_not_followed_elsewhere(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say(world, 200, "{\"value\":[],\"nextLink\":\"https://evil.example/certificates\"}");
    assert_int_equal(list(world, &seen), CKR_DEVICE_ERROR);
    assert_int_equal(world->asked, 1);
    expect_log(world, "not followed");
}

static void test_list_leaves_out_what_is_no_certificate_of_this_vault(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};
    unsigned port = https_server_port(world->server);

    say(world, 200,
        "{\"value\":[7,{},{\"id\":\"https://evil.example/certificates/a\"},"
        "{\"id\":\"https://127.0.0.1:%u/keys/b\"},{\"id\":\"https://127.0.0.1:%u/certificates/c\"}]}",
        port, port);
    assert_int_equal(list(world, &seen), CKR_OK);
    assert_string_equal(seen.names, "c ");
}

static void test_list_refused(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_refusal(world, 403, "Forbidden", "ForbiddenByRbac");
    assert_int_equal(list(world, &seen), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(world->answer.verdict, VERDICT_REFUSED);
    expect_log(world, "list certificates in ");
    expect_log(world, "it takes the permission list on certificates, as a role's action certificates/read");
    expect_log(world, "Key Vault Certificate User");
    expect_log_lines(world, 1);
}

static void test_no_list(void **state)
{
    struct world *world = *state;
    struct names_seen seen = {0};

    say_refusal(world, 404, "ResourceNotFound", "");
    assert_int_equal(list(world, &seen), CKR_DEVICE_ERROR);
    expect_log(world, "a Managed HSM has none");
}

/* --- One of them --- */

struct got {
    unsigned calls;
    char name[KEY_NAME_SIZE], key_name[KEY_NAME_SIZE];
    unsigned char der[64];
    size_t size;
    CK_RV rv;
};

static CK_RV keep(void *arg, const struct certificate_info *certificate)
{
    struct got *got = arg;

    got->calls++;
    snprintf(got->name, sizeof got->name, "%s", certificate->name);
    snprintf(got->key_name, sizeof got->key_name, "%s", certificate->key_name);
    assert_in_range(certificate->der.size, 1, sizeof got->der);
    memcpy(got->der, certificate->der.data, certificate->der.size);
    got->size = certificate->der.size;
    return got->rv;
}

static CK_RV get(struct world *world, struct got *got)
{
    return vault_client_certificate(&world->client, "web", deadline_in(10000), keep, got, &world->answer);
}

static void say_certificate(struct world *world, const char *name, const char *kid, const char *cer)
{
    char members[512] = "";

    if (kid != NULL) {
        snprintf(members, sizeof members, ",\"kid\":\"%s\"", kid);
    }
    say(world, 200, "{\"id\":\"https://127.0.0.1:%u/certificates/%s/" VERSION "\",\"cer\":%s%s}",
        https_server_port(world->server), name, cer, members);
}

static void test_certificate(void **state)
{
    struct world *world = *state;
    struct got got = {0};
    char kid[128];

    snprintf(kid, sizeof kid, "https://127.0.0.1:%u/keys/web-key/" VERSION2,
             https_server_port(world->server));
    say_certificate(world, "web", kid, "\"+/8BAg==\"");
    assert_int_equal(get(world, &got), CKR_OK);
    assert_int_equal(got.calls, 1);
    assert_string_equal(got.name, "web");
    assert_string_equal(got.key_name, "web-key");
    assert_int_equal(got.size, 4);
    assert_memory_equal(got.der, "\xfb\xff\x01\x02", 4);
    assert_string_equal(world->method, "GET");
    assert_string_equal(world->path, "/certificates/web?api-version=7.6");
    assert_string_equal(world->answer.version, VERSION);
}

static void test_certificate_without_a_key_of_this_vault(void **state)
{
    struct world *world = *state;
    struct got got = {0};

    say_certificate(world, "web", NULL, "\"AAAA\"");
    say_certificate(world, "web", "https://evil.example/keys/web/" VERSION, "\"AAAA\"");
    say_certificate(world, "web", "nonsense", "\"AAAA\"");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(world, &got), CKR_OK);
        assert_string_equal(got.key_name, "");
    }
}

static void test_what_is_no_certificate(void **state)
{
    static const char *const wrong[] = {"null",         "7",        "\"\"",     "\"AAA\"", "\"AAAA=\"",
                                        "\"AAAA====\"", "\"__8=\"", "\"A AA\"", "\"====\""};
    struct world *world = *state;
    struct got got = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world->asked = world->step_count = 0;
        say_certificate(world, "web", NULL, wrong[i]);
        if (get(world, &got) != CKR_DEVICE_ERROR) {
            fail_msg("taken: %s", wrong[i]);
        }
    }
    assert_int_equal(got.calls, 0);
    expect_log(world, "no certificate of the service's");
}

static void test_another_certificate(void **state)
{
    struct world *world = *state;
    struct got got = {0};

    say_certificate(world, "another", NULL, "\"AAAA\"");
    assert_int_equal(get(world, &got), CKR_DEVICE_ERROR);
    assert_int_equal(got.calls, 0);
    assert_string_equal(world->answer.version, "");
    expect_log(world, "another certificate than was asked for");
}

static void test_the_visitors_value_comes_back(void **state)
{
    struct world *world = *state;
    struct got got = {.rv = CKR_HOST_MEMORY};

    say_certificate(world, "web", NULL, "\"AAAA\"");
    assert_int_equal(get(world, &got), CKR_HOST_MEMORY);
}

static void test_certificate_gone(void **state)
{
    struct world *world = *state;
    struct got got = {0};

    say_refusal(world, 404, "CertificateNotFound", "");
    assert_int_equal(get(world, &got), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(world->answer.verdict, VERDICT_GONE);
    expect_log(world, "get certificate web in ");
    expect_log(world, "There is no such certificate");
}

static void test_certificate_refused(void **state)
{
    struct world *world = *state;
    struct got got = {0};

    say_refusal(world, 403, "Forbidden", "ForbiddenByPolicy");
    assert_int_equal(get(world, &got), CKR_KEY_FUNCTION_NOT_PERMITTED);
    expect_log(world, "it takes the permission get on certificates");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_list_with_empty_pages),
        VAULT_TEST(test_list_request),
        VAULT_TEST(test_list_ends_when_the_visitor_has_enough),
        VAULT_TEST(test_list_is_not_followed_elsewhere),
        VAULT_TEST(test_list_leaves_out_what_is_no_certificate_of_this_vault),
        VAULT_TEST(test_list_refused),
        VAULT_TEST(test_no_list),
        VAULT_TEST(test_certificate),
        VAULT_TEST(test_certificate_without_a_key_of_this_vault),
        VAULT_TEST(test_what_is_no_certificate),
        VAULT_TEST(test_another_certificate),
        VAULT_TEST(test_the_visitors_value_comes_back),
        VAULT_TEST(test_certificate_gone),
        VAULT_TEST(test_certificate_refused),
    };

    return run_vault_tests(tests);
}
