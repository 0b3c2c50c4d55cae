/*
 * What a session is in the middle of between C_MessageEncryptInit and C_MessageEncryptFinal (PKCS#11 3.0, 5.9 and
 * 5.11), and what message.c asks of AES-GCM. Guarded by the session's lock.
 */
#ifndef BYOK_PKCS11_SOFT_MESSAGE_H
#define BYOK_PKCS11_SOFT_MESSAGE_H

#include "pkcs11/soft/object.h"
#include "pkcs11/soft/operation.h"

struct messaging {
    struct operation operation; /* key, direction, context, parts; its `iv` and `aad` are the message's */
    bool open;                  /* a message has begun and not ended */
    size_t iv_size;             /* bytes: what it began with */
    uint64_t counted;           /* IVs that the counter has given out */
    unsigned char base[LONGEST_GCM_IV];
    size_t base_size; /* bytes: the IV that the counter is XORed with; 0: not told yet */
};

struct soft_session;

/* Of one message that is whole, or one that comes in parts; the key is entered for the call. */
struct message {
    struct soft_session *session;
    struct messaging *messaging;
    const struct object *key;
    const struct gcm_message_params *parameter; /* checked; iv and tag are the application's memory */
};

/* An IV where one is to be generated, and the associated data. */
MUST_USE CK_RV message_begin(const struct message *message, struct bytes aad);
/* Bytes that a part gives out; the last one gives what was kept back. */
size_t message_part_size(const struct message *message, size_t size, bool last);
/* `out` has room for them. The last one writes the tag, or checks it: CKR_AEAD_DECRYPT_FAILED. */
MUST_USE CK_RV message_part(const struct message *message, struct bytes in, bool last, unsigned char *out);

/* The IV for the next message, in the place where the application wants it. CKR_TOKEN_RESOURCE_EXCEEDED. */
MUST_USE CK_RV message_iv(struct messaging *messaging, const struct gcm_message_params *parameter);

#endif
