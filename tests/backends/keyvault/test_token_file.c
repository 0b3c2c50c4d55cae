/* A token that somebody else keeps in a file. */
#include "backends/base/base64url.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct identity *identity;
    const char *path;
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct identity_options who = {.about = "test"};

    world->path = test_file("token", "opaque-token\n");
    world->token.limit = TOKEN_LIMIT;
    who.token_file = world->path;
    *state = world;
    return token_file_kind.open(&who, &world->identity) == CKR_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    world->identity->ops->free(world->identity);
    buffer_free(&world->token);
    free(world);
    return 0;
}

static bool fetch(struct world *world)
{
    const struct token_scope scope = {.audience = "https://vault.azure.net"};

    buffer_clear(&world->token);
    return world->identity->ops->fetch(world->identity, &scope, deadline_in(1000), &world->token,
                                       &world->lifetime, &world->failure);
}

static void expect_token(struct world *world, const char *token)
{
    if (!fetch(world)) {
        fail_msg("%s", world->failure.said);
    }
    assert_string_equal(buffer_text(&world->token), token);
}

static void expect_failure(struct world *world, const char *words)
{
    assert_false(fetch(world));
    assert_int_equal(world->token.size, 0);
    assert_int_equal(world->failure.rv, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(world->failure.verdict, VERDICT_NO_ACCESS);
    if (strstr(world->failure.said, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, world->failure.said);
    }
}

/* A JWT that ends so many seconds from now. */
static void make_token(long seconds, struct buffer *ret_token)
{
    char payload[64];

    snprintf(payload, sizeof payload, "{\"aud\":\"x\",\"exp\":%ld}", (long)time(NULL) + seconds);
    assert_int_equal(buffer_append_text(ret_token, "eyJhbGciOiJub25lIn0."), CKR_OK);
    assert_int_equal(base64url_encode(bytes_of_text(payload), ret_token), CKR_OK);
    assert_int_equal(buffer_append_text(ret_token, ".c2ln"), CKR_OK);
}

static void test_opaque_token_is_looked_at_each_minute(void **state)
{
    struct world *world = *state;

    expect_token(world, "opaque-token");
    assert_int_equal(world->lifetime, 60000);
}

static void test_blanks_around_it(void **state)
{
    (void)test_file("token", " \r\n opaque-token \r\n\n");
    expect_token(*state, "opaque-token");
}

static void test_changed_file(void **state)
{
    expect_token(*state, "opaque-token");
    (void)test_file("token", "another");
    expect_token(*state, "another");
}

static size_t lines_logged(void)
{
    char path[128];
    size_t count = 0;
    FILE *file;
    int c;

    snprintf(path, sizeof path, "%s/log", test_folder());
    file = fopen(path, "r");
    while (file != NULL && (c = getc(file)) != EOF) {
        count += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

/* Its warning, that others can read it, is not repeated every minute. */
static void test_unchanged_file_is_not_read_again(void **state)
{
    struct world *world = *state;
    size_t before = lines_logged();

    assert_int_equal(chmod(world->path, 0644), 0);
    expect_token(world, "opaque-token");
    expect_token(world, "opaque-token");
    assert_int_equal(lines_logged(), before + 1);
    assert_int_equal(chmod(world->path, 0600), 0);
}

static void test_long_lived_token_is_looked_at_each_minute(void **state)
{
    struct world *world = *state;
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(1000);

    make_token(3600, &token);
    (void)test_file("token", buffer_text(&token));
    expect_token(world, buffer_text(&token));
    assert_int_equal(world->lifetime, 60000);
}

static void test_token_that_ends_soon(void **state)
{
    struct world *world = *state;
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(1000);

    make_token(20, &token);
    (void)test_file("token", buffer_text(&token));
    expect_token(world, buffer_text(&token));
    assert_in_range(world->lifetime, 15000, 20000);
}

static void test_expired_token(void **state)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(1000);

    make_token(-5, &token);
    (void)test_file("token", buffer_text(&token));
    expect_failure(*state, "has expired");
    assert_null(strstr(((struct world *)*state)->failure.said, buffer_text(&token)));
}

static void test_renewed_after_it_had_expired(void **state)
{
    test_expired_token(state);
    (void)test_file("token", "fresh");
    expect_token(*state, "fresh");
}

static void test_missing_file(void **state)
{
    unlink(((struct world *)*state)->path);
    expect_failure(*state, "cannot be read");
}

static void test_empty_file(void **state)
{
    (void)test_file("token", "\n");
    expect_failure(*state, "is empty");
}

static void test_no_token_in_the_file(void **state)
{
    static const char *const wrong[] = {"Bearer abc", "{\"access_token\":\"x\"}", "a\nb", "a\r\nX-Evil: 1",
                                        "\xc3\xa4"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)test_file("token", wrong[i]);
        expect_failure(*state, "something else than one access token");
    }
}

static void test_zero_byte_in_the_file(void **state)
{
    FILE *file = fopen(((struct world *)*state)->path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite("abc\0def", 1, 7, file), 7);
    fclose(file);
    expect_failure(*state, "something else than one access token");
}

static void test_too_large_a_file(void **state)
{
    char *large SCOPED(scope_free) = malloc(20001);

    memset(large, 'x', 20000);
    large[20000] = 0;
    (void)test_file("token", large);
    expect_failure(*state, "cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        FILE_TEST(test_opaque_token_is_looked_at_each_minute),
        FILE_TEST(test_blanks_around_it),
        FILE_TEST(test_changed_file),
        FILE_TEST(test_unchanged_file_is_not_read_again),
        FILE_TEST(test_long_lived_token_is_looked_at_each_minute),
        FILE_TEST(test_token_that_ends_soon),
        FILE_TEST(test_expired_token),
        FILE_TEST(test_renewed_after_it_had_expired),
        FILE_TEST(test_missing_file),
        FILE_TEST(test_empty_file),
        FILE_TEST(test_no_token_in_the_file),
        FILE_TEST(test_zero_byte_in_the_file),
        FILE_TEST(test_too_large_a_file),
    };
    char log[128];
    int failed;

    snprintf(log, sizeof log, "debug:file:%s/log", test_folder());
    setenv("BYOK_PKCS11_LOG", log, 1);
    if (log_configure("error") != CKR_OK) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_folder_remove();
    return failed;
}
