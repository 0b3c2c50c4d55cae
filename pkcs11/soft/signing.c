/* What is signed: data as it came, its digest, or its HMAC. */
#include "pkcs11/soft/signing.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/operation.h"
#include <string.h>

void signing_init(struct signing *signing, bool verify)
{
    memset(signing, 0, sizeof *signing);
    signing->verify = verify;
    signing->input.limit = LONGEST_BLOB;
    signing->signature.limit = LONGEST_BLOB;
}

static void wipe_signing(struct signing *signing)
{
    if (signing->parted && signing->hashing != NULL) {
        EVP_MD_CTX_reset(signing->hashing);
    }
    EVP_MAC_CTX_free(signing->mac);
    buffer_free(&signing->input);
    buffer_free(&signing->signature);
    signing->mac = NULL;
    value_use_end(&signing->use);
}

void signing_cancel(struct signing *signing)
{
    if (value_use_is_over(&signing->use)) {
        wipe_signing(signing);
        signing->use.cancelled = true;
    }
}

void signing_end(struct signing *signing)
{
    wipe_signing(signing);
    signing->mechanism = NULL;
    signing->parted = false;
    signing->whole = false;
    signing->done = false;
}

void signing_done(struct signing *signing)
{
    signing_end(signing);
    EVP_MD_CTX_free(signing->hashing);
    signing->hashing = NULL;
}

CK_RV signing_check_input(const struct signing *signing, struct bytes input)
{
    switch (signing->how.scheme) {
    case SIGNATURE_PSS:
        return input.size == hash_size(signing->how.hash) ? CKR_OK : CKR_DATA_LEN_RANGE;
    case SIGNATURE_ECDSA:
        return input.size != 0 ? CKR_OK : CKR_DATA_LEN_RANGE;
    case SIGNATURE_PKCS1:
        break;
    }
    return CKR_OK;
}

/* Whether the mechanism hashes; where it does not, what is signed is collected. */
static bool hashes(const struct signing *signing)
{
    return signing->mechanism->how.hash != HASH_NONE;
}

CK_RV signing_begin(struct hmac_set *hmacs, struct signing *signing, const struct object *key)
{
    if (signing->mechanism->family == FAMILY_HMAC) {
        EVP_MAC_CTX_free(signing->mac);
        signing->mac = NULL;
        return hmac_begin(hmacs, &key->local->value->macs, signing->how.hash,
                          secret_bytes(&key->local->value->secret), &signing->mac);
    }
    return hashes(signing) ? hash_begin(&signing->hashing, signing->how.hash) : CKR_OK;
}

CK_RV signing_add(struct signing *signing, struct bytes in)
{
    if (signing->mac != NULL) {
        return hmac_add(signing->mac, in);
    }
    return hashes(signing) ? hash_add(signing->hashing, in)
                           : buffer_append(&signing->input, in.data, in.size);
}

static CK_RV feed_end(struct signing *signing, const struct object *key, unsigned char digest[LONGEST_HASH],
                      struct bytes *ret_input)
{
    *ret_input = bytes_of(digest, hash_size(signing->how.hash));
    return signing->mac != NULL ? hmac_end(&signing->mac, &key->local->value->macs, digest)
                                : hash_end(signing->hashing, digest);
}

CK_RV signing_whole(struct hmac_set *hmacs, struct signing *signing, const struct object *key,
                    struct bytes in, unsigned char digest[LONGEST_HASH], struct bytes *ret_input)
{
    CK_RV rv;

    if (!hashes(signing)) {
        *ret_input = in;
        return CKR_OK;
    }
    if (signing->mechanism->family == FAMILY_HMAC) {
        *ret_input = bytes_of(digest, hash_size(signing->how.hash));
        return hmac_whole(hmacs, &key->local->value->macs, signing->how.hash,
                          secret_bytes(&key->local->value->secret), in, digest);
    }
    rv = signing_begin(hmacs, signing, key);
    if (rv == CKR_OK) {
        rv = signing_add(signing, in);
    }
    return rv == CKR_OK ? feed_end(signing, key, digest, ret_input) : rv;
}

CK_RV signing_parts(struct hmac_set *hmacs, struct signing *signing, const struct object *key,
                    struct bytes *ret_input)
{
    unsigned char digest[LONGEST_HASH];
    struct bytes end;
    CK_RV rv = CKR_OK;

    if (hashes(signing) && !signing->whole) {
        if (!signing->parted) {
            rv = signing_begin(hmacs, signing, key);
        }
        if (rv == CKR_OK) {
            rv = feed_end(signing, key, digest, &end);
        }
        if (rv == CKR_OK) {
            rv = buffer_append(&signing->input, end.data, end.size);
        }
        wipe(digest, sizeof digest);
    }
    signing->whole = true;
    *ret_input = buffer_bytes(&signing->input);
    return rv;
}
