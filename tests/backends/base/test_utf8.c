/* Text as UTF-8: which bytes are a character, and what is left of text that is none. */
#include "tests/backends/base/base_test.h"

#include "backends/base/utf8.h"

static void test_the_first_and_the_last_of_each_length(void **state)
{
    (void)state;
    assert_int_equal(utf8_character("a"), 1);
    assert_int_equal(utf8_character("\x7f"), 1);
    assert_int_equal(utf8_character("\xc2\x80"), 2);
    assert_int_equal(utf8_character("\xdf\xbf"), 2);
    assert_int_equal(utf8_character("\xe0\xa0\x80"), 3);
    assert_int_equal(utf8_character("\xed\x9f\xbf"), 3);
    assert_int_equal(utf8_character("\xee\x80\x80"), 3);
    assert_int_equal(utf8_character("\xef\xbf\xbf"), 3);
    assert_int_equal(utf8_character("\xf0\x90\x80\x80"), 4);
    assert_int_equal(utf8_character("\xf4\x8f\xbf\xbf"), 4);
}

static void test_what_is_none(void **state)
{
    static const char *const none[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xc2",         "\xe2\x82",         "\xf0\x9f\x98",     "\xc2z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(utf8_character(none[i]), 0);
    }
}

static void test_control_characters(void **state)
{
    (void)state;
    assert_true(utf8_is_control("\x1b"));
    assert_true(utf8_is_control("\n"));
    assert_true(utf8_is_control("\x7f"));
    assert_true(utf8_is_control("\xc2\x80"));
    assert_true(utf8_is_control("\xc2\x9f"));
    assert_false(utf8_is_control(" "));
    assert_false(utf8_is_control("\xc2\xa0"));
    assert_false(utf8_is_control("\xc3\x80"));
}

static void assert_clean(const char *text, size_t room, const char *expected)
{
    char to[32];

    memset(to, 'x', sizeof to);
    utf8_clean(text, to, room);
    assert_string_equal(to, expected);
    assert_int_equal(to[room], 'x');
}

static void test_clean_text_stays(void **state)
{
    (void)state;
    assert_clean("", 1, "");
    assert_clean("a\"\\ \xe2\x82\xac\xf0\x9f\x98\x80", 31, "a\"\\ \xe2\x82\xac\xf0\x9f\x98\x80");
}

static void test_what_cannot_be_read_is_a_question_mark(void **state)
{
    (void)state;
    assert_clean("a\x1b[31m\nb", 31, "a?[31m?b");
    assert_clean("\xc2\x9b"
                 "1m",
                 31, "?1m");
    assert_clean("\xff\xe2\x82", 31, "???");
}

static void test_it_is_cut_at_a_character(void **state)
{
    (void)state;
    assert_clean("abc", 3, "ab");
    assert_clean("a\xe2\x82\xac", 4, "a");
    assert_clean("a\xe2\x82\xac", 5, "a\xe2\x82\xac");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_and_the_last_of_each_length),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_clean_text_stays),
        cmocka_unit_test(test_what_cannot_be_read_is_a_question_mark),
        cmocka_unit_test(test_it_is_cut_at_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
