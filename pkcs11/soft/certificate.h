/*
 * One X.509 certificate, and what PKCS#11 calls its parts (2.40, 4.6.3). Constant once made; shared by whoever
 * needs it at the moment.
 */
#ifndef BYOK_PKCS11_SOFT_CERTIFICATE_H
#define BYOK_PKCS11_SOFT_CERTIFICATE_H

#include "backends/base/buffer.h"
#include <stdatomic.h>

enum { LONGEST_CERTIFICATE = 64 * 1024 };

/* All in DER, owned. */
struct certificate {
    atomic_uint holders;
    struct buffer der, subject, issuer, serial, info; /* Name, Name, INTEGER, SubjectPublicKeyInfo */
};

/* Held once. CKR_DATA_INVALID where it is no certificate, or more than one. */
MUST_USE CK_RV certificate_new(struct bytes der, struct certificate **ret_certificate);
/* NULL is allowed in both. */
struct certificate *certificate_hold(struct certificate *certificate);
void certificate_free(struct certificate *certificate);

static inline void certificate_free_scoped(struct certificate **certificate)
{
    certificate_free(*certificate);
}

#endif
