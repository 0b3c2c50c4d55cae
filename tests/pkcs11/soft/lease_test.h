/* What the tests of leases share: a data key under "kek", a way to use it, and a service that says no. */
#ifndef BYOK_TESTS_LEASE_TEST_H
#define BYOK_TESTS_LEASE_TEST_H

#include "tests/pkcs11/soft/soft_test.h"

extern const struct fake_rule works, disabled, gone, no_caller;

/* 16 bytes under the newest version of "kek", made without a request; it is unwrapped by one. */
CK_OBJECT_HANDLE data_key(void);
/* The same of a blob that is there. */
void data_blob(unsigned char blob[512], CK_ULONG *ret_size);
CK_OBJECT_HANDLE data_key_of(unsigned char *blob, CK_ULONG size);

/* The same bytes for HMAC. */
CK_OBJECT_HANDLE leased_mac_key(void);

/* C_EncryptInit and C_Encrypt with AES-GCM; the code of the first that fails. */
CK_RV use(CK_OBJECT_HANDLE key);
CK_RV use_in(struct token_session *in, CK_OBJECT_HANDLE key);

/* Another verb is refused, so the next use asks the service. */
void make_check_due(void);

/* Disables "kek", and has this key find out. */
void close_by(CK_OBJECT_HANDLE key);

/* Uses the key until it is told `wanted`, at most some seconds; milliseconds that it took. */
int64_t use_until(CK_OBJECT_HANDLE key, CK_RV wanted);

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
/* As if all that has happened to the token's leases had been so much earlier. */
void age_leases(int64_t milliseconds);
/* Past the pause between two attempts the key works. */
void opens(CK_OBJECT_HANDLE key);

/* Requests to unwrap so far. */
unsigned asked(void);
void pass_time(int64_t milliseconds);

#define answering(rule) fake_rule(fake, FAKE_UNWRAP, (rule))

#endif
