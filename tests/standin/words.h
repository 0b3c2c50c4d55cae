/*
 * The words of the services: what a request does, and what a caller may do or a key is for. The six
 * operations of a key come first in both lists, so that a bit of the one is a bit of the other.
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
    OPERATION_IMPORT,
    OPERATION_DELETE,
    OPERATION_RECOVER,
    OPERATION_PURGE,
    OPERATION_BACKUP,
    OPERATION_RESTORE,
    OPERATION_ROTATE,
    OPERATION_GET_POLICY, /* of rotation */
    OPERATION_SET_POLICY,
    OPERATION_RELEASE,
    OPERATION_RANDOM, /* of a Managed HSM */
    OPERATION_GET_CERTIFICATE,
    OPERATION_LIST_CERTIFICATES,
    OPERATION_GET_SECRET,
    PERMISSIONS, /* up to here a caller may have a permission for it */
    OPERATION_VERSIONS = PERMISSIONS,
    OPERATION_GET_DELETED,
    OPERATION_LIST_DELETED,
    OPERATION_ATTESTATION,
    OPERATION_SECURE_WRAP,
    OPERATION_SECURE_UNWRAP,
    OPERATION_CERTIFICATE_VERSIONS,
    OPERATION_TOKEN,
    OPERATION_OTHER,
    OPERATIONS,
    KEY_OPERATIONS = OPERATION_UNWRAP + 1
};

/* What else a key may be for; their bits follow those of the six. */
enum { USE_IMPORT = KEY_OPERATIONS, USE_EXPORT, KEY_USES };

enum { ALL_KEY_OPERATIONS = (1 << KEY_OPERATIONS) - 1, ALL_PERMISSIONS = (1 << PERMISSIONS) - 1 };

/* The api-versions in the order they came; a later one has all that an earlier one has. */
enum api {
    API_2015_06,
    API_2016_10, /* soft delete */
    API_7_0,
    API_7_1, /* recoverableDays */
    API_7_2, /* Managed HSM, oct */
    API_7_3, /* rotation, release, random bytes, exportable */
    API_7_4,
    API_7_5, /* hsmPlatform */
    API_7_6, /* attestation, HS*, CKM_AES_KEY_WRAP(_PAD) */
    API_2025_07,
    API_2026_04, /* oct in a vault, securewrapkey, key_size */
    APIS
};

/* False: no such version. */
bool api_of(const char *version, enum api *ret_api, bool *ret_preview);

/* As in a path or in GET /counts: lower case. */
const char *operation_word(enum operation operation);
/* OPERATIONS where there is no such word; letters of either case. */
enum operation operation_of(const char *word);

/* As in access policies: wrapKey. */
const char *permission_word(enum operation operation);
/* What a caller needs for it; PERMISSIONS and above: nothing but a token. */
enum operation permission_for(enum operation operation);

/* A bit for each permission of an array. False: not an array, or another word. */
bool permissions_to_bits(const cJSON *array, unsigned *ret_bits);

/* The same for key_ops. */
bool uses_to_bits(const cJSON *array, unsigned *ret_bits);
cJSON *bits_to_uses(unsigned bits);

#endif
