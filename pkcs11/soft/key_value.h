/*
 * The value of a key that lives here, and all that is made of it: shared by a key, its copies and what it was
 * before C_SetAttributeValue. Counted; wiped when the last of them is gone. Constant once it is an object's, but that a leased one is closed and
 * opened again: who reads it has entered it (lease_use.h).
 */
#ifndef BYOK_PKCS11_SOFT_KEY_VALUE_H
#define BYOK_PKCS11_SOFT_KEY_VALUE_H

#include "backends/base/secret.h"
#include "pkcs11/soft/hmac.h"
#include "pkcs11/soft/key_numbers.h"

struct leasehold;

struct key_value {
    atomic_uint holders;
    struct secret secret;       /* of a private key: PrivateKeyInfo (PKCS #8) in DER; of a public key: none */
    struct key_numbers numbers; /* private and public keys */
    struct cipher_spares spares; /* contexts that hold it: of an AES key */
    struct hmac_spares macs;     /* of others */
    size_t size;                 /* bytes of the secret of a leased value, also while it is closed */
    struct leasehold *leasehold; /* owned; NULL: it stays until it is destroyed. Constant once an object's */
};

/* Which filling of a leased value an operation goes on with. */
struct value_use {
    struct key_value *value; /* held; NULL: of a value without a lease, or none */
    unsigned long filling;
    bool cancelled; /* it has been closed, and what the operation had of it is wiped */
};

/* Nothing of it remains. */
void value_use_end(struct value_use *use);

/* Empty, with one holder; NULL: no memory. */
struct key_value *key_value_new(void);
struct key_value *key_value_hold(struct key_value *value);
/* NULL is allowed. */
void key_value_unhold(struct key_value *value);

/* Bytes of the secret. */
static inline size_t key_value_size(const struct key_value *value)
{
    return value->leasehold != NULL ? value->size : value->secret.size;
}

#endif
