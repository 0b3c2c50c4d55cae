/*
 * One key of the service, and what is known of it: its public part, which version is in use, when the service
 * last accepted a wrap, and that it may not be asked for. Learned from answers, asked for only when needed,
 * once for all threads. Everything here may be called by all threads; no lock is held while the service is
 * asked.
 */
#ifndef BYOK_PKCS11_SOFT_SERVICE_KEY_H
#define BYOK_PKCS11_SOFT_SERVICE_KEY_H

#include "backends/base/ask_once.h"
#include "backends/key_service.h"
#include "pkcs11/soft/failure_limit.h"
#include "pkcs11/soft/public_part.h"
#include "pkcs11/soft/version_list.h"
#include "pkcs11/soft/version_memory.h"
#include <string.h>

struct catalogue;
struct lease_book;

enum wrap_place { WRAP_AUTO, WRAP_LOCAL, WRAP_SERVICE };

/* What a key must be to be used (key_policy.h). */
struct key_rules {
    unsigned min_rsa_bits; /* 0: any */
    bool in_hardware, purge_protected;
};

/* The service, how the configuration wants it used, and what is known of it as a whole. */
struct key_access {
    struct key_service *service;
    struct catalogue *keys;       /* lent: all there are */
    struct lease_book *leases;    /* lent */
    const char *label;            /* the token's, for the log */
    int64_t refresh, lease_check; /* milliseconds */
    enum wrap_place place;
    bool strict; /* policy */
    struct key_rules rules;
    atomic_uint local_bits_told;   /* key_policy.c's: of the last key that lives here and is in the log */
    const char *public_keys;       /* directory of NAME.pem; NULL: none */
    unsigned older_versions;       /* how many others than the current one are tried at most */
    struct version_memory *memory; /* of blobs; owned by the token */
    _Atomic int64_t clock_ahead;   /* seconds that the service's clock is ahead of ours */
    atomic_bool get_works;         /* a public part was given once */
    _Atomic int64_t get_refused;   /* clock_now() of the last refusal, 0: none */
};

struct service_key {
    struct key_ref ref; /* what the service is asked for; constant */
    const char *text;   /* name, or name/version for a version that stands beside the key itself; constant */
    CK_OBJECT_HANDLE public_handle, private_handle;
    CK_OBJECT_HANDLE secret_handle; /* 0: the service has no such keys */
    struct service_key *next;       /* the catalogue's */
    bool beside;                    /* found by `text` alone; the catalogue's */
    bool configured;                /* the catalogue's */
    unsigned older_configured;      /* other versions that the configuration names; constant */
    unsigned long listed;           /* number of the last listing that had it; the catalogue's */

    /* All times are of clock_now(), 0: never. */
    _Atomic unsigned aes_bits; /* of a symmetric key, 0: not known */
    _Atomic unsigned rolls;    /* how often another version came into use */
    _Atomic int64_t learned;   /* when the service last named the one in use as the latest */
    pthread_mutex_t lock;      /* for all below */
    struct ask_once asking;
    struct public_part *part;       /* NULL: not known */
    int64_t refused;                /* when the service last refused the public part */
    enum key_type type;             /* also from a listing */
    unsigned shortfalls_told;       /* key_policy.c's: what is in the log */
    size_t blob_size;               /* of a ciphertext or a signature, 0: not known */
    char version[KEY_VERSION_SIZE]; /* in use, "": not known */
    int64_t wrapped;                /* when the service last accepted a wrap under that version */
    struct failure_limit failures;  /* bad blobs under RSAES-PKCS1-v1_5 */

    struct version_list versions;              /* known ones, the one in use among them */
    struct ask_once listing;                   /* of them */
    struct failure_limit trials;               /* of versions that are not in use */
    bool doubted;                              /* the service contradicts what is known of the one in use */
    int64_t rolled;                            /* when it came into use after another */
    int64_t latest_at;                         /* when it was the latest, for certain */
    int64_t versions_listed, versions_refused; /* when a listing came, or was refused */
};

/* The key itself, or one version of it that stands `beside` it. Has no handles yet. */
MUST_USE CK_RV service_key_new(const struct key_ref *ref, bool beside, struct service_key **ret_key);
void service_key_free(struct service_key *key);

/*
 * The public part, asked for when it is not known or older than `refresh`. CKR_OK with NULL: it is not to be
 * had, for the service refuses it and no file has it. To be given back with public_part_free. The answer
 * (NULL: not wanted) is that of the request, if one was made.
 */
MUST_USE CK_RV service_key_public(struct service_key *key, struct key_access *access,
                                  struct deadline deadline, struct public_part **ret_part,
                                  struct service_answer *ret_answer);
/* What is known without asking, NULL: nothing. */
struct public_part *service_key_known(struct service_key *key);
/* The same, where it is not older than `refresh`, nor another version's than the one in use. */
struct public_part *service_key_current(struct service_key *key, const struct key_access *access);

/*
 * The same for one who asks whether the key may be used so. Where a strict policy forbids it as long as the
 * owner's choice is not known, that is asked for first.
 */
struct public_part *service_key_judged(struct service_key *key, struct key_access *access, enum key_use use,
                                       struct deadline deadline);

/* False while a refusal of the public part is fresh. */
bool service_key_tells(struct service_key *key, const struct key_access *access);

enum key_type service_key_type(struct service_key *key);
void service_key_set_type(struct service_key *key, enum key_type type);
void service_key_version(struct service_key *key, char ret_version[KEY_VERSION_SIZE]);
/* Bytes of a ciphertext or a signature, 0: not known. */
size_t service_key_blob_size(struct service_key *key);

/*
 * Where the next wrap is made. With a part: here, with it. Without: at the service.
 * CKR_KEY_FUNCTION_NOT_PERMITTED where the version is known to be disabled or outside its dates.
 */
MUST_USE CK_RV service_key_wrap_here(struct service_key *key, struct key_access *access,
                                     struct deadline deadline, struct public_part **ret_part,
                                     struct service_answer *ret_answer);
/* The same for C_Encrypt, which no lease is about: here whenever the public part can be had. */
MUST_USE CK_RV service_key_encrypt_here(struct service_key *key, struct key_access *access,
                                        struct deadline deadline, struct public_part **ret_part,
                                        struct service_answer *ret_answer);
/* What the service says of a version forbids it neither by its state nor by its dates. */
bool service_key_may_wrap(const struct public_part *part, const struct key_access *access);
/*
 * Disabled and dated versions neither wrap nor sign, whatever the service would do:
 * CKR_KEY_FUNCTION_NOT_PERMITTED. What was learned before the service began to refuse the public part is no
 * longer known: then it is the service that judges.
 */
MUST_USE CK_RV service_key_check_use(struct service_key *key, struct key_access *access,
                                     struct deadline deadline, struct service_answer *ret_answer);
/* True where the dates are known and the service's clock is outside them. */
bool service_key_outside_dates(struct service_key *key, const struct key_access *access);

/*
 * What the answer to a request that names the key as a whole, or the version it is pinned to, teaches; `blob_size`
 * 0: nothing about that.
 */
void service_key_learn(struct service_key *key, struct key_access *access,
                       const struct service_answer *answer, size_t blob_size);
/* What any answer teaches: the service's clock. */
void service_key_learn_date(struct key_access *access, const struct service_answer *answer);
/* The answer to a wrap at the service. */
void service_key_wrapped(struct service_key *key, const struct service_answer *answer);

/* Which version an answer to a request for `ref` is about; "": not told, the one in use. */
static inline const char *version_asked(const struct key_ref *ref, const struct service_answer *answer)
{
    return answer->version[0] != 0 || ref->version == NULL ? answer->version : ref->version;
}

/* The key itself is refused: to this caller, or to all. */
static inline bool service_key_is_refusal(const struct service_answer *answer)
{
    return answer->verdict == VERDICT_DISABLED || answer->verdict == VERDICT_REFUSED ||
           answer->verdict == VERDICT_GONE;
}

/* As far as both are known. */
static inline bool service_key_same_version(const char *a, const char *b)
{
    return a[0] == 0 || b[0] == 0 || strcmp(a, b) == 0;
}

/* Whether it was less than `age` ms ago; 0: never. */
static inline bool service_key_is_young(int64_t at, int64_t age)
{
    return at != 0 && clock_now() - at < age;
}

/* Milliseconds until the key may be tried again under RSAES-PKCS1-v1_5, and that it just met a bad blob. */
int64_t service_key_failure_wait(struct service_key *key);
void service_key_failed(struct service_key *key);

#endif
