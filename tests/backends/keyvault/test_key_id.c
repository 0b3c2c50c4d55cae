/* Vault addresses and key identifiers. */
#include "backends/keyvault/key_id.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VERSION "0123456789abcdef0123456789abcdef"

static struct place parsed(const char *url, const char *rest)
{
    struct place place;
    const char *found;

    assert_true(place_parse(url, &place, &found));
    assert_string_equal(found, rest);
    return place;
}

static void test_place(void **state)
{
    struct place place = parsed("https://Contoso.Vault.Azure.NET", "");

    (void)state;
    assert_string_equal(place.host, "contoso.vault.azure.net");
    assert_int_equal(place.port, 443);
}

static void test_place_with_port_and_path(void **state)
{
    struct place place = parsed("HTTPS://127.0.0.1:8443/keys?x", "/keys?x");

    (void)state;
    assert_string_equal(place.host, "127.0.0.1");
    assert_int_equal(place.port, 8443);
}

static void test_place_with_ipv6(void **state)
{
    struct place place = parsed("https://[::1]:1/", "/");

    (void)state;
    assert_string_equal(place.host, "[::1]");
    assert_true(place_is_loopback(&place));
}

static void test_default_port_equals_none(void **state)
{
    struct place a = parsed("https://v.example:443/x", "/x"), b = parsed("https://V.example", "");

    (void)state;
    assert_true(place_equal(&a, &b));
}

static void test_other_ports_and_hosts_differ(void **state)
{
    struct place a = parsed("https://v.example:444", ""), b = parsed("https://v.example", ""),
                 c = parsed("https://w.example", "");

    (void)state;
    assert_false(place_equal(&a, &b));
    assert_false(place_equal(&b, &c));
}

static void test_no_place(void **state)
{
    static const char *const wrong[] = {"",
                                        "http://v.example",
                                        "https:/v.example",
                                        "https://",
                                        "https:///x",
                                        "https://user@v.example",
                                        "https://v.example:0",
                                        "https://v.example:65536",
                                        "https://v.example:99999999999999999999",
                                        "https://v.example:",
                                        "https://v.example:44x",
                                        "https://v.example\\@evil",
                                        "https://v.example x",
                                        "https://[::1",
                                        "https://v_example"};
    struct place place;
    const char *rest;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (place_parse(wrong[i], &place, &rest)) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void test_host_too_long(void **state)
{
    char url[400] = "https://";
    struct place place;
    const char *rest;

    (void)state;
    memset(url + 8, 'a', 300);
    assert_false(place_parse(url, &place, &rest));
}

static void test_loopback(void **state)
{
    struct place a = parsed("https://localhost", ""), b = parsed("https://127.1.2.3", ""),
                 c = parsed("https://127.0.0.1.example.com", "");

    (void)state;
    assert_true(place_is_loopback(&a));
    assert_true(place_is_loopback(&b));
    assert_false(place_is_loopback(&c));
}

static void test_key_id(void **state)
{
    struct key_id id;

    (void)state;
    assert_true(key_id_parse("https://v.example/keys/my-Key1", &id));
    assert_string_equal(id.name, "my-Key1");
    assert_string_equal(id.version, "");
    assert_true(key_id_parse("https://v.example:443/keys/k/" VERSION, &id));
    assert_string_equal(id.version, VERSION);
}

static void test_no_key_id(void **state)
{
    static const char *const wrong[] = {"https://v.example",
                                        "https://v.example/",
                                        "https://v.example/keys/",
                                        "https://v.example/keys//" VERSION,
                                        "https://v.example/secrets/k",
                                        "https://v.example/keys/k/",
                                        "https://v.example/keys/k/latest",
                                        "https://v.example/keys/k/" VERSION "/wrapkey",
                                        "https://v.example/keys/k/" VERSION "0",
                                        "https://v.example/keys/a_b",
                                        "https://v.example/keys/a b",
                                        "https://v.example/keys/k?x=1",
                                        "http://v.example/keys/k",
                                        "k"};
    struct key_id id;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (key_id_parse(wrong[i], &id)) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void test_names(void **state)
{
    char name[KEY_NAME_SIZE + 1] = "";

    (void)state;
    memset(name, 'a', KEY_NAME_SIZE - 1);
    assert_true(key_name_valid(name));
    name[KEY_NAME_SIZE - 1] = 'a';
    assert_false(key_name_valid(name));
    assert_false(key_name_valid(""));
    assert_false(key_name_valid("a/b"));
    assert_true(key_name_equal("kek", "KEK"));
    assert_false(key_name_equal("kek", "kek2"));
}

static void test_versions(void **state)
{
    (void)state;
    assert_true(key_version_valid(VERSION));
    assert_false(key_version_valid("0123456789ABCDEF0123456789abcdef"));
    assert_false(key_version_valid("0123456789abcdef0123456789abcde"));
    assert_false(key_version_valid(VERSION "0"));
    assert_false(key_version_valid(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_place_with_port_and_path),
        cmocka_unit_test(test_place_with_ipv6),
        cmocka_unit_test(test_default_port_equals_none),
        cmocka_unit_test(test_other_ports_and_hosts_differ),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_host_too_long),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_key_id),
        cmocka_unit_test(test_no_key_id),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
