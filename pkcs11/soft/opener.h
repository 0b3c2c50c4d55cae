/*
 * How a value was opened, so that it can be opened again: the wrapped blob and the mechanism. By a key of the
 * service, or by one that lives here. Constant and counted; nothing in it is secret.
 */
#ifndef BYOK_PKCS11_SOFT_OPENER_H
#define BYOK_PKCS11_SOFT_OPENER_H

#include "pkcs11/soft/key_value.h"
#include "pkcs11/soft/mechanism.h"
#include "pkcs11/soft/service_key.h"

struct cipher_set;

struct opener;

/* `first`: bytes that RSA opens, the whole blob but under CKM_RSA_AES_KEY_WRAP. NULL: no memory. */
struct opener *opener_new(const struct mechanism *mechanism, const struct mechanism_parameter *parameter,
                          struct bytes blob, size_t first);
struct opener *opener_hold(struct opener *opener);
/* NULL is allowed in both. */
void opener_unhold(struct opener *opener);

/* What it came by, for the record of its use. */
CK_MECHANISM_TYPE opener_mechanism(const struct opener *opener);
struct bytes opener_blob(const struct opener *opener);

/* The service, and one version of its key. */
struct opener_place {
    struct key_access *access;
    struct service_key *key;
    const char *version; /* "": the service has no versions */
};

/* One request to that very version. ret_value must be empty. */
MUST_USE CK_RV opener_ask(const struct opener *opener, const struct opener_place *place,
                          struct deadline deadline, struct secret *ret_value,
                          struct service_answer *ret_answer);
/* Fresh bytes under the public part of that version, for the same padding. CKR_DATA_INVALID: it is not known. */
MUST_USE CK_RV opener_make(const struct opener *like, const struct opener_place *place,
                           struct opener **ret_opener);

/* What the service gave becomes the value: under CKM_RSA_AES_KEY_WRAP it opens the rest. Takes `given`. */
MUST_USE CK_RV opener_finish(const struct opener *opener, struct cipher_set *ciphers, struct secret *given,
                             struct secret *ret_value);
/* The whole of it by a key that lives here, whose value is entered. */
MUST_USE CK_RV opener_open_here(const struct opener *opener, struct cipher_set *ciphers,
                                const struct key_value *kek, struct secret *ret_value);

static inline void opener_unhold_scoped(struct opener **opener)
{
    opener_unhold(*opener);
}

#endif
