/* What the tests of signatures share: keys of the service, calls in one line, and OpenSSL to judge. */
#ifndef BYOK_TESTS_SOFT_SIGN_TEST_H
#define BYOK_TESTS_SOFT_SIGN_TEST_H

#include "backends/base/hash.h"
#include "backends/base/signature.h"
#include "tests/pkcs11/soft/soft_test.h"

enum { MOST_SIGNATURE = 512 };

/* A fake with the keys "kek" (RSA) and "p256", "p384", "p521", all configured; and the token over it. */
int sign_setup(void **state);
#define with_signers(test) cmocka_unit_test_setup_teardown(test, sign_setup, soft_end)

/* The private and the public object of a key of the service; costs no request. */
CK_OBJECT_HANDLE signer(const char *name);
CK_OBJECT_HANDLE verifier(const char *name);

extern CK_MECHANISM pss[3]; /* CKM_RSA_PKCS_PSS with SHA-256, SHA-384, SHA-512 */

/* A mechanism that hashes, and how it signs. */
struct hashing_way {
    const char *key;
    CK_MECHANISM mechanism;
    struct signature_way how;
};
extern const struct hashing_way hashing_ways[];
enum { HASHING_WAYS = 6 + 9 };

/* The DigestInfo of `hash` over the digest of `data`; its size. */
size_t digest_info_of(enum hash hash, struct bytes data, unsigned char to[128]);
struct bytes digest_of(enum hash hash, struct bytes data, unsigned char room[LONGEST_HASH]);

/* C_SignInit and C_Sign, C_VerifyInit and C_Verify; what the first of them refuses is the answer. */
CK_RV sign_with(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct bytes data,
                unsigned char signature[MOST_SIGNATURE], CK_ULONG *ret_size);
CK_RV verify_with(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct bytes data, struct bytes signature);

/* What OpenSSL says of it, under the public half of a key of the service; `data` is not yet hashed. */
bool is_good(const char *key, struct signature_way how, struct bytes data, struct bytes signature);

#endif
