/* An RSA public key as SubjectPublicKeyInfo (RFC 8017, A.1) in DER, from its numbers. */
#ifndef BYOK_BASE_RSA_INFO_H
#define BYOK_BASE_RSA_INFO_H

#include "backends/base/buffer.h"

/* n and e are big-endian, without leading zeros, of 1 to 4096 bytes. */
size_t rsa_info_size(struct bytes n, struct bytes e);
/* Writes so many bytes; ret_n and ret_e are where the two numbers stand in them. */
void rsa_info_write(struct bytes n, struct bytes e, unsigned char *to, struct bytes *ret_n,
                    struct bytes *ret_e);

#endif
