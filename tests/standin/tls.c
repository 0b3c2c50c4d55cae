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

/* Without extensions and signature. The days are counted from now. */
static X509 *blank(const char *name, EVP_PKEY *key, int from_day, int to_day)
{
    X509 *certificate = need(X509_new());
    uint64_t serial = 0;

    RAND_bytes((unsigned char *)&serial, sizeof serial);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), (long)from_day * DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)to_day * DAY);
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

/* --- The authority --- */

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static void authority_done(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}

static bool authority_make(struct authority *ret_authority)
{
    EVP_PKEY *key = need(EVP_EC_gen("P-256"));
    X509 *certificate = blank("stand-in vault: throw-away CA", key, -2, 30);

    *ret_authority = (struct authority){key, certificate};
    return sign_authority(certificate, key);
}

/* --- The servers --- */

/* A row for each profile: what its certificate is for, from which day to which, by whom, with which key. */
static const struct profile {
    const char *names; /* NULL: those of the vault */
    int from_day, to_day;
    bool by_stranger, is_rsa;
    const char *priorities;
} profiles[TLS_PROFILES] = {
#define MODERN "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
    [TLS_GOOD] = {NULL, -1, 30, false, false, MODERN}, /* from yesterday, for clocks differ */
    [TLS_WRONG_HOST] = {"DNS:other.example", -1, 30, false, false, MODERN},
    [TLS_EXPIRED] = {NULL, -2, -1, false, false, MODERN},
    [TLS_NOT_YET] = {NULL, 1, 30, false, false, MODERN},
    [TLS_UNKNOWN_CA] = {NULL, -1, 30, true, false, MODERN},
    [TLS_OLD] = {NULL, -1, 30, false, true, "NORMAL:-VERS-ALL:+VERS-TLS1.1"},
    [TLS_NO_ECDHE] = {NULL, -1, 30, false, true, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA"},
};

static bool sign_server(X509 *server, const struct authority *by, const char *names)
{
    return X509_set_issuer_name(server, X509_get_subject_name(by->certificate)) == 1 &&
           add_extension(server, by->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(server, by->certificate, NID_key_usage,
                         "critical,digitalSignature,keyEncipherment") &&
           add_extension(server, by->certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(server, by->certificate, NID_subject_key_identifier, "hash") &&
           add_extension(server, by->certificate, NID_authority_key_identifier, "keyid") &&
           add_extension(server, by->certificate, NID_subject_alt_name, names) &&
           X509_sign(server, by->key, EVP_sha256()) > 0;
}

static bool make_profile(const struct profile *profile, const char *names, EVP_PKEY *key,
                         const struct authority *by, struct certificates *made)
{
    X509 *server OWNED(free_x509) = blank("stand-in vault", key, profile->from_day, profile->to_day);

    if (!sign_server(server, by, profile->names == NULL ? names : profile->names)) {
        return false;
    }
    made->of[profile - profiles].server = pem_of(server);
    made->of[profile - profiles].key = key_pem_of(key);
    made->of[profile - profiles].priorities = profile->priorities;
    return true;
}

bool certificates_make(const char *vault_name, EVP_PKEY *rsa_key, struct certificates *ret_certificates)
{
    char *names OWNED(owned_free) =
        text("DNS:localhost,IP:127.0.0.1,DNS:%s.vault.azure.net,DNS:%s.vault.azure.cn,"
             "DNS:%s.managedhsm.azure.net,DNS:login.microsoftonline.com",
             vault_name, vault_name, vault_name);
    struct authority known OWNED(authority_done) = {0}, stranger OWNED(authority_done) = {0};
    EVP_PKEY *key OWNED(free_key) = need(EVP_EC_gen("P-256"));
    struct certificates made = {0};
    bool good = authority_make(&known) && authority_make(&stranger);

    for (unsigned i = 0; good && i < TLS_PROFILES; i++) {
        good = make_profile(&profiles[i], names, profiles[i].is_rsa ? rsa_key : key,
                            profiles[i].by_stranger ? &stranger : &known, &made);
    }
    if (!good) {
        certificates_done(&made);
        return false;
    }
    made.authority = pem_of(known.certificate);
    *ret_certificates = made;
    return true;
}

void certificates_done(struct certificates *certificates)
{
    for (unsigned i = 0; i < TLS_PROFILES; i++) {
        free(certificates->of[i].server);
        free(certificates->of[i].key);
    }
    free(certificates->authority);
}
