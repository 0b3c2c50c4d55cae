/*
 * A secret key that lives here: made by C_CreateObject, C_GenerateKey or C_UnwrapKey, held in locked pages.
 * Constant once made, so any thread may read it.
 */
#ifndef BYOK_PKCS11_SOFT_LOCAL_KEY_H
#define BYOK_PKCS11_SOFT_LOCAL_KEY_H

#include "backends/base/secret.h"
#include "backends/key_service.h"
#include "pkcs11/soft/attribute.h"

enum local_flag {
    LOCAL_SENSITIVE = 1 << 0,
    LOCAL_EXTRACTABLE = 1 << 1,
    LOCAL_PRIVATE = 1 << 2,
    LOCAL_ENCRYPT = 1 << 3,
    LOCAL_DECRYPT = 1 << 4,
    LOCAL_WRAP = 1 << 5,
    LOCAL_UNWRAP = 1 << 6,
    LOCAL_SIGN = 1 << 7,
    LOCAL_VERIFY = 1 << 8,
    LOCAL_DERIVE = 1 << 9,
    LOCAL_WRAP_WITH_TRUSTED = 1 << 10,
    LOCAL_DESTROYABLE = 1 << 11,
    LOCAL_GENERATED = 1 << 12 /* made here: LOCAL, and what follows from it */
};

enum local_source { LOCAL_CREATED, LOCAL_MADE_HERE, LOCAL_UNWRAPPED };

struct local_key {
    CK_KEY_TYPE type; /* CKK_AES or CKK_GENERIC_SECRET */
    unsigned flags;   /* enum local_flag */
    struct secret value;
    CK_ULONG wanted_size; /* what the template said, 0: nothing */
    CK_MECHANISM_TYPE made_by;
    struct buffer label, id, mechanisms, start, end;
    char opened_by[KEY_VERSION_SIZE]; /* the version of the service's key that opened it, "": none */
    char unique_id[32];
};

/*
 * Reads a template; the key has no value yet, except one that is created. `type` is what a mechanism makes,
 * CK_UNAVAILABLE_INFORMATION: the template must say. Everything that the standard has for a bad template;
 * true for CKA_TOKEN is CKR_TOKEN_WRITE_PROTECTED.
 */
MUST_USE CK_RV local_key_new(enum local_source source, CK_KEY_TYPE type, const CK_ATTRIBUTE *list,
                             CK_ULONG count, struct local_key **ret_key);
void local_key_free(struct local_key *key);

/* Whether a value of `size` bytes makes a key of this type, and is what the template wanted. */
bool local_key_takes(const struct local_key *key, size_t size);

/* What it answers for one attribute. */
struct attribute_value local_key_attribute(const struct local_key *key, CK_ATTRIBUTE_TYPE type);

/* CKA_ALLOWED_MECHANISMS; none named: all. */
bool local_key_allows(const struct local_key *key, CK_MECHANISM_TYPE mechanism);

static inline void local_key_free_scoped(struct local_key **key)
{
    local_key_free(*key);
}

#endif
