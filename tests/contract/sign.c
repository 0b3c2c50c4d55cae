/* C_Sign, C_Verify and C_Digest: what holds for a token of every kind. */
#include "tests/contract/contract.h"
#include <string.h>

static CK_BYTE data[300] = "what is signed", signature[512], other[512];
static CK_ULONG size;

static CK_RSA_PKCS_PSS_PARAMS pss_parameters = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_MECHANISM ways[] = {{CKM_SHA256_RSA_PKCS, NULL, 0},
                              {CKM_SHA512_RSA_PKCS, NULL, 0},
                              {CKM_SHA256_RSA_PKCS_PSS, &pss_parameters, sizeof pss_parameters}};
enum { WAYS = sizeof ways / sizeof ways[0] };

static CK_RV sign(CK_MECHANISM *mechanism, CK_BYTE *from, CK_ULONG length, CK_BYTE *to)
{
    CK_RV rv = p11->C_SignInit(session, mechanism, private_kek());

    size = MODULUS_SIZE;
    return rv == CKR_OK ? p11->C_Sign(session, from, length, to, &size) : rv;
}

static CK_RV verify(CK_MECHANISM *mechanism, CK_BYTE *from, CK_ULONG length, CK_ULONG signature_size)
{
    CK_RV rv = p11->C_VerifyInit(session, mechanism, public_kek());

    return rv == CKR_OK ? p11->C_Verify(session, from, length, signature, signature_size) : rv;
}

static void test_what_was_signed_is_verified(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WAYS; i++) {
        assert_rv(sign(&ways[i], data, sizeof data, signature), CKR_OK);
        assert_int_equal(size, MODULUS_SIZE);
        assert_rv(verify(&ways[i], data, sizeof data, size), CKR_OK);
        assert_rv(verify(&ways[i], data, sizeof data - 1, size), CKR_SIGNATURE_INVALID);
        assert_rv(verify(&ways[i], data, sizeof data, size - 1), CKR_SIGNATURE_LEN_RANGE);
        signature[100] ^= 1;
        assert_rv(verify(&ways[i], data, sizeof data, size), CKR_SIGNATURE_INVALID);
    }
}

/* 51 bytes, as TLS and most programs send it; SSH sends 83. */
static void test_a_digest_info_is_signed_as_if_hashed_there(void **state)
{
    static const CK_BYTE prefixes[2][19] = {{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                             0x03, 0x04, 0x02, 0x01, 5, 0, 4, 32},
                                            {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                             0x03, 0x04, 0x02, 0x03, 5, 0, 4, 64}};
    static const CK_MECHANISM_TYPE hashes[2] = {CKM_SHA256, CKM_SHA512};
    CK_MECHANISM raw = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE info[83];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        CK_MECHANISM hash = {hashes[i], NULL, 0};
        CK_ULONG length = 64;

        memcpy(info, prefixes[i], 19);
        assert_rv(p11->C_DigestInit(session, &hash), CKR_OK);
        assert_rv(p11->C_Digest(session, data, sizeof data, info + 19, &length), CKR_OK);
        assert_rv(sign(&raw, info, 19 + length, signature), CKR_OK);
        assert_rv(sign(&ways[i], data, sizeof data, other), CKR_OK);
        assert_memory_equal(signature, other, MODULUS_SIZE);
        assert_rv(verify(&raw, info, 19 + length, MODULUS_SIZE), CKR_OK);
        info[30] ^= 1;
        assert_rv(verify(&raw, info, 19 + length, MODULUS_SIZE), CKR_SIGNATURE_INVALID);
    }
}

static void test_a_digest_is_signed_by_pss(void **state)
{
    CK_MECHANISM raw = {CKM_RSA_PKCS_PSS, &pss_parameters, sizeof pss_parameters};

    (void)state;
    assert_rv(sign(&raw, data, 32, signature), CKR_OK);
    assert_rv(verify(&raw, data, 32, size), CKR_OK);
    data[31] ^= 1;
    assert_rv(verify(&raw, data, 32, size), CKR_SIGNATURE_INVALID);
}

static void test_a_signature_of_parts(void **state)
{
    (void)state;
    assert_rv(sign(&ways[0], data, sizeof data, signature), CKR_OK);
    assert_rv(p11->C_SignInit(session, &ways[0], private_kek()), CKR_OK);
    assert_rv(p11->C_SignUpdate(session, data, 100), CKR_OK);
    assert_rv(p11->C_SignUpdate(session, data + 100, sizeof data - 100), CKR_OK);
    size = sizeof other;
    assert_rv(p11->C_SignFinal(session, other, &size), CKR_OK);
    assert_memory_equal(signature, other, MODULUS_SIZE);
    assert_rv(p11->C_VerifyInit(session, &ways[0], public_kek()), CKR_OK);
    assert_rv(p11->C_VerifyUpdate(session, data, sizeof data), CKR_OK);
    assert_rv(p11->C_VerifyFinal(session, signature, size), CKR_OK);
}

static void test_sign_size_query_and_too_little(void **state)
{
    CK_OBJECT_HANDLE key = private_kek();

    (void)state;
    assert_rv(p11->C_SignInit(session, &ways[0], key), CKR_OK);
    size = 0;
    assert_rv(p11->C_Sign(session, data, sizeof data, NULL, &size), CKR_OK);
    assert_true(size >= MODULUS_SIZE);
    size = MODULUS_SIZE - 1;
    assert_rv(p11->C_Sign(session, data, sizeof data, signature, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, MODULUS_SIZE);
    assert_rv(p11->C_Sign(session, data, sizeof data, signature, &size), CKR_OK);
    assert_rv(p11->C_Sign(session, data, sizeof data, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(verify(&ways[0], data, sizeof data, MODULUS_SIZE), CKR_OK);
}

static void test_signatures_out_of_order(void **state)
{
    CK_MECHANISM none = {0x7fffffff, NULL, 0};
    CK_OBJECT_HANDLE key = private_kek(); /* SoftHSM searches for nothing while it signs */

    (void)state;
    size = sizeof signature;
    assert_rv(p11->C_Sign(session, data, 1, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_SignUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_SignFinal(session, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_Verify(session, data, 1, signature, MODULUS_SIZE), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_VerifyUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_VerifyFinal(session, signature, MODULUS_SIZE), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_DigestUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_DigestFinal(session, signature, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_SignInit(session, &none, key), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_DigestInit(session, &none), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_SignInit(session, &ways[0], key), CKR_OK);
    assert_rv(p11->C_SignInit(session, &ways[0], key), CKR_OPERATION_ACTIVE);
}

static void test_a_known_digest(void **state)
{
    static const CK_BYTE abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    CK_MECHANISM hash = {CKM_SHA256, NULL, 0};
    CK_BYTE text[] = "abc", digest[32];

    (void)state;
    assert_rv(p11->C_DigestInit(session, &hash), CKR_OK);
    assert_rv(p11->C_Digest(session, text, 3, NULL, &size), CKR_OK);
    assert_int_equal(size, 32);
    size = 31;
    assert_rv(p11->C_Digest(session, text, 3, digest, &size), CKR_BUFFER_TOO_SMALL);
    assert_rv(p11->C_Digest(session, text, 3, digest, &size), CKR_OK);
    assert_memory_equal(digest, abc, 32);
    assert_rv(p11->C_DigestInit(session, &hash), CKR_OK);
    assert_rv(p11->C_DigestUpdate(session, text, 1), CKR_OK);
    assert_rv(p11->C_DigestUpdate(session, text + 1, 2), CKR_OK);
    assert_rv(p11->C_DigestFinal(session, digest, &size), CKR_OK);
    assert_memory_equal(digest, abc, 32);
}

/* RFC 4231, test case 2, with its key made longer by zeros, which HMAC does itself. */
static void test_hmac_known_answer(void **state)
{
    static const CK_BYTE wanted[4] = {0x5b, 0xdc, 0xc1, 0x46};
    static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BYTE value[32] = "Jefe", text[] = "what do ya want for nothing?";
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class),   ATTRIBUTE(CKA_KEY_TYPE, type),
                               ATTRIBUTE(CKA_TOKEN, untruth), ATTRIBUTE(CKA_VALUE, value),
                               ATTRIBUTE(CKA_SIGN, truth),    ATTRIBUTE(CKA_VERIFY, truth)};
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(p11->C_CreateObject(session, template, 6, &key), CKR_OK);
    assert_rv(p11->C_SignInit(session, &hmac, key), CKR_OK);
    size = sizeof signature;
    assert_rv(p11->C_Sign(session, text, 28, signature, &size), CKR_OK);
    assert_int_equal(size, 32);
    assert_memory_equal(signature, wanted, sizeof wanted);
    assert_rv(p11->C_VerifyInit(session, &hmac, key), CKR_OK);
    assert_rv(p11->C_Verify(session, text, 28, signature, 32), CKR_OK);
    signature[31] ^= 1;
    assert_rv(p11->C_VerifyInit(session, &hmac, key), CKR_OK);
    assert_rv(p11->C_Verify(session, text, 28, signature, 32), CKR_SIGNATURE_INVALID);
}

static const struct CMUnitTest tests[] = {
    with_session(test_what_was_signed_is_verified),
    with_session(test_a_digest_info_is_signed_as_if_hashed_there),
    with_session(test_a_digest_is_signed_by_pss),
    with_session(test_a_signature_of_parts),
    with_session(test_sign_size_query_and_too_little),
    with_session(test_signatures_out_of_order),
    with_session(test_a_known_digest),
    with_session(test_hmac_known_answer),
};

const struct room sign_room = ROOM(tests);
