/*
 * Which keys of the service the owner lets be used at all (`min-rsa-bits`, `require-hsm`,
 * `require-purge-protection`): to wrap, unwrap, encrypt, decrypt and sign. A key that falls short, or does not tell,
 * is refused with CKR_KEY_FUNCTION_NOT_PERMITTED; why is in the log once for each key and reason, and in the records
 * each time. Without such rules nothing here costs a request; with them one for each key and `refresh`.
 *
 * The service has no RSA keys below 2048 bits. A ciphertext or a signature is as long as the modulus, so it tells the
 * size of the key where the service does not, and of a blob to be opened it tells that of the version that can.
 */
#ifndef BYOK_PKCS11_SOFT_KEY_POLICY_H
#define BYOK_PKCS11_SOFT_KEY_POLICY_H

#include "pkcs11/soft/service_key.h"

/*
 * The version in use; before the use, and again after one that made something, for another version may have come into
 * use. Also a failure to ask, as of a call that is neither C_WrapKey nor C_UnwrapKey; then ret_answer is of that.
 */
MUST_USE CK_RV key_policy_check(struct service_key *key, struct key_access *access, enum key_use use,
                                struct deadline deadline, struct service_answer *ret_answer);

/*
 * The same for one version that is to open something, or has; NULL: the version in use. Where it is refused ret_answer
 * says VERDICT_REFUSED; `of_version`: another version may do.
 */
MUST_USE CK_RV key_policy_check_version(struct service_key *key, struct key_access *access,
                                        const char *version, enum key_use use, struct deadline deadline,
                                        struct service_answer *ret_answer);

/* What an RSA key was given to open, or has made: its length. */
MUST_USE CK_RV key_policy_check_size(struct service_key *key, struct key_access *access, size_t size);

bool key_policy_fits(const struct key_access *access, unsigned bits);

/*
 * An RSA key that lives here: created, or unwrapped. Why it is refused is in the log, not again for the next of the
 * same size.
 */
MUST_USE CK_RV key_policy_check_local(struct key_access *access, struct bytes label, unsigned bits);

#endif
