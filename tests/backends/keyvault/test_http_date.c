/* Dates of HTTP: the usual form is read as libcurl reads it, and what is none is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/keyvault/http_date.h"
#include <cmocka.h>
#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

static void test_the_usual_form(void **state)
{
    (void)state;
    assert_int_equal(http_date_read("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(http_date_read("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(http_date_read("Sat, 29 Feb 2020 23:59:59 GMT"), 1583020799);
    assert_int_equal(http_date_read("Tue, 01 Mar 2022 00:00:00 GMT"), 1646092800);
    assert_int_equal(http_date_read("Fri, 31 Dec 2100 23:59:60 GMT"), 4133980800);
}

/* A day of every week of 130 years. */
static void test_every_year_is_as_libcurl_has_it(void **state)
{
    (void)state;
    for (int64_t at = 3661; at < INT64_C(130) * 366 * 86400; at += 7 * 86400 + 86399) {
        time_t seconds = (time_t)at;
        struct tm when;
        char text[64];

        gmtime_r(&seconds, &when);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &when);
        assert_int_equal(http_date_read(text), at);
        assert_int_equal((int64_t)curl_getdate(text, NULL), at);
    }
}

static void test_older_forms_too(void **state)
{
    (void)state;
    assert_int_equal(http_date_read("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(http_date_read("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(http_date_read("Sun, 06 Nov 1994 08:49:37 +0100"), 784111777 - 3600);
}

static void test_what_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        "soon",
                                        "Sun, 06 Now 1994 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 32 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:60:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:61 GMT",
                                        "Sun, 06 Nov 1969 08:49:37 GMT"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(http_date_read(texts[i]), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_usual_form),
        cmocka_unit_test(test_every_year_is_as_libcurl_has_it),
        cmocka_unit_test(test_older_forms_too),
        cmocka_unit_test(test_what_is_none),
    };

    return cmocka_run_group_tests_name("keyvault/http_date", tests, NULL, NULL);
}
