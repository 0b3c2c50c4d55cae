/* Vault addresses and key identifiers, taken apart strictly. */
#include "backends/keyvault/key_id.h"
#include <string.h>
#include <strings.h>

static const char letters_digits_hyphen[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
static const char hexadecimal[] = "0123456789abcdef";

enum { HTTPS_PORT = 443, HIGHEST_PORT = 65535, VERSION_LENGTH = 32 };

static size_t host_length(const char *text)
{
    const char *end;

    if (*text == '[') {
        end = text + 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return *end == ']' ? (size_t)(end + 1 - text) : 0;
    }
    for (end = text; *end != 0 && (*end == '.' || strchr(letters_digits_hyphen, *end) != NULL); end++) {
    }
    return (size_t)(end - text);
}

static bool read_port(const char **text, unsigned *ret_port)
{
    unsigned port = 0;
    const char *at = *text;

    if (*at != ':') {
        *ret_port = HTTPS_PORT;
        return true;
    }
    for (at++; *at >= '0' && *at <= '9' && port <= HIGHEST_PORT; at++) {
        port = port * 10 + (unsigned)(*at - '0');
    }
    if (port == 0 || port > HIGHEST_PORT) {
        return false;
    }
    *text = at;
    *ret_port = port;
    return true;
}

bool place_parse(const char *url, struct place *ret_place, const char **ret_rest)
{
    static const char scheme[] = "https://";
    struct place place = {.port = 0};
    size_t length;

    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    url += sizeof scheme - 1;
    length = host_length(url);
    if (length == 0 || length >= sizeof place.host) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        place.host[i] = url[i] >= 'A' && url[i] <= 'Z' ? (char)(url[i] - 'A' + 'a') : url[i];
    }
    url += length;
    if (!read_port(&url, &place.port) || strchr("/?#", *url) == NULL) {
        return false;
    }
    *ret_place = place;
    *ret_rest = url;
    return true;
}

bool place_equal(const struct place *a, const struct place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool place_is_loopback(const struct place *place)
{
    return strcmp(place->host, "localhost") == 0 || strcmp(place->host, "[::1]") == 0 ||
           (strncmp(place->host, "127.", 4) == 0 && place->host[strspn(place->host, "0123456789.")] == 0);
}

bool key_name_valid(const char *name)
{
    size_t length = strspn(name, letters_digits_hyphen);

    return length > 0 && length < KEY_NAME_SIZE && name[length] == 0;
}

bool key_version_valid(const char *version)
{
    return strspn(version, hexadecimal) == VERSION_LENGTH && version[VERSION_LENGTH] == 0;
}

/* One segment of a path into `to`; what follows it, or NULL where it is empty or too long. */
static const char *read_segment(const char *from, char *to, size_t room)
{
    size_t length = strcspn(from, "/");

    if (length == 0 || length >= room) {
        return NULL;
    }
    memcpy(to, from, length);
    to[length] = 0;
    return from + length;
}

bool key_id_parse_in(const char *text, const char *collection, struct key_id *ret_id)
{
    size_t length = strlen(collection);
    struct key_id id = {.version = ""};
    const char *rest;

    if (!place_parse(text, &id.place, &rest) || strncasecmp(rest, collection, length) != 0) {
        return false;
    }
    rest = read_segment(rest + length, id.name, sizeof id.name);
    if (rest == NULL || !key_name_valid(id.name)) {
        return false;
    }
    if (*rest == '/') {
        rest = read_segment(rest + 1, id.version, sizeof id.version);
        if (rest == NULL || *rest != 0 || !key_version_valid(id.version)) {
            return false;
        }
    }
    *ret_id = id;
    return true;
}

bool key_id_parse(const char *text, struct key_id *ret_id)
{
    return key_id_parse_in(text, KEYS, ret_id);
}

bool key_name_equal(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}
