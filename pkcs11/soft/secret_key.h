/*
 * A secret key that lives here: made by C_CreateObject, C_GenerateKey or C_UnwrapKey, held in locked pages.
 * Constant once made, so any thread may read it.
 */
#ifndef BYOK_PKCS11_SOFT_SECRET_KEY_H
#define BYOK_PKCS11_SOFT_SECRET_KEY_H

#include "backends/base/secret.h"
#include "backends/key_service.h"
#include "pkcs11/soft/attribute.h"

enum secret_flag {
    SECRET_SENSITIVE = 1 << 0,
    SECRET_EXTRACTABLE = 1 << 1,
    SECRET_PRIVATE = 1 << 2,
    SECRET_ENCRYPT = 1 << 3,
    SECRET_DECRYPT = 1 << 4,
    SECRET_WRAP = 1 << 5,
    SECRET_UNWRAP = 1 << 6,
    SECRET_SIGN = 1 << 7,
    SECRET_VERIFY = 1 << 8,
    SECRET_DERIVE = 1 << 9,
    SECRET_WRAP_WITH_TRUSTED = 1 << 10,
    SECRET_DESTROYABLE = 1 << 11,
    SECRET_GENERATED = 1 << 12 /* made here: LOCAL, and what follows from it */
};

enum secret_source { SECRET_CREATED, SECRET_MADE_HERE, SECRET_UNWRAPPED };

struct secret_key {
    CK_KEY_TYPE type; /* CKK_AES or CKK_GENERIC_SECRET */
    unsigned flags;   /* enum secret_flag */
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
MUST_USE CK_RV secret_key_new(enum secret_source source, CK_KEY_TYPE type, const CK_ATTRIBUTE *list,
                              CK_ULONG count, struct secret_key **ret_key);
void secret_key_free(struct secret_key *key);

/* Whether a value of `size` bytes makes a key of this type, and is what the template wanted. */
bool secret_key_takes(const struct secret_key *key, size_t size);

/* What it answers for one attribute. */
struct attribute_value secret_key_attribute(const struct secret_key *key, CK_ATTRIBUTE_TYPE type);

/* CKA_ALLOWED_MECHANISMS; none named: all. */
bool secret_key_allows(const struct secret_key *key, CK_MECHANISM_TYPE mechanism);

static inline void secret_key_free_scoped(struct secret_key **key)
{
    secret_key_free(*key);
}

#endif
