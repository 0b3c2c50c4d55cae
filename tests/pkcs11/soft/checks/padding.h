/* Blocks with one thing wrong, under the public key of "kek" without any padding: what an attacker sends. */
#ifndef BYOK_TESTS_SOFT_PADDING_H
#define BYOK_TESTS_SOFT_PADDING_H

#include "tests/pkcs11/soft/checks/checks.h"

enum { BLOCK = 256 };

/* The numbers of "kek": 2048 bits, with the highest bit set. */
struct buffer modulus_of_kek(void);
/* block^e mod n; the block, as a number, is less than the modulus. */
struct buffer sealed_raw(const unsigned char block[BLOCK]);

/* Malformed RSAES-PKCS1-v1_5 (RFC 8017, 7.2.2, step 3): what each does wrong is its name. */
enum { PKCS1_CLASSES = 6 };
void pkcs1_block(unsigned malformed, unsigned char ret_block[BLOCK]);
/* Well-formed, with this message. */
void pkcs1_good(struct bytes message, unsigned char ret_block[BLOCK]);

/* The same for RSAES-OAEP with SHA-1 (7.1.2, step 3). */
enum { OAEP_CLASSES = 5 };
void oaep_block(unsigned malformed, unsigned char ret_block[BLOCK]);
void oaep_good(struct bytes message, unsigned char ret_block[BLOCK]);

#endif
