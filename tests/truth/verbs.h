/* What our client can ask a service besides RSA's wrapping, each answer checked here with the public part. */
#ifndef TRUTH_VERBS_H
#define TRUTH_VERBS_H

#include "backends/key_service.h"

/* Signs with all algorithms: RSA's with `rsa`, EC's with one key on each curve. Requests: 9, and 4 for the keys. */
void verbs_sign(struct key_service *service, const char *rsa, const char *const curves[EC_CURVES]);

/*
 * Wraps and encrypts with a symmetric key of so many bits, whose size is told, and opens that. With
 * `padded_wrap` also what not every version knows. Requests: 8, or 10.
 */
void verbs_aes(struct key_service *service, const char *name, unsigned bits, bool padded_wrap);
/* The same where the size is not told: it is learned. Requests: 1, 2 or 3 for 256, 192, 128 bits. */
void verbs_learn(struct key_service *service, const char *name, unsigned bits);

/* 200 bytes. Requests: 2. */
void verbs_random(struct key_service *service);

/* That these are its certificates, in any order, and that they certify keys of their names. */
void verbs_certificates(struct key_service *service, const char *const *names, unsigned count);

#endif
