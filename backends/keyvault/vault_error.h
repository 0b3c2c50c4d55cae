/*
 * What a refusal of the key service means: one table from HTTP status, error code and verb to a verdict, a
 * CK_RV and a word of advice. Status first, then the innermost code, then the outer one; a body without the
 * service's own JSON was not written by the service, whatever its status.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_ERROR_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_ERROR_H

#include "backends/keyvault/vault_json.h"

enum vault_verb {
    VAULT_LIST = 1 << 0,
    VAULT_GET = 1 << 1,
    VAULT_WRAP = 1 << 2,
    VAULT_UNWRAP = 1 << 3,
    VAULT_ENCRYPT = 1 << 4,
    VAULT_DECRYPT = 1 << 5,
    VAULT_SIGN = 1 << 6,
    VAULT_RANDOM = 1 << 7,
    VAULT_LIST_CERTIFICATES = 1 << 8,
    VAULT_GET_CERTIFICATE = 1 << 9,
    VAULT_LIST_VERSIONS = 1 << 10
};

struct vault_ruling {
    enum service_verdict verdict;
    CK_RV rv;
    const char *advice; /* for the operator, a sentence; "" */
    bool of_version;    /* refused to this version of the key, whoever asks */
};

/* `status` is anything but 200; `error` is NULL where the body was not the service's JSON. */
struct vault_ruling vault_error_judge(enum vault_verb verb, unsigned status, const struct vault_error *error);

#endif
