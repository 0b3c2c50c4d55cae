/* Signatures by an RSA or EC key that lives here: made and checked by libcrypto. */
#include "pkcs11/soft/key_policy.h"
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"

enum { PKCS1_OVERHEAD = 11 };

static CK_RV permits(const struct soft_session *session, const struct object *key,
                     const struct mechanism *mechanism, bool verify)
{
    const struct local_key *local = key->local;
    CK_ULONG bits = (CK_ULONG)EVP_PKEY_get_bits(local_key_pkey(local));

    if (local->type != mechanism->key_type) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (local->class != (verify ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY) ||
        !local_key_has(local, verify ? LOCAL_VERIFY : LOCAL_SIGN)) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    if (bits < mechanism->info.ulMinKeySize || bits > mechanism->info.ulMaxKeySize) {
        return CKR_KEY_SIZE_RANGE;
    }
    if (!local_key_allows(local, mechanism->type)) {
        return CKR_MECHANISM_INVALID;
    }
    return verify || local->type != CKK_RSA
               ? CKR_OK
               : key_policy_check_local(&session->token->catalogue.access, buffer_bytes(&local->label),
                                        (unsigned)bits);
}

static size_t size_of(const struct signing *signing, const struct object *key, bool *ret_known)
{
    (void)signing;
    *ret_known = true;
    return signature_size(local_key_pkey(key->local));
}

static CK_RV check_input(const struct signing *signing, const EVP_PKEY *key, struct bytes input)
{
    if (signing->how.scheme == SIGNATURE_PKCS1 && input.size > signature_size(key) - PKCS1_OVERHEAD) {
        return CKR_DATA_LEN_RANGE;
    }
    return signing_check_input(signing, input);
}

static CK_RV make(struct soft_session *session, struct signing *signing, const struct object *key,
                  struct bytes input, struct bytes *ret_signature)
{
    EVP_PKEY *pkey = local_key_pkey(key->local);
    CK_RV rv = check_input(signing, pkey, input);

    (void)session;
    if (rv == CKR_OK) {
        rv = signature_make(pkey, signing->how, input, &signing->signature);
    }
    if (rv == CKR_OK) {
        *ret_signature = buffer_bytes(&signing->signature);
    }
    return rv;
}

static CK_RV check(struct soft_session *session, const struct signing *signing, const struct object *key,
                   struct bytes input, struct bytes signature)
{
    EVP_PKEY *pkey = local_key_pkey(key->local);
    CK_RV rv = check_input(signing, pkey, input);

    (void)session;
    return rv == CKR_OK ? signature_check(pkey, signing->how, input, signature) : rv;
}

const struct sign_way sign_local = {permits, size_of, make, check};
