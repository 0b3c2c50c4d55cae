/* The certificates. */
#include "tests/standin/tls.h"
#include "tests/standin/text.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool good;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* Without extensions and signature; valid from yesterday, for clocks differ. */
static X509 *blank(const char *name, EVP_PKEY *key)
{
    X509 *certificate = need(X509_new());
    uint64_t serial = 0;

    RAND_bytes((unsigned char *)&serial, sizeof serial);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * DAY);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(certificate, key);
    return certificate;
}

static char *take_memory(BIO *bio)
{
    char *data, *copy;
    long size = BIO_get_mem_data(bio, &data);

    copy = need(strndup(data, (size_t)size));
    BIO_free(bio);
    return copy;
}

static char *pem_of(X509 *certificate)
{
    BIO *bio = need(BIO_new(BIO_s_mem()));

    PEM_write_bio_X509(bio, certificate);
    return take_memory(bio);
}

static char *key_pem_of(EVP_PKEY *key)
{
    BIO *bio = need(BIO_new(BIO_s_mem()));

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return take_memory(bio);
}

static bool sign_authority(X509 *authority, EVP_PKEY *key)
{
    return X509_set_issuer_name(authority, X509_get_subject_name(authority)) == 1 &&
           add_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(authority, authority, NID_subject_key_identifier, "hash") &&
           X509_sign(authority, key, EVP_sha256()) > 0;
}

static bool sign_server(X509 *server, X509 *authority, EVP_PKEY *key, const char *vault_name)
{
    char *names OWNED(owned_free) =
        text("DNS:localhost,IP:127.0.0.1,DNS:%s.vault.azure.net,DNS:%s.vault.azure.cn,"
             "DNS:%s.managedhsm.azure.net,DNS:login.microsoftonline.com",
             vault_name, vault_name, vault_name);

    return X509_set_issuer_name(server, X509_get_subject_name(authority)) == 1 &&
           add_extension(server, authority, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(server, authority, NID_key_usage, "critical,digitalSignature") &&
           add_extension(server, authority, NID_ext_key_usage, "serverAuth") &&
           add_extension(server, authority, NID_subject_key_identifier, "hash") &&
           add_extension(server, authority, NID_authority_key_identifier, "keyid") &&
           add_extension(server, authority, NID_subject_alt_name, names) &&
           X509_sign(server, key, EVP_sha256()) > 0;
}

bool certificate_make(const char *vault_name, struct certificate *ret_certificate)
{
    EVP_PKEY *authority_key OWNED(free_key) = need(EVP_EC_gen("P-256"));
    EVP_PKEY *server_key OWNED(free_key) = need(EVP_EC_gen("P-256"));
    X509 *authority OWNED(free_x509) = blank("stand-in vault: throw-away CA", authority_key);
    X509 *server OWNED(free_x509) = blank("stand-in vault", server_key);

    if (!sign_authority(authority, authority_key) ||
        !sign_server(server, authority, authority_key, vault_name)) {
        return false;
    }
    *ret_certificate = (struct certificate){pem_of(authority), pem_of(server), key_pem_of(server_key)};
    return true;
}

void certificate_done(struct certificate *certificate)
{
    free(certificate->authority);
    free(certificate->server);
    free(certificate->key);
}
