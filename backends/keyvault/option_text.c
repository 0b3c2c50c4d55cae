/* Texts of a section. */
#include "backends/keyvault/option_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

CK_RV option_copy(const char *text, char **ret_copy)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_copy = copy;
    return CKR_OK;
}

CK_RV option_require(const struct settings *section, const char *name, const char *what,
                     const char **ret_text)
{
    const char *text = settings_text(section, name);

    if (text == NULL) {
        return settings_refuse(section, name, "%s is missing: %s", name, what);
    }
    *ret_text = text;
    return CKR_OK;
}

bool option_is_plain(const char *text)
{
    return text[0] != 0 && text[0] != '.' &&
           text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-")] == 0;
}

CK_RV option_parse_url(const char *text, struct place *ret_place, char **ret_url)
{
    size_t room = strlen(text) + sizeof "https://:65535";
    const char *rest;
    char *url;

    if (!place_parse(text, ret_place, &rest) || (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)) {
        return CKR_DATA_INVALID;
    }
    url = malloc(room);
    if (url == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (ret_place->port == 443) {
        snprintf(url, room, "https://%s", ret_place->host);
    } else {
        snprintf(url, room, "https://%s:%u", ret_place->host, ret_place->port);
    }
    *ret_url = url;
    return CKR_OK;
}

CK_RV option_read_url(const struct settings *section, const char *name, const char *text, const char *example,
                      struct place *ret_place, char **ret_url)
{
    CK_RV rv = option_parse_url(text, ret_place, ret_url);

    if (rv != CKR_DATA_INVALID) {
        return rv;
    }
    if (strncasecmp(text, "http:", 5) == 0) {
        return settings_refuse(section, name, "%s: http is not accepted, the address begins with https://",
                               name);
    }
    return settings_refuse(section, name, "%s = \"%s\" is not understood; it looks like \"%s\"", name, text,
                           example);
}
