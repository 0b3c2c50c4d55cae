/* What a reply's headers say. */
#include "backends/keyvault/http.h"
#include "backends/keyvault/http_date.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, CHALLENGE_LIMIT = 16 * 1024 };

void http_reply_init(struct http_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    reply->retry_after = -1;
    reply->advice = "";
    reply->challenge.limit = CHALLENGE_LIMIT;
}

void http_reply_done(struct http_reply *reply)
{
    buffer_free(&reply->body);
    buffer_free(&reply->challenge);
}

void http_reply_fail(struct http_reply *reply, enum http_failure failure, const char *advice,
                     const char *format, ...)
{
    va_list arguments;

    http_reply_done(reply);
    http_reply_init(reply);
    reply->failure = failure;
    reply->advice = advice;
    va_start(arguments, format);
    vsnprintf(reply->cause, sizeof reply->cause, format, arguments);
    va_end(arguments);
}

/* The value of header `name`, without the blanks around it. */
static bool header_value(struct bytes line, const char *name, struct bytes *ret_value)
{
    const char *text = (const char *)line.data;
    size_t length = strlen(name), from = length + 1, size = line.size;

    if (size <= length || text[length] != ':' || strncasecmp(text, name, length) != 0) {
        return false;
    }
    while (from < size && (text[from] == ' ' || text[from] == '\t')) {
        from++;
    }
    while (size > from && line.data[size - 1] <= ' ') {
        size--;
    }
    *ret_value = bytes_of(line.data + from, size - from);
    return true;
}

static bool header_is(struct bytes line, const char *name, char *ret_value, size_t room)
{
    struct bytes value;

    if (!header_value(line, name, &value)) {
        return false;
    }
    text_copy(value, ret_value, room);
    return true;
}

/* One that is too long is as good as none: it is not answered. */
static void read_challenge(struct http_reply *reply, struct bytes line)
{
    struct bytes value;

    if (header_value(line, "www-authenticate", &value) &&
        reply->challenge.size + value.size < reply->challenge.limit &&
        buffer_append(&reply->challenge, value.data, value.size) == CKR_OK) {
        (void)!buffer_append(&reply->challenge, "\n", 1);
    }
}

static bool read_number(const char *text, int64_t *ret_number)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || text[digits] != 0) {
        return false;
    }
    *ret_number = digits > 9 ? DAY_MS : strtoll(text, NULL, 10);
    return true;
}

static int64_t at_most_a_day(int64_t milliseconds)
{
    return milliseconds < 0 ? 0 : milliseconds > DAY_MS ? DAY_MS : milliseconds;
}

/* RFC 9110, 10.2.3: seconds or a date. */
static void read_retry_after(const char *text, struct http_reply *reply)
{
    int64_t number;

    if (read_number(text, &number)) {
        reply->retry_after = at_most_a_day(number * 1000);
        return;
    }
    number = http_date_read(text);
    if (number >= 0) {
        reply->retry_after = at_most_a_day((number - (reply->date != 0 ? reply->date : time(NULL))) * 1000);
    }
}

/* The service's clients look at the two exact spellings first. */
static void read_retry_header(struct http_reply *reply, struct bytes line)
{
    char value[64];
    int64_t number;

    if (header_is(line, "retry-after-ms", value, sizeof value) ||
        header_is(line, "x-ms-retry-after-ms", value, sizeof value)) {
        if (read_number(value, &number)) {
            reply->retry_after = at_most_a_day(number);
            reply->retry_after_exact = true;
        }
    } else if (!reply->retry_after_exact && header_is(line, "retry-after", value, sizeof value)) {
        read_retry_after(value, reply);
    }
}

void http_reply_read_header(struct http_reply *reply, struct bytes line)
{
    char value[HTTP_ID_SIZE];

    if (line.size == 0 || strchr("DdRrWwXx", line.data[0]) == NULL) {
        return; /* most lines */
    }
    if (header_is(line, "date", value, sizeof value)) {
        int64_t date = http_date_read(value);

        reply->date = date > 0 ? date : 0;
    } else if (header_is(line, "x-ms-request-id", value, sizeof value)) {
        text_copy(bytes_of_text(value), reply->request_id, sizeof reply->request_id);
    } else if (strchr("Ww", line.data[0]) != NULL) {
        read_challenge(reply, line);
    } else {
        read_retry_header(reply, line);
    }
}
