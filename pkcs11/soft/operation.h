/* What a session is in the middle of: a find, and one operation each way. Guarded by the session's lock. */
#ifndef BYOK_PKCS11_SOFT_OPERATION_H
#define BYOK_PKCS11_SOFT_OPERATION_H

#include "backends/base/secret.h"
#include "backends/key_service.h"
#include "pkcs11/soft/key_value.h"
#include "pkcs11/soft/mechanism.h"
#include <openssl/evp.h>

enum {
    LONGEST_BLOB = 512,
    LONGEST_COLLECTED = 1 << 30,
    GCM_IV = 12,              /* bytes; what the service takes */
    LONGEST_ASKED = 32 * 1024 /* bytes that a symmetric key of the service is given at once */
};

/* C_FindObjectsInit found all; C_FindObjects only hands out. */
struct found {
    bool active;
    CK_ULONG began; /* the token's count of logouts then */
    CK_OBJECT_HANDLE *handles;
    size_t count, room, next;
};

struct operation {
    const struct mechanism *mechanism; /* NULL: none */
    CK_ULONG began;
    CK_OBJECT_HANDLE key;
    bool encrypt;
    bool parted; /* an Update has been made */
    enum rsa_padding padding;
    const struct kept_way *kept;   /* whose result waits where it does not fit */
    unsigned char iv[AES_IV_SIZE]; /* for the service, as the next */
    size_t iv_size;
    struct buffer aad;
    size_t tag_size;         /* AES-GCM */
    size_t held;             /* AES-CBC, ECB: bytes that the context holds back */
    uint64_t left;           /* AES-CTR: bytes until the counter overflows */
    EVP_CIPHER_CTX *context; /* kept from one operation to the next */
    bool keeps;              /* it may wait with its key for the next message */
    struct buffer collected; /* RSA: the input; AES-GCM: ciphertext not released; AES-CBC: the end of the
                                plaintext, not fetched */
    struct secret result;    /* RSA: plaintext not fetched */
    bool done;               /* the result is there, but not fetched */
    struct value_use use;    /* of the key's value */
};

void found_end(struct found *found);
MUST_USE CK_RV found_add(struct found *found, CK_OBJECT_HANDLE handle);

void operation_init(struct operation *operation, bool encrypt);
/* Wiped; the next may begin. */
void operation_end(struct operation *operation);
void operation_done(struct operation *operation);
/* Where its key has been closed: wiped, but for the fact, which the next call tells. */
void operation_cancel(struct operation *operation);

/*
 * What each function with an output does about its size: true where the caller shall go on and write `size`
 * bytes. Else *ret_rv is the answer: CKR_OK for a size query, whose length is not read, or
 * CKR_BUFFER_TOO_SMALL.
 */
bool output_fits(const CK_BYTE *out, CK_ULONG *out_size, size_t size, CK_RV *ret_rv);
/* The same where what shall be written is there already. */
CK_RV output_deliver(struct bytes from, CK_BYTE *out, CK_ULONG *out_size);

#endif
