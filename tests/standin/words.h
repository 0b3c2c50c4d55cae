/*
 * The words of the service: what a request does, and what a caller may do or a key is for. The six operations
 * of a key come first in both lists, so that a bit of the one is a bit of the other.
 */
#ifndef STANDIN_WORDS_H
#define STANDIN_WORDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum operation {
    OPERATION_ENCRYPT,
    OPERATION_DECRYPT,
    OPERATION_SIGN,
    OPERATION_VERIFY,
    OPERATION_WRAP,
    OPERATION_UNWRAP,
    OPERATION_GET,
    OPERATION_LIST,
    OPERATION_CREATE,
    OPERATION_UPDATE,
    PERMISSIONS, /* up to here a caller may have a permission for it */
    OPERATION_VERSIONS = PERMISSIONS,
    OPERATION_TOKEN,
    OPERATION_OTHER,
    OPERATIONS,
    KEY_OPERATIONS = OPERATION_UNWRAP + 1
};

enum { ALL_KEY_OPERATIONS = (1 << KEY_OPERATIONS) - 1, ALL_PERMISSIONS = (1 << PERMISSIONS) - 1 };

/* As in a path or in GET /counts: lower case. */
const char *operation_word(enum operation operation);
/* OPERATIONS where there is no such word; letters of either case. */
enum operation operation_of(const char *word);

/* As in key_ops and access policies: wrapKey. */
const char *permission_word(enum operation operation);

/* A bit for each word of an array. False: not an array, or a word other than the first `count`. */
bool words_to_bits(const cJSON *array, unsigned count, unsigned *ret_bits);
cJSON *bits_to_words(unsigned bits);

#endif
