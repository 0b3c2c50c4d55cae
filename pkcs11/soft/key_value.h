/*
 * The value of a key that lives here, and all that is made of it: shared by a key, its copies and what it was
 * before C_SetAttributeValue. Counted; wiped when the last of them is gone. Constant once it is an object's.
 */
#ifndef BYOK_PKCS11_SOFT_KEY_VALUE_H
#define BYOK_PKCS11_SOFT_KEY_VALUE_H

#include "backends/base/secret.h"
#include "pkcs11/soft/cipher.h"
#include "pkcs11/soft/key_numbers.h"

struct key_value {
    atomic_uint holders;
    struct secret secret;       /* of a private key: PrivateKeyInfo (PKCS #8) in DER; of a public key: none */
    struct key_numbers numbers; /* private and public keys */
    struct cipher_spares spares; /* contexts that hold it */
};

/* Empty, with one holder; NULL: no memory. */
struct key_value *key_value_new(void);
struct key_value *key_value_hold(struct key_value *value);
/* NULL is allowed. */
void key_value_unhold(struct key_value *value);

#endif
