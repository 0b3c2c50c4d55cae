/*
 * A key that lives here: a secret key, or an RSA or EC key that libcrypto works with. Made by C_CreateObject
 * (secret and public keys), C_GenerateKey (secret keys) or C_UnwrapKey (secret and private keys); what of it
 * is secret is held in locked pages. Constant once it is an object, so any thread may read it.
 */
#ifndef BYOK_PKCS11_SOFT_LOCAL_KEY_H
#define BYOK_PKCS11_SOFT_LOCAL_KEY_H

#include "backends/key_service.h"
#include "pkcs11/soft/attribute_list.h"
#include "pkcs11/soft/key_value.h"

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
    LOCAL_GENERATED = 1 << 12, /* LOCAL */
    LOCAL_SIGN_RECOVER = 1 << 13,
    LOCAL_VERIFY_RECOVER = 1 << 14,
    LOCAL_MODIFIABLE = 1 << 15,
    LOCAL_COPYABLE = 1 << 16,
    LOCAL_ALWAYS_SENSITIVE = 1 << 17,
    LOCAL_NEVER_EXTRACTABLE = 1 << 18
};

enum { LONGEST_SECRET = 4096 /* bytes of a generic secret, as the table of mechanisms says */ };

enum local_source { LOCAL_CREATED, LOCAL_MADE_HERE, LOCAL_UNWRAPPED };

struct local_key {
    CK_OBJECT_CLASS class;   /* CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY */
    CK_KEY_TYPE type;        /* CKK_AES, CKK_GENERIC_SECRET, ...; CKK_RSA or CKK_EC */
    unsigned flags;          /* enum local_flag */
    struct key_value *value; /* held once for all that it was before, too */
    CK_ULONG wanted_size;    /* what the template said, 0: nothing */
    CK_MECHANISM_TYPE made_by;
    struct buffer label, id, subject, mechanisms, start, end;
    struct attribute_list wrap_template, unwrap_template;
    enum local_source source;
    struct local_key *before; /* what it was until C_SetAttributeValue: others may still be reading it */
    unsigned changes;         /* how many of these there are */
    char opened_by[KEY_VERSION_SIZE]; /* the version of the service's key that opened it, "": none */
    char unique_id[32];
};

/*
 * Reads a template; the key has no value yet, except one that is created. `type` is what a mechanism makes,
 * CK_UNAVAILABLE_INFORMATION: the template must say, and so its class. Everything that the standard has for a
 * bad template; true for CKA_TOKEN is CKR_TOKEN_WRITE_PROTECTED.
 */
MUST_USE CK_RV local_key_new(enum local_source source, CK_KEY_TYPE type, const CK_ATTRIBUTE *list,
                             CK_ULONG count, struct local_key **ret_key);
void local_key_free(struct local_key *key);

/*
 * C_SetAttributeValue: what the key is from now on. It shares the value with `key`, which it owns once it is
 * published (ret_key->before) and which stays as it is for those who are reading it. CKR_ACTION_PROHIBITED where it is not
 * modifiable, CKR_ATTRIBUTE_READ_ONLY.
 */
MUST_USE CK_RV local_key_change(struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count,
                                struct local_key **ret_key);
/* Frees what local_key_change made, which nobody knows yet; what it was before stays. */
void local_key_unchange(struct local_key *key);
/* C_CopyObject: a key of its own, which shares the value. CKR_ACTION_PROHIBITED where it is not copyable. */
MUST_USE CK_RV local_key_copy(const struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count,
                              struct local_key **ret_key);

bool local_key_knows_type(CK_OBJECT_CLASS class, CK_KEY_TYPE type);
/* Whether a value of `size` bytes can be a key of this type, and is what the template wanted. */
bool local_key_takes(const struct local_key *key, size_t size);
/*
 * After C_UnwrapKey has put what it opened into `value`: makes a key of it, of either class.
 * CKR_WRAPPED_KEY_INVALID where it is none, or not what the template said.
 */
MUST_USE CK_RV local_key_complete(struct local_key *key);

/* For libcrypto, lent for the life of the key; NULL: a secret key. */
EVP_PKEY *local_key_pkey(const struct local_key *key);
/* Whether all these flags are set. */
bool local_key_has(const struct local_key *key, unsigned flags);
/* CKA_ALLOWED_MECHANISMS; none named: all. */
bool local_key_allows(const struct local_key *key, CK_MECHANISM_TYPE mechanism);

/*
 * CKA_UNWRAP_TEMPLATE: `list` with what it adds, to be freed with free(); values are lent by both.
 * CKR_TEMPLATE_INCONSISTENT where they differ.
 */
MUST_USE CK_RV local_key_unwrap_template(const struct local_key *kek, const CK_ATTRIBUTE *list,
                                         CK_ULONG count, CK_ATTRIBUTE **ret_items, CK_ULONG *ret_count);
/* CKA_WRAP_TEMPLATE: whether the target is what this key may wrap. */
bool local_key_may_wrap(const struct local_key *kek, const struct local_key *target);

/* What is told only by a value that is there: one that may be closed has to be entered first. */
bool local_key_is_secret(const struct local_key *key, CK_ATTRIBUTE_TYPE type);
/* What it answers for one attribute; private numbers are always sensitive here. */
struct attribute_value local_key_attribute(const struct local_key *key, CK_ATTRIBUTE_TYPE type);
/* C_GetAttributeValue for one attribute, private numbers that may be seen too. */
CK_RV local_key_copy_out(const struct local_key *key, CK_ATTRIBUTE *to);

static inline void local_key_free_scoped(struct local_key **key)
{
    local_key_free(*key);
}

#endif
