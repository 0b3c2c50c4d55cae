/*
 * What C_GetOperationState has given away: copies of digests. libcrypto does not tell what is in a digest, so the copy
 * stays here, and the application gets a ticket for it, of use in this process and with this token, as often as it
 * likes: until the token has given away so many others, or somebody logs out.
 */
#ifndef BYOK_PKCS11_SOFT_DIGEST_STATE_H
#define BYOK_PKCS11_SOFT_DIGEST_STATE_H

#include <pthread.h>

enum { DIGEST_STATES = 256, DIGEST_TICKET = 16 /* bytes */ };

struct saved_digest;

struct digest_states {
    pthread_mutex_t lock; /* never held while libcrypto is called */
    struct saved_digest *saved[DIGEST_STATES];
    unsigned next; /* the oldest, or NULL yet */
};

void digest_states_init(struct digest_states *states);
void digest_states_done(struct digest_states *states);

#endif
