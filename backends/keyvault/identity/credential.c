/* Certificates and keys out of files. */
#include "backends/keyvault/identity/credential.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

DEFINE_SCOPED(BIO, BIO_vfree)
DEFINE_SCOPED(PKCS12, PKCS12_free)
DEFINE_SCOPED(X509, X509_free)

static void free_chain(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

void credential_done(struct credential *credential)
{
    X509_free(credential->certificate);
    EVP_PKEY_free(credential->key);
    *credential = (struct credential){NULL, NULL};
}

static bool refuse(const struct credential_file *file, const char *why, struct identity_failure *ret_failure)
{
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s %s", file->what, why);
}

static const char needs_password[] =
    "has a key with a password, and there is none here; write it without: openssl pkcs12 -in OLD -nodes -out NEW, "
    "or openssl pkey -in OLD, with NEW readable by its owner alone";
static const char wrong_password[] = "does not open with the password that is set";

/* --- PEM (RFC 7468) --- */

struct password {
    const char *text;
    bool asked;
};

/* OpenSSL would otherwise ask at the terminal. */
static int give_password(char *to, int size, int writing, void *arg)
{
    struct password *password = arg;
    size_t length = password->text == NULL ? 0 : strlen(password->text);

    (void)writing;
    password->asked = true;
    if (length == 0 || length > (size_t)size) {
        return -1;
    }
    memcpy(to, password->text, length);
    return (int)length;
}

static bool read_pem_key(const struct credential_file *file, struct credential *credential,
                         struct identity_failure *ret_failure)
{
    BIO *from SCOPED(BIO_vfree_scoped) = BIO_new_mem_buf(file->content.data, (int)file->content.size);
    struct password password = {.text = file->password};

    credential->key = from == NULL ? NULL
                                   : PEM_read_bio_PrivateKey_ex(from, NULL, give_password, &password,
                                                                libcrypto_context(), NULL);
    if (credential->key != NULL) {
        return true;
    }
    if (password.asked) {
        return refuse(file, file->password == NULL ? needs_password : wrong_password, ret_failure);
    }
    return refuse(file, "holds no private key that can be read: it is PEM with both, or PKCS#12",
                  ret_failure);
}

/* The next one, or NULL. */
static X509 *next_certificate(BIO *from)
{
    X509 *certificate = X509_new_ex(libcrypto_context(), NULL);
    struct password nothing = {.text = NULL};

    if (certificate != NULL && PEM_read_bio_X509(from, &certificate, give_password, &nothing) == NULL) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool read_pem(const struct credential_file *file, struct credential *credential,
                     struct identity_failure *ret_failure)
{
    BIO *from SCOPED(BIO_vfree_scoped) = BIO_new_mem_buf(file->content.data, (int)file->content.size);
    bool any = false;

    if (!file->key_elsewhere && !read_pem_key(file, credential, ret_failure)) {
        return false;
    }
    while (from != NULL && credential->certificate == NULL) {
        X509 *certificate SCOPED(X509_free_scoped) = next_certificate(from);

        if (certificate == NULL) {
            return refuse(file, any ? "holds certificates, but none for its key" : "holds no certificate",
                          ret_failure);
        }
        any = true;
        if (credential->key == NULL || X509_check_private_key(certificate, credential->key) == 1) {
            credential->certificate = take(certificate);
        }
    }
    return from != NULL || refuse(file, "finds no memory", ret_failure);
}

/* --- PKCS#12 (RFC 7292) --- */

static bool refuse_pkcs12(const struct credential_file *file, struct identity_failure *ret_failure)
{
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) == ERR_LIB_PKCS12 && ERR_GET_REASON(error) == PKCS12_R_MAC_VERIFY_FAILURE) {
        return refuse(file, file->password == NULL ? needs_password : wrong_password, ret_failure);
    }
    return refuse(
        file,
        "is PKCS#12 that cannot be read: it is damaged, or made with old ciphers (RC2, 40 bits); make it "
        "anew with a current tool",
        ret_failure);
}

/* Our context is the thread's, for what PKCS12_parse cannot be told. */
static bool read_pkcs12(const struct credential_file *file, struct credential *credential,
                        struct identity_failure *ret_failure)
{
    const unsigned char *at = file->content.data;
    PKCS12 *bag SCOPED(PKCS12_free_scoped) = d2i_PKCS12(NULL, &at, (long)file->content.size);
    STACK_OF(X509) * chain SCOPED(free_chain) = NULL;

    if (bag == NULL) {
        return refuse(file, "is neither PEM nor PKCS#12", ret_failure);
    }
    if (PKCS12_parse(bag, file->password, &credential->key, &credential->certificate, &chain) != 1) {
        return refuse_pkcs12(file, ret_failure);
    }
    if (file->key_elsewhere && credential->certificate == NULL) {
        credential->certificate = sk_X509_shift(chain);
    }
    if (!file->key_elsewhere && credential->key == NULL) {
        return refuse(file, "holds no private key", ret_failure);
    }
    return credential->certificate != NULL || refuse(file, "holds no certificate for its key", ret_failure);
}

/* --- Either --- */

static bool is_pem(struct bytes content)
{
    return memmem(content.data, content.size, "-----BEGIN ", 11) != NULL;
}

static bool is_rsa(const EVP_PKEY *key)
{
    return key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));
}

static bool read_either(const struct credential_file *file, struct credential *credential,
                        struct identity_failure *ret_failure)
{
    bool read = is_pem(file->content) ? read_pem(file, credential, ret_failure)
                                      : read_pkcs12(file, credential, ret_failure);

    if (read && !is_rsa(X509_get0_pubkey(credential->certificate))) {
        return refuse(file, "holds a certificate whose key is not RSA; the service takes RSA alone",
                      ret_failure);
    }
    return read;
}

bool credential_read(const struct credential_file *file, struct credential *ret_credential,
                     struct identity_failure *ret_failure)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("a certificate and its key");
    struct credential credential SCOPED(credential_done) = {NULL, NULL};
    OSSL_LIB_CTX *before;
    bool read;

    if (file->content.size == 0) {
        return refuse(file, "is empty", ret_failure);
    }
    if (libcrypto_enter(&before) != CKR_OK) {
        return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the certificate");
    }
    read = read_either(file, &credential, ret_failure);
    libcrypto_leave(before);
    if (read) {
        *ret_credential = credential;
        credential = (struct credential){NULL, NULL};
    }
    return read;
}
