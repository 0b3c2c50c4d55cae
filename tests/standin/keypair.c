/* Key pairs on demand. */
#include "tests/standin/keypair.h"
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CACHED_PAIRS = 32 }; /* of one kind; more than this only a test that makes keys by the dozen uses */

struct keypair {
    unsigned users;
    struct key_kind kind;
    unsigned index;
    bool is_plain; /* of two primes */
    const char *cache;
    struct blob secret;   /* of oct */
    pthread_mutex_t lock; /* guards the rest */
    EVP_PKEY *key;
    struct blob certificate;
};

/* --- Kinds --- */

bool key_kind_is_rsa(const struct key_kind *kind)
{
    return strncmp(kind->kty, "RSA", 3) == 0;
}

bool key_kind_is_ec(const struct key_kind *kind)
{
    return strncmp(kind->kty, "EC", 2) == 0;
}

bool key_kind_is_oct(const struct key_kind *kind)
{
    return strncmp(kind->kty, "oct", 3) == 0;
}

bool key_kind_is_hsm(const struct key_kind *kind)
{
    return strstr(kind->kty, "-HSM") != NULL;
}

static bool known(const char *word, const char *const *list)
{
    while (*list != NULL && strcmp(*list, word) != 0) {
        list++;
    }
    return *list != NULL;
}

bool key_kind_set(const char *kty, unsigned bits, const char *crv, struct key_kind *ret_kind)
{
    static const char *const types[] = {"RSA", "RSA-HSM", "EC", "EC-HSM", "oct-HSM", NULL};
    static const char *const curves[] = {"P-256", "P-384", "P-521", "P-256K", NULL};
    struct key_kind kind = {.bits = 0};

    if (!known(kty, types)) {
        return false;
    }
    strcpy(kind.kty, kty);
    if (key_kind_is_ec(&kind)) {
        crv = crv == NULL ? "P-256" : crv;
        if (!known(crv, curves)) {
            return false;
        }
        strcpy(kind.crv, crv);
    } else if (key_kind_is_rsa(&kind)) {
        kind.bits = bits == 0 ? 2048 : bits;
        if (kind.bits != 2048 && kind.bits != 3072 && kind.bits != 4096) {
            return false;
        }
    } else {
        kind.bits = bits == 0 ? 256 : bits;
        if (kind.bits != 128 && kind.bits != 192 && kind.bits != 256) {
            return false;
        }
    }
    *ret_kind = kind;
    return true;
}

/* The service's name of OpenSSL's curve. */
static const char *curve_of(EVP_PKEY *key)
{
    static const struct {
        const char *group, *crv;
    } curves[] = {
        {"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}, {"secp256k1", "P-256K"}};
    char group[32];
    size_t size;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) {
        return "";
    }
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        if (strcmp(curves[i].group, group) == 0) {
            return curves[i].crv;
        }
    }
    return "";
}

bool key_kind_of(const char *kty, EVP_PKEY *key, const struct blob *secret, struct key_kind *ret_kind)
{
    if (key == NULL) {
        return strncmp(kty, "oct", 3) == 0 && key_kind_set(kty, (unsigned)secret->size * 8, NULL, ret_kind);
    }
    if (EVP_PKEY_is_a(key, "RSA")) {
        return strncmp(kty, "RSA", 3) == 0 &&
               key_kind_set(kty, (unsigned)EVP_PKEY_get_bits(key), NULL, ret_kind);
    }
    return EVP_PKEY_is_a(key, "EC") && strncmp(kty, "EC", 2) == 0 &&
           key_kind_set(kty, 0, curve_of(key), ret_kind);
}

/* --- Pairs --- */

struct keypair *keypair_of(EVP_PKEY *key, const struct blob *secret)
{
    struct keypair *pair = need(calloc(1, sizeof *pair));

    *pair = (struct keypair){.users = 1, .key = key};
    if (secret != NULL) {
        pair->secret = *secret;
    }
    pthread_mutex_init(&pair->lock, NULL);
    return pair;
}

struct keypair *keypair_new(const struct key_kind *kind, unsigned index, const char *cache)
{
    struct keypair *pair = keypair_of(NULL, NULL);

    pair->kind = *kind;
    pair->index = index;
    if (key_kind_is_oct(kind)) {
        pair->secret = (struct blob){need(malloc(kind->bits / 8)), kind->bits / 8};
        RAND_bytes(pair->secret.data, (int)pair->secret.size);
    }
    if (key_kind_is_rsa(kind) && index < CACHED_PAIRS) {
        pair->cache = cache;
    }
    return pair;
}

struct keypair *keypair_new_plain(unsigned index, const char *cache)
{
    struct keypair *pair = keypair_new(&(struct key_kind){.kty = "RSA", .bits = 2048}, index, cache);

    pair->is_plain = true;
    return pair;
}

struct keypair *keypair_ref(struct keypair *pair)
{
    pair->users++;
    return pair;
}

void keypair_free(struct keypair *pair)
{
    if (pair == NULL || --pair->users > 0) {
        return;
    }
    pthread_mutex_destroy(&pair->lock);
    EVP_PKEY_free(pair->key);
    free(pair->secret.data);
    free(pair->certificate.data);
    free(pair);
}

/*
 * As many as OpenSSL allows: to the outside an RSA key as any, and made in a tenth of the time. But not for a
 * cached key of 2048 bits, which is made once and used often: OpenSSL's code for three primes of that length
 * is slow, so it takes 1.1 ms to open a blob instead of 0.25.
 */
static unsigned primes_of(const struct keypair *pair)
{
    bool plain = pair->is_plain || (pair->kind.bits == 2048 && pair->cache != NULL);

    return plain ? 2 : pair->kind.bits < 4096 ? 3 : 4;
}

static EVP_PKEY *generate_rsa(unsigned bits, unsigned primes)
{
    EVP_PKEY_CTX *context = need(EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL));
    EVP_PKEY *key = NULL;

    if (EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_primes(context, (int)primes) == 1) {
        EVP_PKEY_generate(context, &key);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *generate(const struct keypair *pair)
{
    return key_kind_is_rsa(&pair->kind)            ? generate_rsa(pair->kind.bits, primes_of(pair))
           : strcmp(pair->kind.crv, "P-256K") == 0 ? EVP_EC_gen("secp256k1")
                                                   : EVP_EC_gen(pair->kind.crv);
}

static EVP_PKEY *read_cached(const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key;

    if (file == NULL) {
        return NULL;
    }
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return key;
}

/* Whole or not at all: ten programs may be doing the same. */
static void write_cached(const char *path, EVP_PKEY *key)
{
    char *partial OWNED(owned_free) = text("%s.%ld", path, (long)getpid());
    int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool good;

    if (file == NULL) {
        return;
    }
    good = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (fclose(file) != 0 || !good || rename(partial, path) != 0) {
        unlink(partial);
    }
}

static EVP_PKEY *make(const struct keypair *pair)
{
    char *path OWNED(owned_free) = NULL;
    EVP_PKEY *key;

    if (pair->cache == NULL) {
        return need(generate(pair));
    }
    path = text("%srsa-%u-%u-%u.pem", pair->cache, pair->kind.bits, primes_of(pair), pair->index);
    key = read_cached(path);
    if (key == NULL) {
        key = need(generate(pair));
        write_cached(path, key);
    }
    return key;
}

EVP_PKEY *keypair_key(struct keypair *pair)
{
    EVP_PKEY *key;

    pthread_mutex_lock(&pair->lock);
    if (pair->key == NULL) {
        pair->key = make(pair);
    }
    key = pair->key;
    pthread_mutex_unlock(&pair->lock);
    return key;
}

const struct blob *keypair_secret(const struct keypair *pair)
{
    return &pair->secret;
}

/* --- Certificates --- */

static void free_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static bool set_name(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) ==
               1 &&
           X509_set_issuer_name(certificate, subject) == 1;
}

/* DER; data NULL: OpenSSL failed. */
static struct blob self_signed(EVP_PKEY *key, const char *name, int64_t from, int64_t until)
{
    X509 *certificate OWNED(free_x509) = need(X509_new());
    unsigned char *der = NULL;
    int size;

    if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), from) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until) == NULL ||
        !set_name(certificate, name) || X509_set_pubkey(certificate, key) != 1 ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        return (struct blob){NULL, 0};
    }
    size = i2d_X509(certificate, &der);
    return (struct blob){der, size < 0 ? 0 : (size_t)size};
}

const struct blob *keypair_certificate(struct keypair *pair, const char *name, int64_t from, int64_t until)
{
    EVP_PKEY *key = pair->secret.data == NULL ? keypair_key(pair) : NULL;

    pthread_mutex_lock(&pair->lock);
    if (pair->certificate.data == NULL && key != NULL) {
        pair->certificate = self_signed(key, name, from, until);
    }
    pthread_mutex_unlock(&pair->lock);
    return &pair->certificate;
}

void keypair_prepare(struct keypair *pair)
{
    if (pair->cache != NULL) {
        keypair_key(pair);
    }
}
