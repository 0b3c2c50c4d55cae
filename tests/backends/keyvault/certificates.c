/* Certificates on the spot. */
#include "tests/backends/keyvault/certificates.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct pair pair_make(unsigned bits, int days)
{
    struct pair pair = {bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(bits), X509_new()};

    X509_set_version(pair.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(pair.certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(pair.certificate), -100L * 24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(pair.certificate), days * 24L * 3600);
    X509_set_pubkey(pair.certificate, pair.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(pair.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"client", -1, -1, 0);
    X509_set_issuer_name(pair.certificate, X509_get_subject_name(pair.certificate));
    X509_sign(pair.certificate, pair.key, EVP_sha256());
    return pair;
}

void pair_done(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
}

static char *text_of(BIO *from)
{
    char *data;
    long size = BIO_get_mem_data(from, &data);
    char *text = strndup(data, (size_t)size);

    BIO_free(from);
    return text;
}

char *pem_of_key(const struct pair *pair, const char *password)
{
    BIO *to = BIO_new(BIO_s_mem());

    PEM_write_bio_PKCS8PrivateKey(to, pair->key, password == NULL ? NULL : EVP_aes_256_cbc(), password,
                                  password == NULL ? 0 : (int)strlen(password), NULL, NULL);
    return text_of(to);
}

char *pem_of_certificate(const struct pair *pair)
{
    BIO *to = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(to, pair->certificate);
    return text_of(to);
}

unsigned char *pkcs12_of(const struct pair *pair, const struct pair *other, const char *password,
                         size_t *ret_size)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    unsigned char *der = NULL, *copy;
    PKCS12 *bag;
    int size;

    if (other != NULL) {
        sk_X509_push(chain, other->certificate);
    }
    bag = PKCS12_create(password, "client", pair->key, pair->certificate, chain, 0, 0, 0, 0, 0);
    size = i2d_PKCS12(bag, &der);
    copy = malloc((size_t)size);
    memcpy(copy, der, (size_t)size);
    OPENSSL_free(der);
    PKCS12_free(bag);
    sk_X509_free(chain);
    *ret_size = (size_t)size;
    return copy;
}
