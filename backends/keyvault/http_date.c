/* Dates of HTTP. libcurl's reader takes any form that was ever sent; it costs a tenth of a request. */
#include "backends/keyvault/http_date.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>

enum { FIXED_SIZE = 29, SECONDS_OF_DAY = 24 * 60 * 60, FIRST_YEAR = 1970, DAYS_TO_FIRST_YEAR = 719468 };

/* 'D' stands for a digit, 'a' for any letter; the rest is what it is. */
static const char form[] = "aaa, DD aaa DDDD DD:DD:DD GMT";

static bool has_form(const char *text)
{
    if (strlen(text) != FIXED_SIZE) {
        return false;
    }
    for (size_t i = 0; i < FIXED_SIZE; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool letter = (text[i] | 32) >= 'a' && (text[i] | 32) <= 'z';

        if (form[i] == 'D' ? !digit : form[i] == 'a' ? !letter : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* 1 to 12, 0: none. */
static int month_of(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (memcmp(text, months + 3 * i, 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/*
 * Days since 1970 in the Gregorian calendar,
 * in which a cycle of 400 years has 146,097; years begin in March.
 */
static int64_t days_of(int year, int month, int day)
{
    int shifted = month <= 2 ? year - 1 : year, of_cycle = shifted % 400;
    int of_year = (153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5 + day - 1;

    return (int64_t)(shifted / 400) * 146097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year -
           DAYS_TO_FIRST_YEAR;
}

int64_t http_date_read(const char *text)
{
    int year, month, day, hour, minute, second;

    if (!has_form(text)) {
        return (int64_t)curl_getdate(text, NULL);
    }
    day = two_digits(text + 5);
    month = month_of(text + 8);
    year = two_digits(text + 12) * 100 + two_digits(text + 14);
    hour = two_digits(text + 17);
    minute = two_digits(text + 20);
    second = two_digits(text + 23);
    if (month == 0 || year < FIRST_YEAR || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
        return -1;
    }
    return days_of(year, month, day) * SECONDS_OF_DAY + hour * 3600 + minute * 60 + second;
}
