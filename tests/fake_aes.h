/* What the key service in memory does beyond RSA and EC, where a test wants it: AES keys, random bytes. */
#ifndef BYOK_TESTS_FAKE_AES_H
#define BYOK_TESTS_FAKE_AES_H

#include "tests/fake_key_service.h"

/* Before a token is opened. */
void fake_offer_aes(struct key_service *service);
void fake_offer_random(struct key_service *service);

/* A key of 128, 192 or 256 bits; its value, for tests that compute the same. */
struct fake_version *fake_add_aes(struct key_service *service, const char *name, unsigned bits);
void fake_aes_value(const struct fake_version *version, unsigned char ret_value[32]);

/* The byte that all random ones of the service are. */
enum { FAKE_RANDOM_BYTE = 0x5a };

#endif
