/*
 * A key service in memory: tests all of pkcs11/soft without network. Real RSA and EC (OpenSSL's own), versions,
 * permissions; each verb counts its requests and can be made to refuse, fail or take long. May be changed
 * while other threads use it.
 */
#ifndef BYOK_TESTS_FAKE_KEY_SERVICE_H
#define BYOK_TESTS_FAKE_KEY_SERVICE_H

#include "backends/key_service.h"

enum fake_verb {
    FAKE_LIST,
    FAKE_GET,
    FAKE_WRAP,
    FAKE_UNWRAP,
    FAKE_ENCRYPT,
    FAKE_DECRYPT,
    FAKE_SIGN,
    FAKE_RANDOM,
    FAKE_LIST_CERTIFICATES,
    FAKE_GET_CERTIFICATE,
    FAKE_LIST_VERSIONS,
    FAKE_VERBS
};

/* What a verb answers instead of working; verdict NONE: it works. */
struct fake_rule {
    enum service_verdict verdict;
    CK_RV rv;
    unsigned status;
};

extern const struct fake_rule fake_refused;     /* no permission */
extern const struct fake_rule fake_gone;        /* 404 */
extern const struct fake_rule fake_unreachable; /* 503 */

/* Free for tests to change: fake_version() gives the newest of a key. */
struct fake_version {
    char version[KEY_VERSION_SIZE];
    bool enabled;
    bool uses_known;
    unsigned uses;
    int64_t created, not_before, expires;
    enum told in_hardware, purge_protected;
    unsigned aes_bits;     /* 0: not an AES key (fake_aes.h) */
    struct fake_rule rule; /* what it answers instead of working, whatever the verb */
    unsigned asked;        /* requests that chose it, refused ones too */
};

struct key_service *fake_key_service_new(void);

/* Named by the configuration: "name" or "name/version". Before a token is opened. */
void fake_configure(struct key_service *service, const char *text);
/*
 * A new version of a key, which is made where there is none. `bits` 256, 384, 521: an EC key; 0: an EC key that
 * does not tell its public part.
 */
struct fake_version *fake_add(struct key_service *service, const char *name, unsigned bits);
/* A new version with the numbers of one that is there: a key that was imported again. */
struct fake_version *fake_repeat(struct key_service *service, const char *name, unsigned index);
struct fake_version *fake_version(struct key_service *service, const char *name);
/* One of them, from the oldest (0) up; NULL: there is none. */
struct fake_version *fake_version_at(struct key_service *service, const char *name, unsigned index);
void fake_remove(struct key_service *service, const char *name);

void fake_rule(struct key_service *service, enum fake_verb verb, struct fake_rule rule);
void fake_delay(struct key_service *service, enum fake_verb verb, int64_t milliseconds);
/* Seconds that its clock is ahead of ours. */
void fake_clock(struct key_service *service, int64_t ahead);

/* For verbs of other files: counts one, and its refusal; ret_version (NULL: not wanted) is a copy. */
CK_RV fake_request(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                   struct deadline deadline, struct fake_version *ret_version, struct service_answer *answer);
CK_RV fake_refuse_blob(enum fake_verb verb, struct service_answer *answer);
struct key_service_ops *fake_ops(struct key_service *service);

unsigned fake_count(struct key_service *service, enum fake_verb verb);
unsigned fake_count_all(struct key_service *service);

/* Encrypts under the newest version, as a client of the service would: no request. */
void fake_encrypt(struct key_service *service, const char *name, enum rsa_padding padding, struct bytes plain,
                  struct buffer *ret_blob);

/* The same under any version. */
void fake_encrypt_at(struct key_service *service, const char *name, unsigned index, enum rsa_padding padding,
                     struct bytes plain, struct buffer *ret_blob);

/* A certificate, or a newer version of one; `key_name` NULL: not told. `der` is copied, whatever it is. */
void fake_add_certificate(struct key_service *service, const char *name, const char *key_name,
                          struct bytes der);
/* The same, signed by the key of that name itself. */
void fake_certify(struct key_service *service, const char *key_name);

/* Both halves of the newest version, lent. */
EVP_PKEY *fake_pair(struct key_service *service, const char *name);

/* Whether this is the blob that it was last asked to unwrap. */
bool fake_unwrapped_last(struct key_service *service, struct bytes blob);

#endif
