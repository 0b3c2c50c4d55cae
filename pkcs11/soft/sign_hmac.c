/* HMAC by a secret key: what sign.c fed is the value already. */
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/soft.h"

/* A key for one hash alone, or for whatever is made of it. */
static bool is_for(const struct local_key *key, enum hash hash)
{
    static const CK_KEY_TYPE types[HASHES] = {
        [HASH_SHA256] = CKK_SHA256_HMAC, [HASH_SHA384] = CKK_SHA384_HMAC, [HASH_SHA512] = CKK_SHA512_HMAC};

    return key->type == CKK_GENERIC_SECRET || key->type == types[hash];
}

static CK_RV permits(const struct soft_session *session, const struct object *key,
                     const struct mechanism *mechanism, bool verify)
{
    const struct local_key *local = key->local;

    (void)session;
    if (local == NULL || local->class != CKO_SECRET_KEY || !is_for(local, mechanism->how.hash)) {
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if ((local->flags & (verify ? LOCAL_VERIFY : LOCAL_SIGN)) == 0) {
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return local_key_allows(local, mechanism->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

static size_t size_of(const struct signing *signing, const struct object *key, bool *ret_known)
{
    (void)key;
    *ret_known = true;
    return signing->mac_size;
}

static CK_RV make(struct soft_session *session, struct signing *signing, const struct object *key,
                  struct bytes input, struct bytes *ret_signature)
{
    (void)session;
    (void)key;
    *ret_signature = bytes_of(input.data, signing->mac_size);
    return CKR_OK;
}

static CK_RV check(struct soft_session *session, const struct signing *signing, const struct object *key,
                   struct bytes input, struct bytes signature)
{
    (void)session;
    (void)key;
    return bytes_equal_secret(bytes_of(input.data, signing->mac_size), signature) ? CKR_OK
                                                                                  : CKR_SIGNATURE_INVALID;
}

const struct sign_way sign_hmac = {permits, size_of, make, check};
