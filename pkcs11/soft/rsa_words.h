/* What C_WrapKey, C_UnwrapKey, C_Encrypt and C_Decrypt call the same things under RSA; for rsa*.c. */
#ifndef BYOK_PKCS11_SOFT_RSA_WORDS_H
#define BYOK_PKCS11_SOFT_RSA_WORDS_H

#include "pkcs11/soft/soft.h"

/* By enum rsa_task. */
extern const struct rsa_words {
    const char *operation; /* in records */
    enum key_use use;
    CK_RV other_type; /* the key is not RSA */
    CK_RV too_long;   /* the plaintext, for this key */
    CK_RV bad_blob;
    CK_RV bad_size; /* of the key itself */
    CK_RV gone;     /* the service has no such key */
} rsa_words[];

/* The one record of a call, however many requests it took. */
MUST_USE CK_RV rsa_record(const struct rsa_use *use, struct bytes blob, const struct service_answer *answer,
                          int64_t began, CK_RV rv);

#endif
