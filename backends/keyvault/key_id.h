/*
 * Where a vault is and what a key of it is called: https://HOST[:PORT] and
 * https://HOST[:PORT]/keys/NAME[/VERSION]. The same rules for what the configuration says and for what the
 * service answers.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_KEY_ID_H
#define BYOK_BACKENDS_KEYVAULT_KEY_ID_H

#include "backends/key_service.h"

enum { HOST_NAME_SIZE = 256 };

struct place {
    char host[HOST_NAME_SIZE]; /* lower case; an IPv6 address in its brackets */
    unsigned port;             /* 443 where none is written */
};

struct key_id {
    struct place place;
    char name[KEY_NAME_SIZE];
    char version[KEY_VERSION_SIZE]; /* "": none */
};

/*
 * Reads "https://HOST[:PORT]" from the beginning of `url`; what follows it ("", "/...", "?...") comes back in
 * ret_rest, which points into `url`. False for any other scheme, user names, bad ports.
 */
bool place_parse(const char *url, struct place *ret_place, const char **ret_rest);
bool place_equal(const struct place *a, const struct place *b);
/* An address of this machine itself: localhost, 127.x.x.x, ::1. */
bool place_is_loopback(const struct place *place);

/* 1 to 127 letters, digits and hyphens. */
bool key_name_valid(const char *name);
/* 32 lower-case hexadecimal digits, as the service makes them. */
bool key_version_valid(const char *version);
/* False where `text` is no key identifier. */
bool key_id_parse(const char *text, struct key_id *ret_id);
/* The same for what lies beside the keys, in another collection of the vault. */
#define KEYS         "/keys/"
#define CERTIFICATES "/certificates/"
bool key_id_parse_in(const char *text, const char *collection, struct key_id *ret_id);
/* Names of keys differ in more than case. */
bool key_name_equal(const char *a, const char *b);

#endif
