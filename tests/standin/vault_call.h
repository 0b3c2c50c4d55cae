/*
 * One call of the vault or the Managed HSM while their parts work on it. The two differ in shapes and words
 * only, so that each part serves both.
 */
#ifndef STANDIN_VAULT_CALL_H
#define STANDIN_VAULT_CALL_H

#include "tests/standin/answer.h"
#include "tests/standin/route.h"
#include "tests/standin/standin.h"

struct call {
    struct standin *standin;
    enum service service;   /* SERVICE_VAULT or SERVICE_MHSM */
    struct key_store *keys; /* of that service */
    const struct request *request;
    struct answer *answer;
    struct route route; /* the name as the key is stored once it was found */
    char *base;         /* https://HOST[:PORT] */
    const char *api_version;
    enum api api;
    bool preview; /* of that api-version */
    bool secure;  /* one of the secure operations: what is wrapped was made here */
    cJSON *body;  /* NULL: none, or no JSON */
};

static inline bool is_mhsm(const struct call *call)
{
    return call->service == SERVICE_MHSM;
}

/* --- The parts; each gives an answer --- */

void vault_get(struct call *call);
void vault_create(struct call *call);
void vault_import(struct call *call);
void vault_update(struct call *call);
void vault_list(struct call *call);
void vault_list_versions(struct call *call);
void vault_list_deleted(struct call *call);
void vault_list_certificates(struct call *call);
void vault_list_certificate_versions(struct call *call);
void vault_use(struct call *call);
void vault_secure_wrap(struct call *call);
void vault_secure_unwrap(struct call *call);
void vault_delete(struct call *call);
void vault_get_deleted(struct call *call);
void vault_recover(struct call *call);
void vault_purge(struct call *call);
void vault_rotate(struct call *call);
void vault_get_policy(struct call *call);
void vault_set_policy(struct call *call);
void vault_back_up(struct call *call);
void vault_restore(struct call *call);
void vault_release(struct call *call);
void vault_random(struct call *call);
void vault_attestation(struct call *call);
void vault_get_certificate(struct call *call);
void vault_get_secret(struct call *call);

/* --- Refusals: vault.c --- */

/* inner: NULL for none. Takes the message; a Managed HSM adds its Activity ID. */
void call_refuse(struct call *call, unsigned status, const char *code, const char *inner, char *message);
void call_bad_parameter(struct call *call, const char *message);
/* A 404 for /keys/NAME[/version]; version "": none. */
void call_not_found(struct call *call, const char *version);
/* With the lock. NULL: a 404 was given. */
struct key_version *call_find(struct call *call);
/* The same, and its key. */
struct key *call_find_key(struct call *call, struct key_version **ret_version);

/* --- One version: vault_attributes.c, vault_release.c. With the lock --- */

cJSON *attributes_json(const struct call *call, const struct key *key, const struct key_version *version);
/* The certificate's that goes with it. */
cJSON *certificate_attributes_json(const struct call *call, const struct key_version *version);
/* tags and managed, where they are told. */
void add_tags(cJSON *json, const struct key *key, const struct key_version *version);
/* NULL: neither nbf, exp, enabled nor exportable has a wrong type. */
const char *attributes_change(struct key_version *version, const cJSON *attributes);
/* NULL: they fit the type of key. From malloc. */
char *uses_change(struct key_version *version, const cJSON *key_ops);
/*
 * All that the body of a create, import or update says.
 * False: a 400 was given, and the version may be half changed.
 */
bool call_change(struct call *call, struct key_version *version);
bool release_change(struct call *call, struct key_version *version);

/* --- Bundles: vault_bundle.c --- */

/* A version as it was when the lock was held. */
struct snapshot {
    struct key_kind kind;
    struct keypair *pair;
    char name[KEY_NAME_SIZE], id[KEY_VERSION_SIZE];
    unsigned uses;
    cJSON *attributes;
    cJSON *tail; /* what follows them */
    cJSON *sent;
    bool as_sent;
    int64_t deleted_date, purge_date; /* 0: it is not deleted */
};

/* With the lock. */
struct snapshot snapshot_of(const struct call *call, const struct key *key,
                            const struct key_version *version);
void snapshot_done(struct snapshot *shot);
/* Without the lock: makes the key pair where that is not done yet. */
void answer_bundle(const struct call *call, struct snapshot *shot);
/* recoveryId and its dates. */
void add_deletion(const struct call *call, cJSON *json, const char *name, int64_t deleted, int64_t purge);

/* --- New versions: vault_keys.c, vault_rotate.c. With the lock --- */

/* False: a 409 or 400 was given, for the name is taken by a deleted key, or there are too many versions. */
bool call_may_add(struct call *call);
/* RSA is RSA-HSM in a Managed HSM. False: there is no such kind, for this service and api-version. */
bool call_kind(const struct call *call, const char *kty, unsigned bits, const char *crv,
               struct key_kind *ret_kind);
/* Would a new version of that kind do? False: an answer was given. */
bool call_judge_new(struct call *call, const struct key_kind *kind);
/* The newest version becomes what the request says. */
struct snapshot call_settle_new(struct call *call, struct key *key);
/* What the rotation policy of the key says of a version that was made now. */
void rotation_dates(const struct key *key, struct key_version *version);

/* --- Certificates: vault_certificate.c --- */

/* Without the lock: those of all managed keys, so that they are at hand with the lock. */
void call_make_certificates(struct call *call);
/* SHA-1, base64url, from malloc. */
char *certificate_thumbprint(const struct key *key, const struct key_version *version);

/* --- Key material from outside: vault_import.c, vault_byok.c --- */

struct material {
    EVP_PKEY *key;      /* NULL: oct */
    struct blob secret; /* of oct */
};

void material_done(struct material *material);
/* False: an answer was given. */
bool byok_open(struct call *call, const char *key_hsm, bool oct, struct material *ret_material);

#endif
