/* Client certificates. */
#include "tests/standin/credentials.h"
#include "tests/standin/text.h"
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

static void free_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *certificate = need(X509_new());
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"stand-in client", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    if (X509_sign(certificate, key, EVP_sha256()) <= 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static char *pem_of(X509 *certificate, EVP_PKEY *key)
{
    BIO *bio = need(BIO_new(BIO_s_mem()));
    char *data, *copy;
    long size;

    PEM_write_bio_X509(bio, certificate);
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    size = BIO_get_mem_data(bio, &data);
    copy = need(strndup(data, (size_t)size));
    BIO_free(bio);
    return copy;
}

bool client_certificate_make(EVP_PKEY *key, struct client_certificate *ret_certificate)
{
    X509 *certificate OWNED(free_x509) = certificate_of(key);
    PKCS12 *p12 =
        certificate == NULL ? NULL : PKCS12_create("", "stand-in", key, certificate, NULL, 0, 0, 0, 0, 0);
    struct client_certificate made = {0};

    if (p12 == NULL) {
        return false;
    }
    made.p12_size = i2d_PKCS12(p12, &made.p12);
    PKCS12_free(p12);
    made.pem = pem_of(certificate, key);
    *ret_certificate = made;
    return made.p12_size > 0;
}

void client_certificate_done(struct client_certificate *certificate)
{
    free(certificate->pem);
    OPENSSL_free(certificate->p12);
}
