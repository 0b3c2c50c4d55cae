/* One way to wrap and unwrap: what wrap.c asks of RSA, of AES, and of both together. */
#ifndef BYOK_PKCS11_SOFT_WRAP_H
#define BYOK_PKCS11_SOFT_WRAP_H

#include "pkcs11/soft/soft.h"

/* A call of C_WrapKey or C_UnwrapKey whose mechanism and wrapping key have been checked. */
struct wrap_call {
    struct soft_session *session;
    const struct object *kek; /* entered for the call */
    const struct mechanism *mechanism;
    const struct mechanism_parameter *parameter;
    struct wrap_trace *trace;
};

/* What is known of it afterwards, by which the value is found again. */
struct wrap_trace {
    size_t first;                   /* bytes of the blob that RSA made, 0: the whole */
    char version[KEY_VERSION_SIZE]; /* of the service's key, "": not told */
};

struct wrap_way {
    /* `key` is the value of a secret key or the PrivateKeyInfo of a private one. */
    CK_RV (*wrap)(const struct wrap_call *call, struct bytes key, CK_BYTE *out, CK_ULONG *out_size);
    /* What opened goes to ret_key->value->secret; it is judged by wrap.c. */
    CK_RV (*unwrap)(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key);
};

extern const struct wrap_way wrap_rsa, wrap_aes, wrap_rsa_aes;

/* The part of it that RSA does; `rest` is what follows that in the blob. */
static inline struct rsa_use wrap_rsa_use(const struct wrap_call *call, enum rsa_task task, struct bytes rest)
{
    return (struct rsa_use){call->session, call->kek, task, call->mechanism->type, call->parameter->padding,
                            rest,          NULL};
}

/*
 * AES key wrap with a key that is here. `mode` is CIPHER_KEY_WRAP (RFC 3394) or CIPHER_KEY_WRAP_PAD (RFC 5649);
 * an empty `iv` is the one of the RFC.
 */

enum { SEMIBLOCK = 8, LONGEST_WRAPPED = 64 * 1024 /* bytes of a key */ };

/* Bytes of the blob for a key of `size` bytes, 0: such a key cannot be wrapped. */
size_t aes_wrap_blob_size(enum cipher_mode mode, size_t size);
/* `out` has room for the blob. */
MUST_USE CK_RV aes_wrap(struct cipher_set *ciphers, enum cipher_mode mode, struct bytes kek, struct bytes iv,
                        struct bytes key, unsigned char *out);
/* CKR_WRAPPED_KEY_INVALID whatever is wrong with the blob. ret_key must be empty. */
MUST_USE CK_RV aes_unwrap(struct cipher_set *ciphers, enum cipher_mode mode, struct bytes kek,
                          struct bytes iv, struct bytes blob, struct secret *ret_key);

#endif
