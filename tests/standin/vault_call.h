/* One call of the vault while its parts work on it. */
#ifndef STANDIN_VAULT_CALL_H
#define STANDIN_VAULT_CALL_H

#include "tests/standin/answer.h"
#include "tests/standin/route.h"
#include "tests/standin/standin.h"

struct call {
    struct standin *standin;
    const struct request *request;
    struct answer *answer;
    struct route route; /* the name as the key is stored once it was found */
    char *base;         /* https://HOST[:PORT] */
    const char *api_version;
    bool tells_platform; /* the api-version has attributes.hsmPlatform */
    cJSON *body;         /* NULL: none, or no JSON */
};

/* The parts. Each gives an answer. */
void vault_get(struct call *call);
void vault_create(struct call *call);
void vault_update(struct call *call);
void vault_list(struct call *call);
void vault_list_versions(struct call *call);
void vault_use(struct call *call);

/* With the lock. NULL: a 404 was given. */
struct key_version *call_find(struct call *call);
void call_bad_parameter(struct call *call, const char *message);

/* With the lock. */
cJSON *attributes_json(const struct call *call, const struct key_version *version);
/* NULL: neither nbf, exp, enabled nor exportable has a wrong type. */
const char *attributes_change(struct key_version *version, const cJSON *attributes);
/* NULL: they fit the type of key. From malloc. */
char *uses_change(struct key_version *version, const cJSON *key_ops);

#endif
