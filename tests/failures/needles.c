/* Secrets in all their forms. */
#include "tests/failures/needles.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256, WINDOW = 20, LEAST = 8 };

struct needle {
    const char *what;
    char *data;
    size_t size;
};

struct needles {
    struct needle all[MOST];
    size_t count;
};

struct needles *needles_new(void)
{
    return calloc(1, sizeof(struct needles));
}

void needles_free(struct needles *needles)
{
    for (size_t i = 0; i < needles->count; i++) {
        free(needles->all[i].data);
    }
    free(needles);
}

void needles_add(struct needles *needles, const char *what, const void *data, size_t size)
{
    struct needle *needle = &needles->all[needles->count];

    for (size_t i = 0; i < needles->count; i++) {
        if (needles->all[i].size == size && memcmp(needles->all[i].data, data, size) == 0) {
            return;
        }
    }
    if (size < LEAST || needles->count == MOST) {
        abort();
    }
    *needle = (struct needle){what, malloc(size), size};
    memcpy(needle->data, data, size);
    needles->count++;
}

size_t needles_count(const struct needles *needles, const char *what)
{
    size_t count = 0;

    for (size_t i = 0; i < needles->count; i++) {
        count += strcmp(needles->all[i].what, what) == 0;
    }
    return count;
}

/* --- Requests --- */

static size_t decode_form(const char *from, size_t size, char *to)
{
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        char hex[3] = {0};

        if (from[i] == '%' && i + 2 < size) {
            memcpy(hex, from + i + 1, 2);
            to[length++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            to[length++] = from[i];
        }
    }
    return length;
}

static void add_form(struct needles *needles, const char *form)
{
    static const char *const names[] = {"client_secret=", "client_assertion=", "refresh_token="};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (const char *at = form; (at = strstr(at, names[i])) != NULL;) {
            size_t size = strcspn(at += strlen(names[i]), "&");
            char *value = malloc(size + 1);

            needles_add(needles, names[i], value, decode_form(at, size, value));
            free(value);
        }
    }
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = strchr(digits, c);

    return at == NULL || c == 0 ? -1 : (int)(at - digits);
}

static void add_value(struct needles *needles, const char *what, const char *base64url)
{
    char key[1024];
    size_t size = 0;
    unsigned bits = 0, count = 0;

    for (; digit(*base64url) >= 0 && size < sizeof key; base64url++) {
        bits = bits << 6 | (unsigned)digit(*base64url);
        count += 6;
        if (count >= 8) {
            key[size++] = (char)(bits >> (count -= 8) & 255);
        }
    }
    if (size != 0) { /* the first request may go without a body */
        needles_add(needles, what, key, size);
    }
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text == NULL ? "" : text;
}

static void add_request(struct needles *needles, const cJSON *request)
{
    const cJSON *headers = cJSON_GetObjectItemCaseSensitive(request, "headers");
    const char *authorization = text_of(headers, "authorization"),
               *header = text_of(headers, "x-identity-header");
    const char *operation = text_of(request, "op"), *space = strchr(authorization, ' ');

    if (space != NULL) {
        needles_add(needles, "token", space + 1, strlen(space + 1));
    }
    if (*header != 0) {
        needles_add(needles, "header", header, strlen(header));
    }
    if (strcmp(operation, "wrapkey") == 0 || strcmp(operation, "encrypt") == 0 ||
        strcmp(operation, "sign") == 0) {
        cJSON *body = cJSON_Parse(text_of(request, "body"));

        add_value(needles, *operation == 's' ? "digest" : "key", text_of(body, "value"));
        cJSON_Delete(body);
    } else {
        add_form(needles, text_of(request, "body"));
    }
}

bool needles_add_requests(struct needles *needles, const char *json)
{
    cJSON *answer = cJSON_Parse(json);
    const cJSON *list = cJSON_IsObject(answer) ? answer->child : answer, *request;
    bool good = cJSON_IsArray(list);

    cJSON_ArrayForEach(request, list)
    {
        add_request(needles, request);
    }
    cJSON_Delete(answer);
    return good;
}

/* --- The search --- */

static size_t to_base64(const struct needle *needle, const char *last_two, char *to)
{
    static const char most[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = 0;

    for (size_t bit = 0; bit + 6 <= needle->size * 8; bit += 6) {
        unsigned value = 0;

        for (size_t i = bit; i < bit + 6; i++) {
            value = value << 1 | ((unsigned char)needle->data[i / 8] >> (7 - i % 8) & 1);
        }
        to[length++] = value < 62 ? most[value] : last_two[value - 62];
    }
    return length;
}

static size_t to_hex(const struct needle *needle, const char *digits, char *to)
{
    for (size_t i = 0; i < needle->size; i++) {
        to[2 * i] = digits[(unsigned char)needle->data[i] >> 4];
        to[2 * i + 1] = digits[needle->data[i] & 15];
    }
    return 2 * needle->size;
}

static bool has_window(const char *text, size_t size, const char *form, size_t length)
{
    size_t window = length < WINDOW ? length : WINDOW, at[] = {0, (length - window) / 2, length - window};

    for (int i = 0; i < 3; i++) {
        if (memmem(text, size, form + at[i], window) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_in(const struct needle *needle, const char *text, size_t size)
{
    char *form = malloc(2 * needle->size + 1);
    bool found = has_window(text, size, needle->data, needle->size) ||
                 has_window(text, size, form, to_base64(needle, "-_", form)) ||
                 has_window(text, size, form, to_base64(needle, "+/", form)) ||
                 has_window(text, size, form, to_hex(needle, "0123456789abcdef", form)) ||
                 has_window(text, size, form, to_hex(needle, "0123456789ABCDEF", form));

    free(form);
    return found;
}

const char *needles_in(const struct needles *needles, const char *text, size_t size)
{
    for (size_t i = 0; i < needles->count; i++) {
        if (is_in(&needles->all[i], text, size)) {
            return needles->all[i].what;
        }
    }
    return NULL;
}
