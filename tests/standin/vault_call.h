/*
 * One call of the vault or the Managed HSM while their parts work on it. The two differ in shapes and words
 * only, so that each part serves both.
 */
#ifndef STANDIN_VAULT_CALL_H
#define STANDIN_VAULT_CALL_H

#include "tests/standin/answer.h"
#include "tests/standin/route.h"
#include "tests/standin/standin.h"

/* The api-versions in the order they came; a later one has all that an earlier one has. */
enum api {
    API_2015_06,
    API_2016_10, /* soft delete */
    API_7_0,
    API_7_1, /* recoverableDays */
    API_7_2, /* Managed HSM, oct */
    API_7_3, /* rotation, release, random bytes, exportable */
    API_7_4,
    API_7_5, /* hsmPlatform */
    API_7_6, /* attestation, HS*, CKM_AES_KEY_WRAP(_PAD) */
    API_2025_07,
    API_2026_04,
    APIS
};

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
    cJSON *body;  /* NULL: none, or no JSON */
};

static inline bool is_mhsm(const struct call *call)
{
    return call->service == SERVICE_MHSM;
}

/* The parts. Each gives an answer. */
void vault_get(struct call *call);
void vault_create(struct call *call);
void vault_update(struct call *call);
void vault_list(struct call *call);
void vault_list_versions(struct call *call);
void vault_use(struct call *call);

/* The words of a refusal. inner: NULL for none. Takes the message; a Managed HSM adds its Activity ID. */
void call_refuse(struct call *call, unsigned status, const char *code, const char *inner, char *message);
void call_bad_parameter(struct call *call, const char *message);
/* A 404 for /keys/NAME[/version]; version "": none. */
void call_not_found(struct call *call, const char *version);

/* With the lock. NULL: a 404 was given. */
struct key_version *call_find(struct call *call);

/* With the lock. */
cJSON *attributes_json(const struct call *call, const struct key_version *version);
/* NULL: neither nbf, exp, enabled nor exportable has a wrong type. */
const char *attributes_change(struct key_version *version, const cJSON *attributes);
/* NULL: they fit the type of key. From malloc. */
char *uses_change(struct key_version *version, const cJSON *key_ops);

#endif
