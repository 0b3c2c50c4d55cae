/*
 * Private keys out of PKCS #8. libcrypto's decoders free a copy of the DER without wiping it, so it only
 * reads the outer structure, which it wipes, and is given the numbers inside one by one, out of locked pages. An EC
 * key without its point is left to the decoders, which know how to make it.
 */
#include "pkcs11/soft/private_info.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "backends/base/secret.h"
#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

enum { RSA_NUMBERS = 8, LARGEST_NUMBER = 2048, MOST_PARAMS = RSA_NUMBERS + 1 };

static void bignum_free(BIGNUM **number)
{
    BN_clear_free(*number);
}

DEFINE_SCOPED(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* The content of the next element, which has this tag; `rest` goes on behind it. */
static bool next(struct bytes *rest, int wanted_class, int wanted_tag, struct bytes *ret_content)
{
    const unsigned char *at = rest->data;
    int tag, class, flags;
    long length;

    if (rest->size == 0 || rest->size > LONG_MAX) {
        return false;
    }
    flags = ASN1_get_object(&at, &length, &tag, &class, (long)rest->size);
    if ((flags & 0x81) != 0 || tag != wanted_tag || class != wanted_class) { /* an error, or no length */
        return false;
    }
    *ret_content = bytes_of(at, (size_t)length);
    *rest = bytes_of(at + length, rest->size - (size_t)(at - rest->data) - (size_t)length);
    return true;
}

/* What a key is made of: params that point into `numbers`. */
struct parts {
    struct secret numbers;
    size_t used;
    OSSL_PARAM params[MOST_PARAMS];
    size_t count;
};

static void parts_done(struct parts *parts)
{
    secret_free(&parts->numbers);
}

/* A number above 0, in the order of bytes that libcrypto's params have. */
static bool add_number(struct parts *parts, const char *name, struct bytes content)
{
    BIGNUM *number SCOPED(bignum_free) = NULL;
    unsigned char *to = parts->numbers.data + parts->used;

    if (content.size == 0 || content.size > LARGEST_NUMBER + 1 ||
        content.size > parts->numbers.size - parts->used) {
        return false;
    }
    number = BN_bin2bn(content.data, (int)content.size, NULL);
    if (number == NULL || BN_is_zero(number) || BN_bn2nativepad(number, to, (int)content.size) < 0) {
        return false;
    }
    parts->params[parts->count++] = OSSL_PARAM_construct_BN(name, to, content.size);
    parts->used += content.size;
    return true;
}

/* The type by its OID, as in backends/base/rsa.c: so that no engine of the host is looked up. */
static EVP_PKEY *make(const char *type, struct parts *parts)
{
    EVP_PKEY_CTX *context SCOPED(EVP_PKEY_CTX_free_scoped) =
        EVP_PKEY_CTX_new_from_name(libcrypto_context(), type, NULL);
    EVP_PKEY *key = NULL;

    parts->params[parts->count] = OSSL_PARAM_construct_end();
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parts->params) != 1) {
        return NULL;
    }
    return key;
}

/* RFC 8017, A.1.2. */
static EVP_PKEY *read_rsa(struct bytes rest)
{
    static const char *const names[RSA_NUMBERS] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    struct parts parts SCOPED(parts_done) = {.numbers = SECRET_INIT};
    struct bytes sequence, content;

    if (!next(&rest, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &sequence) || rest.size != 0 ||
        !next(&sequence, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, &content) ||
        !bytes_equal(content, bytes_of("", 1)) || secret_new(sequence.size, &parts.numbers) != CKR_OK) {
        return NULL;
    }
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        if (!next(&sequence, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, &content) || content.size == 0 ||
            (content.data[0] & 0x80) != 0 || !add_number(&parts, names[i], content)) {
            return NULL;
        }
    }
    return sequence.size == 0 ? make("1.2.840.113549.1.1.1", &parts) : NULL;
}

/* RFC 5915, 3. False where the point is not there. */
static bool read_ec_fields(struct bytes rest, struct bytes *ret_number, struct bytes *ret_point)
{
    struct bytes sequence, content;

    if (!next(&rest, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &sequence) || rest.size != 0 ||
        !next(&sequence, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, &content) ||
        !next(&sequence, V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING, ret_number)) {
        return false;
    }
    (void)next(&sequence, V_ASN1_CONTEXT_SPECIFIC, 0, &content); /* the curve once more */
    return next(&sequence, V_ASN1_CONTEXT_SPECIFIC, 1, &content) && sequence.size == 0 &&
           next(&content, V_ASN1_UNIVERSAL, V_ASN1_BIT_STRING, ret_point) && content.size == 0;
}

static EVP_PKEY *read_ec(struct bytes content, const char *curve)
{
    struct parts parts SCOPED(parts_done) = {.numbers = SECRET_INIT};
    struct bytes number, point;

    if (!read_ec_fields(content, &number, &point) || point.size < 2 || number.size == 0 ||
        secret_new(number.size + 1, &parts.numbers) != CKR_OK) {
        return NULL;
    }
    parts.params[parts.count++] =
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve, 0);
    parts.params[parts.count++] = OSSL_PARAM_construct_octet_string(
        OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)(point.data + 1), point.size - 1);
    return add_number(&parts, OSSL_PKEY_PARAM_PRIV_KEY, number) ? make("1.2.840.10045.2.1", &parts) : NULL;
}

EVP_PKEY *private_info_read(const PKCS8_PRIV_KEY_INFO *info)
{
    const X509_ALGOR *algorithm;
    const ASN1_OBJECT *type;
    const unsigned char *content;
    const void *curve;
    int size, form;
    EVP_PKEY *key = NULL;

    if (PKCS8_pkey_get0(&type, &content, &size, &algorithm, info) != 1 || size <= 0) {
        return NULL;
    }
    if (OBJ_obj2nid(type) == NID_rsaEncryption) {
        return read_rsa(bytes_of(content, (size_t)size));
    }
    X509_ALGOR_get0(NULL, &form, &curve, algorithm);
    if (OBJ_obj2nid(type) == NID_X9_62_id_ecPublicKey && form == V_ASN1_OBJECT) {
        key = read_ec(bytes_of(content, (size_t)size), OBJ_nid2sn(OBJ_obj2nid(curve)));
    }
    return key != NULL ? key : EVP_PKCS82PKEY_ex(info, libcrypto_context(), NULL);
}
