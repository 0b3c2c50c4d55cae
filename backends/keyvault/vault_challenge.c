/* Challenges, taken apart. */
#include "backends/keyvault/vault_challenge.h"
#include "backends/base/base64url.h"
#include "backends/base/scope.h"
#include "backends/keyvault/json.h"
#include <string.h>
#include <strings.h>

enum { LONGEST_URL = 512 };

/* --- One challenge: a scheme and its parameters --- */

struct parameters {
    struct bytes authorization, authorization_uri, resource, scope, error, claims;
};

static const struct {
    const char *name;
    size_t offset; /* in struct parameters */
} names[] = {
    {"authorization", offsetof(struct parameters, authorization)},
    {"authorization_uri", offsetof(struct parameters, authorization_uri)},
    {"resource", offsetof(struct parameters, resource)},
    {"scope", offsetof(struct parameters, scope)},
    {"error", offsetof(struct parameters, error)},
    {"claims", offsetof(struct parameters, claims)},
};

static bool is_word(struct bytes word, const char *text)
{
    return word.size == strlen(text) && strncasecmp((const char *)word.data, text, word.size) == 0;
}

/* Of two of one name the first counts. */
static void keep(struct parameters *parameters, struct bytes name, struct bytes value)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct bytes *at = (struct bytes *)(void *)((char *)parameters + names[i].offset);

        if (is_word(name, names[i].name) && at->size == 0) {
            *at = value;
        }
    }
}

/* --- Tokens of a header line --- */

struct cursor {
    const unsigned char *at, *end;
};

static bool is_one_of(const struct cursor *cursor, const char *set)
{
    return cursor->at < cursor->end && *cursor->at != 0 && strchr(set, *cursor->at) != NULL;
}

static void skip(struct cursor *cursor, const char *set)
{
    while (is_one_of(cursor, set)) {
        cursor->at++;
    }
}

static bool is_visible(unsigned char character)
{
    return character > ' ' && character < 0x7f;
}

/* RFC 9110, 5.6.2, and the slashes and colons of addresses that somebody forgot to quote. */
static struct bytes read_word(struct cursor *cursor, const char *ends)
{
    const unsigned char *begin = cursor->at;

    while (cursor->at != cursor->end && is_visible(*cursor->at) && strchr(ends, *cursor->at) == NULL) {
        cursor->at++;
    }
    return bytes_of(begin, (size_t)(cursor->at - begin));
}

/*
 * RFC 9110, 5.6.4.
 * No value that means anything to us has a character that must be escaped: it is empty then.
 */
static bool read_quoted(struct cursor *cursor, struct bytes *ret_value)
{
    const unsigned char *begin = ++cursor->at;
    bool escaped = false;

    while (cursor->at < cursor->end && *cursor->at != '"') {
        bool escape = *cursor->at == '\\' && cursor->at + 1 < cursor->end;

        escaped = escaped || escape;
        cursor->at += escape ? 2 : 1;
    }
    if (cursor->at >= cursor->end) {
        return false;
    }
    *ret_value = bytes_of(begin, escaped ? 0 : (size_t)(cursor->at - begin));
    cursor->at++;
    return true;
}

/*
 * The next scheme (value.data NULL) or parameter. Some services leave out the comma between parameters, so a
 * word is a parameter where a '=' follows it, else a scheme. False: the line is over, or spoiled from here
 * on.
 */
static bool read_next(struct cursor *cursor, struct bytes *ret_word, struct bytes *ret_value)
{
    skip(cursor, " \t,");
    *ret_word = read_word(cursor, "=,\"");
    *ret_value = bytes_of(NULL, 0);
    if (ret_word->size == 0) {
        return false;
    }
    skip(cursor, " \t");
    if (!is_one_of(cursor, "=")) {
        return true;
    }
    cursor->at++;
    skip(cursor, " \t");
    if (is_one_of(cursor, "\"")) {
        return read_quoted(cursor, ret_value);
    }
    *ret_value = read_word(cursor, ",\"");
    return true;
}

/* --- What the parameters mean --- */

/* https://HOST[:PORT] and what follows it, which comes back in ret_rest, inside `text`. */
static bool read_url(struct bytes value, char text[LONGEST_URL], struct place *ret_place,
                     const char **ret_rest)
{
    if (value.size == 0 || value.size >= LONGEST_URL || memchr(value.data, 0, value.size) != NULL) {
        return false;
    }
    memcpy(text, value.data, value.size);
    text[value.size] = 0;
    return place_parse(text, ret_place, ret_rest);
}

static bool is_tenant(const char *text, size_t size)
{
    static const char *const nobodys[] = {"common", "organizations", "consumers"};

    if (size == 0 || size >= TENANT_SIZE || text[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < sizeof nobodys / sizeof nobodys[0]; i++) {
        if (size == strlen(nobodys[i]) && strncasecmp(text, nobodys[i], size) == 0) {
            return false;
        }
    }
    return strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-") >= size;
}

static void read_authority(const struct parameters *parameters, struct vault_challenge *challenge)
{
    struct bytes value = parameters->authorization;
    char text[LONGEST_URL];
    struct place place;
    const char *rest;
    size_t size;

    if (value.size == 0) {
        value = parameters->authorization_uri;
    }
    if (challenge->authority.host[0] != 0 || !read_url(value, text, &place, &rest)) {
        return;
    }
    challenge->authority = place;
    size = *rest == '/' ? strcspn(rest + 1, "/?#") : 0;
    if (is_tenant(rest + 1, size)) {
        memcpy(challenge->tenant, rest + 1, size);
    }
}

/* A resource is an address without a path; a scope is that and "/.default". */
static void read_resource(const struct parameters *parameters, struct vault_challenge *challenge)
{
    struct bytes value = parameters->scope.size != 0 ? parameters->scope : parameters->resource;
    char text[LONGEST_URL];
    struct place place;
    const char *rest;

    if (challenge->resource.host[0] == 0 && read_url(value, text, &place, &rest) &&
        (strcmp(rest, "") == 0 || strcmp(rest, "/") == 0 || strcmp(rest, "/.default") == 0 ||
         strcmp(rest, "//.default") == 0)) {
        challenge->resource = place;
    }
}

/* Standard base64 with its padding, which nothing else here uses; both alphabets are taken. */
static CK_RV decode_base64(struct bytes value, struct buffer *ret_text)
{
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(2 * CLAIMS_LIMIT);
    CK_RV rv;

    while (value.size > 0 && value.data[value.size - 1] == '=') {
        value.size--;
    }
    rv = buffer_append(&text, value.data, value.size);
    for (size_t i = 0; rv == CKR_OK && i < text.size; i++) {
        if (text.data[i] == 0) {
            return CKR_DATA_INVALID;
        }
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    }
    return rv == CKR_OK ? base64url_decode(buffer_text(&text), ret_text) : rv;
}

static void read_claims(const struct parameters *parameters, struct vault_challenge *challenge)
{
    cJSON *object SCOPED(json_free_scoped) = NULL;

    if (challenge->claims.size != 0 || decode_base64(parameters->claims, &challenge->claims) != CKR_OK) {
        return;
    }
    object = json_parse(buffer_bytes(&challenge->claims));
    if (object == NULL) {
        buffer_clear(&challenge->claims);
    }
}

/* A challenge for claims names an authority of nobody's ("common"): nothing else of it is read. */
static void read_parameters(const struct parameters *parameters, struct vault_challenge *challenge)
{
    if (is_word(parameters->error, "insufficient_claims")) {
        read_claims(parameters, challenge);
        return;
    }
    read_authority(parameters, challenge);
    read_resource(parameters, challenge);
}

static void read_line(struct bytes line, struct vault_challenge *challenge)
{
    struct cursor cursor = {line.data, line.data + line.size};
    struct parameters parameters = {.authorization = {NULL, 0}};
    struct bytes word, value;
    bool bearer = false;

    while (read_next(&cursor, &word, &value)) {
        if (value.data != NULL) {
            if (bearer) {
                keep(&parameters, word, value);
            }
            continue;
        }
        read_parameters(&parameters, challenge);
        memset(&parameters, 0, sizeof parameters);
        bearer = is_word(word, "Bearer");
    }
    read_parameters(&parameters, challenge);
}

bool vault_challenge_read(struct bytes values, struct vault_challenge *ret_challenge)
{
    memset(ret_challenge, 0, sizeof *ret_challenge);
    ret_challenge->claims.limit = CLAIMS_LIMIT;
    while (values.size != 0) {
        const unsigned char *end = memchr(values.data, '\n', values.size);
        size_t size = end == NULL ? values.size : (size_t)(end - values.data);

        read_line(bytes_of(values.data, size), ret_challenge);
        size += end != NULL;
        values = bytes_of(values.data + size, values.size - size);
    }
    return ret_challenge->authority.host[0] != 0 || ret_challenge->resource.host[0] != 0 ||
           ret_challenge->claims.size != 0;
}

void vault_challenge_done(struct vault_challenge *challenge)
{
    buffer_free(&challenge->claims);
}
