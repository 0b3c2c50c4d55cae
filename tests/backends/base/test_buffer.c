#include "backends/base/buffer.h"
#include "tests/backends/base/base_test.h"

static void test_starts_empty(void **state)
{
    struct buffer buffer = BUFFER_INIT(10);

    (void)state;
    assert_int_equal(buffer.size, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
}

static void test_text_is_copied_as_far_as_there_is_room(void **state)
{
    char room[4] = "xyz";

    (void)state;
    text_copy(bytes_of_text("ab"), room, sizeof room);
    assert_string_equal(room, "ab");
    text_copy(bytes_of_text("abcd"), room, sizeof room);
    assert_string_equal(room, "abc");
    text_copy(bytes_of_text(NULL), room, sizeof room);
    assert_string_equal(room, "");
}

static void test_append_keeps_a_zero_behind(void **state)
{
    struct buffer buffer = BUFFER_INIT(10);

    (void)state;
    assert_int_equal(buffer_append(&buffer, "ab", 2), CKR_OK);
    assert_int_equal(buffer_append_text(&buffer, "cd"), CKR_OK);
    assert_string_equal(buffer_text(&buffer), "abcd");
    assert_int_equal(buffer.size, 4);
    buffer_free(&buffer);
}

static void test_append_up_to_the_limit(void **state)
{
    struct buffer buffer = BUFFER_INIT(4);

    (void)state;
    assert_int_equal(buffer_append(&buffer, "abcd", 4), CKR_OK);
    assert_int_equal(buffer_append(&buffer, "", 0), CKR_OK);
    assert_int_equal(buffer_append(&buffer, "e", 1), CKR_DATA_LEN_RANGE);
    assert_string_equal(buffer_text(&buffer), "abcd");
    buffer_free(&buffer);
}

static void test_grows_over_many_appends(void **state)
{
    struct buffer buffer = BUFFER_INIT(5000);
    size_t at;

    (void)state;
    for (at = 0; at < 5000; at++) {
        assert_int_equal(buffer_append(&buffer, &"abcdefghij"[at % 10], 1), CKR_OK);
    }
    for (at = 0; at < 5000; at++) {
        assert_int_equal(buffer.data[at], "abcdefghij"[at % 10]);
    }
    assert_int_equal(buffer_append(&buffer, "x", 1), CKR_DATA_LEN_RANGE);
    buffer_free(&buffer);
}

static void test_printf_appends(void **state)
{
    struct buffer buffer = BUFFER_INIT(8);

    (void)state;
    assert_int_equal(buffer_printf(&buffer, "%d-%s", 12, "ab"), CKR_OK);
    assert_string_equal(buffer_text(&buffer), "12-ab");
    assert_int_equal(buffer_printf(&buffer, "%s", "cdef"), CKR_DATA_LEN_RANGE);
    assert_string_equal(buffer_text(&buffer), "12-ab");
    buffer_free(&buffer);
}

static void test_resize_gives_zeros(void **state)
{
    static const unsigned char zeros[6];
    struct buffer buffer = BUFFER_INIT(8);

    (void)state;
    assert_int_equal(buffer_append(&buffer, "abcd", 4), CKR_OK);
    assert_int_equal(buffer_resize(&buffer, 2), CKR_OK);
    assert_int_equal(buffer_resize(&buffer, 8), CKR_OK);
    assert_memory_equal(buffer.data, "ab", 2);
    assert_memory_equal(buffer.data + 2, zeros, 6);
    assert_int_equal(buffer_resize(&buffer, 9), CKR_DATA_LEN_RANGE);
    buffer_free(&buffer);
}

static void test_clear_wipes(void **state)
{
    struct buffer buffer = BUFFER_INIT(32);
    size_t at;

    (void)state;
    assert_int_equal(buffer_append_text(&buffer, "a secret"), CKR_OK);
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    for (at = 0; at < 8; at++) {
        assert_int_equal(buffer.data[at], 0);
    }
    buffer_free(&buffer);
}

static void test_free_twice(void **state)
{
    struct buffer buffer = BUFFER_INIT(32);

    (void)state;
    assert_int_equal(buffer_append_text(&buffer, "text"), CKR_OK);
    buffer_free(&buffer);
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer_append_text(&buffer, "again"), CKR_OK);
    buffer_free(&buffer);
}

static void test_move_empties_its_source(void **state)
{
    struct buffer from = BUFFER_INIT(32), to = BUFFER_INIT(8);

    (void)state;
    assert_int_equal(buffer_append_text(&from, "new"), CKR_OK);
    assert_int_equal(buffer_append_text(&to, "old"), CKR_OK);
    buffer_move(&to, &from);
    assert_string_equal(buffer_text(&to), "new");
    assert_string_equal(buffer_text(&from), "");
    buffer_free(&from);
    buffer_free(&to);
}

static void test_bytes_are_equal_or_not(void **state)
{
    (void)state;
    assert_true(bytes_equal_text(bytes_of("abc", 3), "abc"));
    assert_false(bytes_equal_text(bytes_of("abc", 3), "abcd"));
    assert_true(bytes_equal(bytes_of_text(NULL), bytes_of("", 0)));
    assert_true(bytes_equal_secret(bytes_of("abc", 3), bytes_of("abc", 3)));
    assert_false(bytes_equal_secret(bytes_of("abc", 3), bytes_of("abd", 3)));
    assert_false(bytes_equal_secret(bytes_of("abc", 3), bytes_of("ab", 2)));
    assert_true(bytes_equal_secret(bytes_of(NULL, 0), bytes_of(NULL, 0)));
}

static void test_wipe_nothing(void **state)
{
    (void)state;
    wipe(NULL, 0);
    wipe_free_text(NULL);
    wipe_free_text(strdup("secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_empty),
        cmocka_unit_test(test_text_is_copied_as_far_as_there_is_room),
        cmocka_unit_test(test_append_keeps_a_zero_behind),
        cmocka_unit_test(test_append_up_to_the_limit),
        cmocka_unit_test(test_grows_over_many_appends),
        cmocka_unit_test(test_printf_appends),
        cmocka_unit_test(test_resize_gives_zeros),
        cmocka_unit_test(test_clear_wipes),
        cmocka_unit_test(test_free_twice),
        cmocka_unit_test(test_move_empties_its_source),
        cmocka_unit_test(test_bytes_are_equal_or_not),
        cmocka_unit_test(test_wipe_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
