/* Key pairs on demand. */
#include "tests/standin/keypair.h"
#include "tests/standin/text.h"
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CACHED_PAIRS = 32 }; /* of one kind; more than this only a test that makes keys by the dozen uses */

struct keypair {
    struct key_kind kind;
    unsigned index;
    bool is_plain; /* of two primes */
    const char *cache;
    pthread_mutex_t lock; /* guards key */
    EVP_PKEY *key;
};

bool key_kind_is_rsa(const struct key_kind *kind)
{
    return strncmp(kind->kty, "RSA", 3) == 0;
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
    static const char *const types[] = {"RSA", "RSA-HSM", "EC", "EC-HSM", NULL};
    static const char *const curves[] = {"P-256", "P-384", "P-521", NULL};
    struct key_kind kind = {.bits = bits == 0 ? 2048 : bits};

    crv = crv == NULL ? "P-256" : crv;
    if (!known(kty, types)) {
        return false;
    }
    strcpy(kind.kty, kty);
    if (!key_kind_is_rsa(&kind)) {
        if (!known(crv, curves)) {
            return false;
        }
        kind.bits = 0;
        strcpy(kind.crv, crv);
    } else if (kind.bits != 2048 && kind.bits != 3072 && kind.bits != 4096) {
        return false;
    }
    *ret_kind = kind;
    return true;
}

struct keypair *keypair_new(const struct key_kind *kind, unsigned index, const char *cache)
{
    struct keypair *pair = need(calloc(1, sizeof *pair));

    *pair = (struct keypair){.kind = *kind, .index = index, .cache = cache};
    if (!key_kind_is_rsa(kind) || index >= CACHED_PAIRS) {
        pair->cache = NULL;
    }
    pthread_mutex_init(&pair->lock, NULL);
    return pair;
}

struct keypair *keypair_new_plain(unsigned index, const char *cache)
{
    struct keypair *pair = keypair_new(&(struct key_kind){.kty = "RSA", .bits = 2048}, index, cache);

    pair->is_plain = true;
    return pair;
}

void keypair_free(struct keypair *pair)
{
    if (pair != NULL) {
        pthread_mutex_destroy(&pair->lock);
        EVP_PKEY_free(pair->key);
        free(pair);
    }
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
    return key_kind_is_rsa(&pair->kind) ? generate_rsa(pair->kind.bits, primes_of(pair))
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

void keypair_prepare(struct keypair *pair)
{
    if (pair->cache != NULL) {
        keypair_key(pair);
    }
}
