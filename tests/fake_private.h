/* What the rooms of the key service in memory share: its state, and how a request begins. */
#ifndef BYOK_TESTS_FAKE_PRIVATE_H
#define BYOK_TESTS_FAKE_PRIVATE_H

#include "tests/fake_key_service.h"
#include <pthread.h>

enum { MOST_KEYS = 2100, MOST_VERSIONS = 8, MOST_NAMED = 8, MOST_CERTIFICATES = 8, MOST_DER = 2048 };

struct held_version {
    struct fake_version open;
    EVP_PKEY *pair; /* lent by `pairs`; NULL: an EC key that tells nothing */
};

struct held_key {
    char name[KEY_NAME_SIZE];
    unsigned count;
    struct held_version version[MOST_VERSIONS]; /* the last is the newest */
};

struct held_certificate {
    char name[KEY_NAME_SIZE], key_name[KEY_NAME_SIZE];
    unsigned char der[MOST_DER];
    size_t size;
};

struct fake {
    struct key_service base;
    struct key_service_ops ops;
    pthread_mutex_t lock;
    struct held_key key[MOST_KEYS];
    size_t key_count;
    char named[MOST_NAMED][KEY_NAME_SIZE + KEY_VERSION_SIZE];
    char named_name[MOST_NAMED][KEY_NAME_SIZE];
    size_t named_count;
    struct fake_rule rule[FAKE_VERBS];
    int64_t delay[FAKE_VERBS];
    unsigned count[FAKE_VERBS];
    int64_t clock_ahead;
    unsigned versions_made;
    struct held_certificate certificate[MOST_CERTIFICATES];
    size_t certificate_count;
    unsigned char last_blob[512]; /* that was to be unwrapped */
    size_t last_blob_size;
};

static inline struct fake *fake_of(struct key_service *service)
{
    return (struct fake *)service;
}

/* By enum fake_verb; `use` 0: none of a key. */
extern const struct fake_verb_row {
    unsigned use;
    CK_RV gone, bad_blob;
    bool seals;
} fake_verbs[FAKE_VERBS];

/* Counts the request and waits; CKR_OK where the verb works. */
CK_RV fake_begin(struct fake *fake, enum fake_verb verb, struct deadline deadline,
                 struct service_answer *answer);
CK_RV fake_refuse(struct service_answer *answer, enum service_verdict verdict, unsigned status, CK_RV rv);
struct held_key *fake_key_locked(struct fake *fake, const char *name);
struct held_version *fake_version_locked(struct fake *fake, const struct key_ref *ref);
/* The key for a verb, or the service's refusal. */
CK_RV fake_choose_locked(struct fake *fake, enum fake_verb verb, const struct key_ref *ref,
                         EVP_PKEY **ret_pair, struct service_answer *answer);

/* fake_verbs.c */
CK_RV fake_wrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                struct bytes key, struct deadline deadline, struct buffer *ret_blob,
                struct service_answer *ret_answer);
CK_RV fake_unwrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                  struct bytes blob, struct deadline deadline, struct secret *ret_key,
                  struct service_answer *ret_answer);
CK_RV fake_encrypt_there(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                         struct bytes plain, struct deadline deadline, struct buffer *ret_blob,
                         struct service_answer *ret_answer);
CK_RV fake_decrypt(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                   struct bytes blob, struct deadline deadline, struct secret *ret_plain,
                   struct service_answer *ret_answer);
CK_RV fake_sign(struct key_service *service, const struct key_ref *ref, enum signature_algorithm algorithm,
                struct bytes digest, struct deadline deadline, struct buffer *ret_signature,
                struct service_answer *ret_answer);

/* fake_certificates.c */
CK_RV fake_each_certificate(struct key_service *service, struct deadline deadline,
                            certificate_name_visitor *visit, void *arg, struct service_answer *ret_answer);
CK_RV fake_certificate(struct key_service *service, const char *name, struct deadline deadline,
                       certificate_visitor *visit, void *arg, struct service_answer *ret_answer);

#endif
