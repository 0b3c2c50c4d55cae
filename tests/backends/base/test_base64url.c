#include "backends/base/base64url.h"
#include "tests/backends/base/base_test.h"

/* RFC 4648, section 10, without the padding; and the two characters that are base64url's own. */
static const struct {
    const char *plain;
    const char *text;
} pairs[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
             {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbe", "-_--"}};

static void test_encodes(void **state)
{
    size_t at;

    (void)state;
    for (at = 0; at < sizeof pairs / sizeof pairs[0]; at++) {
        struct buffer to = BUFFER_INIT(16);

        assert_int_equal(base64url_encode(bytes_of_text(pairs[at].plain), &to), CKR_OK);
        assert_string_equal(buffer_text(&to), pairs[at].text);
        buffer_free(&to);
    }
}

static void test_decodes(void **state)
{
    size_t at;

    (void)state;
    for (at = 0; at < sizeof pairs / sizeof pairs[0]; at++) {
        struct buffer to = BUFFER_INIT(16);

        assert_int_equal(base64url_decode(pairs[at].text, &to), CKR_OK);
        assert_true(bytes_equal_text(buffer_bytes(&to), pairs[at].plain));
        buffer_free(&to);
    }
}

static void test_every_length_comes_back(void **state)
{
    unsigned char data[256];
    size_t size;

    (void)state;
    for (size = 0; size < sizeof data; size++) {
        struct buffer text = BUFFER_INIT(400), back = BUFFER_INIT(256);

        data[size] = (unsigned char)(size * 37 + 250);
        assert_int_equal(base64url_encode(bytes_of(data, size), &text), CKR_OK);
        assert_int_equal(base64url_decode(buffer_text(&text), &back), CKR_OK);
        assert_true(bytes_equal(buffer_bytes(&back), bytes_of(data, size)));
        buffer_free(&text);
        buffer_free(&back);
    }
}

static void test_appends(void **state)
{
    struct buffer to = BUFFER_INIT(32);

    (void)state;
    assert_int_equal(buffer_append_text(&to, "n="), CKR_OK);
    assert_int_equal(base64url_encode(bytes_of("foo", 3), &to), CKR_OK);
    assert_int_equal(base64url_decode("Zm9v", &to), CKR_OK);
    assert_string_equal(buffer_text(&to), "n=Zm9vfoo");
    buffer_free(&to);
}

static void test_refuses_what_is_foreign(void **state)
{
    static const char *const bad[] = {"Zg==",  "Zm8=", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v",        "Z",
                                      "Zm9vZ", "Zm9.", "Zh",     "Zm9",   "====", "Zm9vYmF\xc3", "\x80\x80"};
    size_t at;

    (void)state;
    for (at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        struct buffer to = BUFFER_INIT(32);

        assert_int_equal(buffer_append_text(&to, "as it was"), CKR_OK);
        assert_int_equal(base64url_decode(bad[at], &to), CKR_DATA_INVALID);
        assert_string_equal(buffer_text(&to), "as it was");
        buffer_free(&to);
    }
}

static void test_keeps_to_the_limit(void **state)
{
    struct buffer to = BUFFER_INIT(3);

    (void)state;
    assert_int_equal(base64url_encode(bytes_of("foo", 3), &to), CKR_DATA_LEN_RANGE);
    assert_int_equal(base64url_decode("Zm9vYg", &to), CKR_DATA_LEN_RANGE);
    assert_int_equal(to.size, 0);
    assert_int_equal(base64url_decode("Zm9v", &to), CKR_OK);
    buffer_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes),
        cmocka_unit_test(test_decodes),
        cmocka_unit_test(test_every_length_comes_back),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_refuses_what_is_foreign),
        cmocka_unit_test(test_keeps_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
