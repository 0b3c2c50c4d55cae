/* Answers with tokens in them. */
#include "backends/keyvault/identity/token_json.h"
#include "backends/base/base64url.h"
#include "backends/keyvault/identity/aadsts.h"
#include "backends/keyvault/json.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LONGEST_LIFETIME = 7 * 24 * 60 * 60, PAYLOAD_LIMIT = 16 * 1024 };

/* Where the same things stand; NULL: this one does not say so. */
struct dialect {
    const char *token;
    const char *lifetime;   /* seconds */
    const char *end;        /* seconds since 1970, or a date */
    const char *local_time; /* the same on this machine's clock, without a zone */
};

static const struct dialect token_endpoint = {"access_token", "expires_in", NULL, NULL};
static const struct dialect machine = {"access_token", "expires_in", "expires_on", NULL};
static const struct dialect cli = {"accessToken", NULL, "expires_on", "expiresOn"};

bool token_is_valid(const char *token)
{
    return *token != 0 && token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                              "-._~+/=")] == 0;
}

/* --- When it ends --- */

static bool is_date(const struct tm *date)
{
    return date->tm_year >= 70 && date->tm_year < 8100 && date->tm_mon >= 0 && date->tm_mon < 12 &&
           date->tm_mday >= 1 && date->tm_mday <= 31 && date->tm_hour >= 0 && date->tm_hour < 24 &&
           date->tm_min >= 0 && date->tm_min < 60 && date->tm_sec >= 0 && date->tm_sec <= 60;
}

/* By the clock's face: 12 AM is midnight. */
static bool add_half_day(const char *half, int *hour)
{
    bool afternoon = strcmp(half, " PM +00:00") == 0;

    if (*hour < 1 || *hour > 12 || (!afternoon && strcmp(half, " AM +00:00") != 0)) {
        return false;
    }
    *hour = *hour % 12 + (afternoon ? 12 : 0);
    return true;
}

/* MM/DD/YYYY hh:mm:ss +00:00, or with AM and PM. */
static bool read_date(const char *text, int64_t *ret_end)
{
    struct tm date = {.tm_isdst = 0};
    int length = 0;

    if (sscanf(text, "%2d/%2d/%4d %2d:%2d:%2d%n", &date.tm_mon, &date.tm_mday, &date.tm_year, &date.tm_hour,
               &date.tm_min, &date.tm_sec, &length) != 6) {
        return false;
    }
    date.tm_mon -= 1;
    date.tm_year -= 1900;
    if (strcmp(text + length, " +00:00") != 0 && !add_half_day(text + length, &date.tm_hour)) {
        return false;
    }
    *ret_end = is_date(&date) ? (int64_t)timegm(&date) : 0;
    return is_date(&date);
}

/* YYYY-MM-DD hh:mm:ss, with or without a fraction. */
static bool read_local_time(const char *text, int64_t *ret_end)
{
    struct tm date = {.tm_isdst = -1};
    int length = 0;

    if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &date.tm_year, &date.tm_mon, &date.tm_mday, &date.tm_hour,
               &date.tm_min, &date.tm_sec, &length) != 6 ||
        text[length + (int)strspn(text + length, ".0123456789")] != 0) {
        return false;
    }
    date.tm_mon -= 1;
    date.tm_year -= 1900;
    if (!is_date(&date)) {
        return false;
    }
    *ret_end = (int64_t)mktime(&date);
    return *ret_end > 0;
}

static bool read_end(const cJSON *answer, const struct dialect *dialect, int64_t *ret_end)
{
    const char *text;

    if (dialect->end != NULL) {
        text = json_text(answer, dialect->end);
        if (json_whole(answer, dialect->end, ret_end) || (text != NULL && read_date(text, ret_end))) {
            return true;
        }
    }
    text = dialect->local_time == NULL ? NULL : json_text(answer, dialect->local_time);
    return text != NULL && read_local_time(text, ret_end);
}

static bool read_lifetime(const cJSON *answer, const struct dialect *dialect, int64_t now,
                          int64_t *ret_lifetime)
{
    int64_t end, lifetime;

    if (dialect->lifetime != NULL && json_whole(answer, dialect->lifetime, &lifetime)) {
        if (lifetime < 0) {
            return false;
        }
    } else if (read_end(answer, dialect, &end)) {
        lifetime = end > now ? end - now : 0;
    } else {
        return false;
    }
    *ret_lifetime = lifetime < LONGEST_LIFETIME ? lifetime : LONGEST_LIFETIME;
    return true;
}

/* --- Answers --- */

static CK_RV read_answer(struct bytes body, const struct dialect *dialect, int64_t now,
                         struct buffer *ret_token, int64_t *ret_lifetime)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *token = json_text(answer, dialect->token);
    int64_t lifetime;

    if (token == NULL || !token_is_valid(token) || !read_lifetime(answer, dialect, now, &lifetime)) {
        return CKR_DATA_INVALID;
    }
    buffer_clear(ret_token);
    if (buffer_append_text(ret_token, token) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    *ret_lifetime = lifetime;
    return CKR_OK;
}

CK_RV token_json_read(struct bytes body, struct buffer *ret_token, int64_t *ret_lifetime)
{
    return read_answer(body, &token_endpoint, 0, ret_token, ret_lifetime);
}

CK_RV token_json_read_machine(struct bytes body, int64_t now, struct buffer *ret_token, int64_t *ret_lifetime)
{
    return read_answer(body, &machine, now, ret_token, ret_lifetime);
}

CK_RV token_json_read_cli(struct bytes body, int64_t now, struct buffer *ret_token, int64_t *ret_lifetime)
{
    return read_answer(body, &cli, now, ret_token, ret_lifetime);
}

bool token_json_read_error(struct bytes body, struct token_error *ret_error)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *error = json_text(answer, "error");
    const cJSON *first = cJSON_GetArrayItem(json_member(answer, "error_codes"), 0);

    memset(ret_error, 0, sizeof *ret_error);
    if (error == NULL) {
        return false;
    }
    snprintf(ret_error->error, sizeof ret_error->error, "%s", error);
    if (cJSON_IsNumber(first) && first->valuedouble > 0 && first->valuedouble < 1e12) {
        ret_error->code = (int64_t)first->valuedouble;
    } else if (json_text(answer, "error_description") != NULL) {
        ret_error->code = aadsts_in(json_text(answer, "error_description"));
    }
    return true;
}

bool token_json_says(struct bytes body, const char *words)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *description = json_text(answer, "error_description"), *message = json_text(answer, "message");

    return (description != NULL && strstr(description, words) != NULL) ||
           (message != NULL && strstr(message, words) != NULL);
}

/* --- A token by itself --- */

struct bytes token_trim(struct bytes text)
{
    while (text.size > 0 && text.data[0] <= ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

/* The text between the first two dots, as bytes. */
static CK_RV read_payload(const char *token, struct buffer *ret_payload)
{
    const char *from = strchr(token, '.'), *to = from == NULL ? NULL : strchr(from + 1, '.');
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(PAYLOAD_LIMIT);
    CK_RV rv;

    if (to == NULL) {
        return CKR_DATA_INVALID;
    }
    rv = buffer_append(&text, from + 1, (size_t)(to - from - 1));
    return rv == CKR_OK ? base64url_decode(buffer_text(&text), ret_payload) : rv;
}

static bool read_time(const char *token, const char *name, int64_t *ret_time)
{
    struct buffer payload SCOPED(buffer_free) = BUFFER_INIT(PAYLOAD_LIMIT);
    cJSON *claims SCOPED(json_free_scoped) = NULL;

    if (read_payload(token, &payload) != CKR_OK) {
        return false;
    }
    claims = json_parse(buffer_bytes(&payload));
    return json_whole(claims, name, ret_time);
}

bool token_read_end(const char *token, int64_t *ret_end)
{
    return read_time(token, "exp", ret_end);
}

bool token_read_issue(const char *token, int64_t *ret_issue)
{
    return read_time(token, "iat", ret_issue);
}

/* What can stand in a record as it is, and is not cut. */
static bool is_plain(const char *text, size_t room)
{
    size_t length = 0;

    while (text[length] > ' ' && text[length] <= '~') {
        length++;
    }
    return length > 0 && length < room && text[length] == 0;
}

void token_read_principal(const char *token, char *ret_principal, size_t room)
{
    static const char *const names[] = {"oid", "sub", "appid", "azp"};
    struct buffer payload SCOPED(buffer_free) = BUFFER_INIT(PAYLOAD_LIMIT);
    cJSON *claims SCOPED(json_free_scoped) = NULL;

    ret_principal[0] = 0;
    if (read_payload(token, &payload) != CKR_OK) {
        return;
    }
    claims = json_parse(buffer_bytes(&payload));
    for (size_t i = 0; ret_principal[0] == 0 && i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_text(claims, names[i]);

        if (text != NULL && is_plain(text, room)) {
            strcpy(ret_principal, text);
        }
    }
}
