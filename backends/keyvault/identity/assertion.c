/* Assertions, written and signed. */
#include "backends/keyvault/identity/assertion.h"
#include "backends/base/base64url.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "backends/base/uuid.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <openssl/rsa.h>
#include <time.h>

enum { LIFETIME = 10 * 60 /* seconds */, PART_LIMIT = 4096 };

DEFINE_SCOPED(EVP_MD_CTX, EVP_MD_CTX_free)

static CK_RV append_thumbprint(X509 *certificate, const char *hash, bool hex, struct buffer *to)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    size_t size = 0;
    int der_size = i2d_X509(certificate, &der);
    CK_RV rv = der_size > 0 && EVP_Q_digest(libcrypto_context(), hash, NULL, der, (size_t)der_size, digest,
                                            &size) == 1
                   ? CKR_OK
                   : CKR_FUNCTION_FAILED;

    OPENSSL_free(der);
    if (rv == CKR_OK && !hex) {
        return base64url_encode(bytes_of(digest, size), to);
    }
    for (size_t i = 0; i < size && rv == CKR_OK; i++) {
        rv = buffer_printf(to, "%02X", digest[i]);
    }
    return rv;
}

/*
 * The newer form names the certificate by SHA-256;
 * with RS256 the older one is used, which everybody takes.
 */
static CK_RV write_header(const struct assertion *assertion, struct buffer *to)
{
    bool older = assertion->algorithm == ASSERTION_RS256;
    CK_RV rv = buffer_append_text(to, older ? "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\""
                                            : "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"");

    if (rv == CKR_OK) {
        rv = append_thumbprint(assertion->certificate, older ? "SHA1" : "SHA256", false, to);
    }
    if (rv == CKR_OK && older) {
        rv = buffer_append_text(to, "\",\"kid\":\"");
    }
    if (rv == CKR_OK && older) {
        rv = append_thumbprint(assertion->certificate, "SHA1", true, to);
    }
    return rv == CKR_OK ? buffer_append_text(to, "\"}") : rv;
}

/* What is quoted here, the configuration lets consist of plain characters alone. */
static CK_RV write_claims(const struct assertion *assertion, struct buffer *to)
{
    long long now = (long long)time(NULL);
    char id[UUID_SIZE];

    return !uuid_make(id) ? CKR_RANDOM_NO_RNG
                          : buffer_printf(to,
                                          "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\","
                                          "\"nbf\":%lld,\"exp\":%lld}",
                                          assertion->audience, assertion->client_id, assertion->client_id, id,
                                          now, now + LIFETIME);
}

typedef CK_RV part_writer(const struct assertion *assertion, struct buffer *to);

static CK_RV append_part(const struct assertion *assertion, part_writer *write, struct buffer *to)
{
    struct buffer part SCOPED(buffer_free) = BUFFER_INIT(PART_LIMIT);
    CK_RV rv = write(assertion, &part);

    return rv == CKR_OK ? base64url_encode(buffer_bytes(&part), to) : rv;
}

static bool fail_to_write(CK_RV rv, struct identity_failure *ret_failure)
{
    return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                         "the assertion cannot be written (0x%lx); out of memory?", rv);
}

static bool set_algorithm(EVP_PKEY_CTX *how, enum assertion_algorithm algorithm)
{
    return algorithm == ASSERTION_RS256
               ? EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) == 1
               : EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* A key in another place may be another certificate's: the service would only say that it is wrong. */
static bool fits(const struct assertion *assertion, struct bytes text, struct bytes signature)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("verifying an assertion");
    EVP_MD_CTX *context SCOPED(EVP_MD_CTX_free_scoped) = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    bool good = context != NULL &&
                EVP_DigestVerifyInit_ex(context, &how, "SHA256", libcrypto_context(), NULL,
                                        X509_get0_pubkey(assertion->certificate), NULL) == 1 &&
                set_algorithm(how, assertion->algorithm) &&
                EVP_DigestVerify(context, signature.data, signature.size, text.data, text.size) == 1;

    return good;
}

static bool append_signature(const struct assertion *assertion, struct buffer *to,
                             struct identity_failure *ret_failure)
{
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(SIGNATURE_LIMIT);
    CK_RV rv;

    if (!assertion->sign(assertion->arg, buffer_bytes(to), &signature, ret_failure)) {
        return false;
    }
    if (!fits(assertion, buffer_bytes(to), buffer_bytes(&signature))) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "the key does not belong to the certificate");
    }
    rv = buffer_append_text(to, ".");
    if (rv == CKR_OK) {
        rv = base64url_encode(buffer_bytes(&signature), to);
    }
    return rv == CKR_OK || fail_to_write(rv, ret_failure);
}

bool assertion_write(const struct assertion *assertion, struct buffer *ret_assertion,
                     struct identity_failure *ret_failure)
{
    CK_RV rv = append_part(assertion, write_header, ret_assertion);

    if (rv == CKR_OK) {
        rv = buffer_append_text(ret_assertion, ".");
    }
    if (rv == CKR_OK) {
        rv = append_part(assertion, write_claims, ret_assertion);
    }
    return rv == CKR_OK ? append_signature(assertion, ret_assertion, ret_failure)
                        : fail_to_write(rv, ret_failure);
}

static bool sign(EVP_MD_CTX *context, EVP_PKEY *key, struct bytes text, struct buffer *ret_signature)
{
    EVP_PKEY_CTX *how;
    size_t size = SIGNATURE_LIMIT;

    return EVP_DigestSignInit_ex(context, &how, "SHA256", libcrypto_context(), NULL, key, NULL) == 1 &&
           set_algorithm(how, ASSERTION_PS256) && buffer_resize(ret_signature, size) == CKR_OK &&
           EVP_DigestSign(context, ret_signature->data, &size, text.data, text.size) == 1 &&
           buffer_resize(ret_signature, size) == CKR_OK;
}

bool assertion_sign_here(void *arg, struct bytes text, struct buffer *ret_signature,
                         struct identity_failure *ret_failure)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("signing an assertion");
    EVP_MD_CTX *context SCOPED(EVP_MD_CTX_free_scoped) = EVP_MD_CTX_new();

    if (context == NULL || !sign(context, arg, text, ret_signature)) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "the certificate's key cannot sign with RSA-PSS and SHA-256");
    }
    return true;
}
