/* What the tests of signatures share. */
#include "pkcs11/soft/soft.h"

#include "tests/pkcs11/soft/sign_test.h"
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <string.h>

static CK_RSA_PKCS_PSS_PARAMS pss_parameters[3] = {
    {CKM_SHA256, CKG_MGF1_SHA256, 32}, {CKM_SHA384, CKG_MGF1_SHA384, 48}, {CKM_SHA512, CKG_MGF1_SHA512, 64}};
CK_MECHANISM pss[3] = {{CKM_RSA_PKCS_PSS, &pss_parameters[0], sizeof pss_parameters[0]},
                       {CKM_RSA_PKCS_PSS, &pss_parameters[1], sizeof pss_parameters[1]},
                       {CKM_RSA_PKCS_PSS, &pss_parameters[2], sizeof pss_parameters[2]}};

#define EC_WAYS(key)                                                                                         \
    {key, {CKM_ECDSA_SHA256, NULL, 0}, {SIGNATURE_ECDSA, HASH_SHA256}},                                      \
        {key, {CKM_ECDSA_SHA384, NULL, 0}, {SIGNATURE_ECDSA, HASH_SHA384}},                                  \
    {                                                                                                        \
        key, {CKM_ECDSA_SHA512, NULL, 0},                                                                    \
        {                                                                                                    \
            SIGNATURE_ECDSA, HASH_SHA512                                                                     \
        }                                                                                                    \
    }

const struct hashing_way hashing_ways[HASHING_WAYS] = {
    {"kek", {CKM_SHA256_RSA_PKCS, NULL, 0}, {SIGNATURE_PKCS1, HASH_SHA256}},
    {"kek", {CKM_SHA384_RSA_PKCS, NULL, 0}, {SIGNATURE_PKCS1, HASH_SHA384}},
    {"kek", {CKM_SHA512_RSA_PKCS, NULL, 0}, {SIGNATURE_PKCS1, HASH_SHA512}},
    {"kek", {CKM_SHA256_RSA_PKCS_PSS, &pss_parameters[0], 24}, {SIGNATURE_PSS, HASH_SHA256}},
    {"kek", {CKM_SHA384_RSA_PKCS_PSS, &pss_parameters[1], 24}, {SIGNATURE_PSS, HASH_SHA384}},
    {"kek", {CKM_SHA512_RSA_PKCS_PSS, &pss_parameters[2], 24}, {SIGNATURE_PSS, HASH_SHA512}},
    EC_WAYS("p256"),
    EC_WAYS("p384"),
    EC_WAYS("p521"),
};

int sign_setup(void **state)
{
    static const struct {
        const char *name;
        unsigned bits;
    } keys[] = {{"p256", 256}, {"p384", 384}, {"p521", 521}};

    if (soft_begin(state) != 0) {
        return -1;
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        fake_add(fake, keys[i].name, keys[i].bits);
        fake_configure(fake, keys[i].name);
    }
    soft_open("");
    return 0;
}

static struct service_key *key_named(const char *name)
{
    struct service_key *key = catalogue_find(&((struct soft_token *)token)->catalogue, bytes_of_text(name));

    assert_non_null(key);
    return key;
}

CK_OBJECT_HANDLE signer(const char *name)
{
    return key_named(name)->private_handle;
}

CK_OBJECT_HANDLE verifier(const char *name)
{
    return key_named(name)->public_handle;
}

struct bytes digest_of(enum hash hash, struct bytes data, unsigned char room[LONGEST_HASH])
{
    assert_int_equal(EVP_Q_digest(NULL, hash_word(hash), NULL, data.data, data.size, room, NULL), 1);
    return bytes_of(room, hash_size(hash));
}

size_t digest_info_of(enum hash hash, struct bytes data, unsigned char to[128])
{
    unsigned char prefix[] = {0x30, 0,    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                              0x65, 0x03, 0x04, 0x02, 0,    5,    0,    4,    0},
                  digest[LONGEST_HASH];
    size_t size = hash_size(hash);

    prefix[1] = (unsigned char)(17 + size);
    prefix[14] = (unsigned char)(hash - HASH_SHA256 + 1);
    prefix[18] = (unsigned char)size;
    memcpy(to, prefix, sizeof prefix);
    memcpy(to + sizeof prefix, digest_of(hash, data, digest).data, size);
    return sizeof prefix + size;
}

static CK_BYTE *unlocked(struct bytes data)
{
    return (CK_BYTE *)(uintptr_t)data.data;
}

CK_RV sign_with(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct bytes data,
                unsigned char signature[MOST_SIGNATURE], CK_ULONG *ret_size)
{
    CK_RV rv = CALL(sign_init, mechanism, key);

    *ret_size = MOST_SIGNATURE;
    return rv == CKR_OK ? CALL(sign, unlocked(data), data.size, signature, ret_size) : rv;
}

CK_RV verify_with(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct bytes data, struct bytes signature)
{
    CK_RV rv = CALL(verify_init, mechanism, key);

    return rv == CKR_OK ? CALL(verify, unlocked(data), data.size, unlocked(signature), signature.size) : rv;
}

static size_t to_der(struct bytes signature, unsigned char der[160])
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    int half = (int)signature.size / 2;
    int size;

    ECDSA_SIG_set0(both, BN_bin2bn(signature.data, half, NULL), BN_bin2bn(signature.data + half, half, NULL));
    size = i2d_ECDSA_SIG(both, &der);
    ECDSA_SIG_free(both);
    return (size_t)size;
}

bool is_good(const char *key, struct signature_way how, struct bytes data, struct bytes signature)
{
    EVP_PKEY *pair = fake_pair(fake, key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    unsigned char der[160];
    bool good;

    if (how.scheme == SIGNATURE_ECDSA) {
        assert_int_equal(signature.size, 2 * (((size_t)EVP_PKEY_get_bits(pair) + 7) / 8));
        signature = bytes_of(der, to_der(signature, der));
    }
    assert_int_equal(EVP_DigestVerifyInit_ex(context, &settings, hash_word(how.hash), NULL, NULL, pair, NULL),
                     1);
    if (how.scheme == SIGNATURE_PSS) {
        EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
    }
    good = EVP_DigestVerify(context, signature.data, signature.size, data.data, data.size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}
