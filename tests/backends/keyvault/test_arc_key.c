/* The file that Azure Arc names: which is read, and which is not. */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/arc_key.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "b64+key/of_the~machine=="

struct world {
    char keys[128]; /* the folder */
    struct buffer header;
    struct identity_failure failure;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    snprintf(world->keys, sizeof world->keys, "%s/keys", test_folder());
    world->header.limit = 8192;
    *state = world;
    return mkdir(world->keys, 0700);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[256];

    buffer_free(&world->header);
    free(world);
    snprintf(command, sizeof command, "rm -rf %s/*", test_folder());
    return system(command);
}

static void key_file(const char *name, const char *content, mode_t mode)
{
    char inner[128];

    snprintf(inner, sizeof inner, "keys/%s", name);
    assert_int_equal(chmod(test_file(inner, content), mode), 0);
}

/* '@' in `challenge` is the folder. */
static bool read_challenge(struct world *world, const char *challenge)
{
    struct buffer whole SCOPED(buffer_free) = BUFFER_INIT(8192);

    buffer_clear(&world->header);
    for (; *challenge != 0; challenge++) {
        assert_int_equal(*challenge == '@' ? buffer_append_text(&whole, world->keys)
                                           : buffer_append(&whole, challenge, 1),
                         CKR_OK);
    }
    return arc_key_read("test", world->keys, &whole, &world->header, &world->failure);
}

static void expect_read(struct world *world, const char *challenge)
{
    if (!read_challenge(world, challenge)) {
        fail_msg("%s: %s", challenge, world->failure.said);
    }
    assert_string_equal(buffer_text(&world->header), "Authorization: Basic " KEY);
}

static void expect_unread(struct world *world, const char *challenge, const char *words)
{
    if (read_challenge(world, challenge) || strstr(world->failure.said, words) == NULL) {
        fail_msg("%s: \"%s\" is not in \"%s\"", challenge, words, world->failure.said);
    }
    assert_int_equal(world->failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->header.size, 0);
}

static void test_key(void **state)
{
    key_file("a.key", KEY, 0640);
    expect_read(*state, "Basic realm=@/a.key\n");
    key_file("a.key", KEY "\r\n", 0440);
    expect_read(*state, "Basic realm=@/a.key\n");
}

static void test_spellings_of_the_challenge(void **state)
{
    key_file("a.key", KEY, 0600);
    expect_read(*state, "basic REALM=@/a.key\n");
    expect_read(*state, "Basic realm=\"@/a.key\"\n");
    expect_read(*state, "Negotiate\nBasic realm=@/a.key\nBearer x=y\n");
}

static void test_no_challenge(void **state)
{
    key_file("a.key", KEY, 0600);
    expect_unread(*state, "", "without naming");
    expect_unread(*state, "Bearer realm=@/a.key\n", "without naming");
    expect_unread(*state, "Basic\nrealm=@/a.key\n", "without naming");
}

static void test_other_files(void **state)
{
    static const char *const realms[] = {"/etc/shadow",
                                         "/etc/shadow.key",
                                         "a.key",
                                         "",
                                         "/",
                                         "@",
                                         "@/",
                                         "@/.key",
                                         "@/a.txt",
                                         "@/a.key.txt",
                                         "@/sub/a.key",
                                         "@//a.key",
                                         "@/./a.key",
                                         "@x/a.key",
                                         "/@/a.key",
                                         "@/a.key ",
                                         "@/a.KEY",
                                         "file://@/a.key",
                                         "@/../keys/a.key",
                                         "@/../outside.key",
                                         "\"@/a.key",
                                         "@/a.key, Bearer",
                                         "@/a.key\r"};
    char challenge[256];

    key_file("a.key", KEY, 0600);
    key_file(".key", KEY, 0600);
    key_file("a.txt", KEY, 0600);
    (void)test_file("outside.key", KEY);
    for (size_t i = 0; i < sizeof realms / sizeof realms[0]; i++) {
        snprintf(challenge, sizeof challenge, "Basic realm=%s\n", realms[i]);
        expect_unread(*state, challenge, "it is not read");
    }
}

static void test_name_beyond_all_names(void **state)
{
    char challenge[400];

    snprintf(challenge, sizeof challenge, "Basic realm=@/%0300d.key\n", 7);
    expect_unread(*state, challenge, "it is not read");
}

static void test_key_file_is_a_link(void **state)
{
    struct world *world = *state;
    char link[256];

    key_file("a.key", KEY, 0600);
    snprintf(link, sizeof link, "%s/link.key", world->keys);
    assert_int_equal(symlink("a.key", link), 0);
    expect_unread(world, "Basic realm=@/link.key\n", "cannot be opened");
}

static void test_folder_is_a_link(void **state)
{
    struct world *world = *state;
    char link[128];

    key_file("a.key", KEY, 0600);
    snprintf(link, sizeof link, "%s/link", test_folder());
    assert_int_equal(symlink("keys", link), 0);
    strcpy(world->keys, link);
    expect_unread(world, "Basic realm=@/a.key\n", "cannot be opened");
}

static void test_files_that_hold_no_key(void **state)
{
    static const char a_key[] = "Basic realm=@/a.key\n";
    static char large[4098];

    expect_unread(*state, a_key, "No such file");
    key_file("a.key", KEY, 0602);
    expect_unread(*state, a_key, "others cannot write");
    key_file("a.key", "", 0600);
    expect_unread(*state, a_key, "does not hold a key");
    key_file("a.key", "\n", 0600);
    expect_unread(*state, a_key, "does not hold a key");
    key_file("a.key", KEY "\r\nX-Evil: 1", 0600);
    expect_unread(*state, a_key, "does not hold a key");
    memset(large, 'k', sizeof large - 1);
    key_file("a.key", large, 0600);
    expect_unread(*state, a_key, "4096");
}

static void test_largest_key(void **state)
{
    static char large[4097];
    struct world *world = *state;

    memset(large, 'k', sizeof large - 1);
    key_file("a.key", large, 0600);
    assert_true(read_challenge(world, "Basic realm=@/a.key\n"));
    assert_int_equal(world->header.size, 21 + 4096);
}

static void test_what_is_no_file(void **state)
{
    struct world *world = *state;
    char path[256];

    snprintf(path, sizeof path, "%s/a.key", world->keys);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_unread(world, "Basic realm=@/a.key\n", "regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_unread(world, "Basic realm=@/a.key\n", "regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        KEY_TEST(test_key),
        KEY_TEST(test_spellings_of_the_challenge),
        KEY_TEST(test_no_challenge),
        KEY_TEST(test_other_files),
        KEY_TEST(test_name_beyond_all_names),
        KEY_TEST(test_key_file_is_a_link),
        KEY_TEST(test_folder_is_a_link),
        KEY_TEST(test_files_that_hold_no_key),
        KEY_TEST(test_largest_key),
        KEY_TEST(test_what_is_no_file),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_folder_remove();
    return failed;
}
