/* All that the stand-in is and knows: one struct, one lock. */
#ifndef STANDIN_STANDIN_H
#define STANDIN_STANDIN_H

#include "tests/standin/callers.h"
#include "tests/standin/counts.h"
#include "tests/standin/faults.h"
#include "tests/standin/keys.h"
#include "tests/standin/opened.h"
#include "tests/standin/quota.h"
#include "tests/standin/settings.h"
#include <pthread.h>

enum { TOKEN_KEY_SIZE = 32, ARC_SECRETS = 16 };

/* Azure Arc: what a client must read from a file of the machine. */
struct arc_secret {
    char *path, *content; /* NULL: none */
};

struct standin {
    /* Constant once the servers run. */
    char *vault_name;
    char *vault_url;    /* https://localhost:PORT */
    char *mhsm_url;     /* the same of the Managed HSM */
    char *identity_url; /* the same of the identity service */
    unsigned ports[SERVICES];
    char *tenant;
    char *client_id;                         /* the usual caller */
    char *system_id, *managed_id;            /* the machine's identities: system- and user-assigned */
    char *app_service_header;                /* the secret of that endpoint */
    char *arc_dir, *federated_token_file;    /* absolute */
    struct keypair *client_key, *issuer_key; /* of the client's certificate, and of the federation issuer */
    char *identity_cache;                    /* how the files begin that keep them; NULL: they are not kept */
    unsigned char token_key[TOKEN_KEY_SIZE];

    pthread_mutex_t lock;             /* guards what follows; never held while computing or waiting */
    struct key_store keys, mhsm_keys; /* of the vault, and of the Managed HSM */
    struct caller *callers;
    struct settings settings;
    struct fault *faults;
    struct counts counts;
    struct opened opened;
    struct quota_window tens, seconds[SERVICES];
    cJSON *seen_assertions;                     /* an object: a member for each jti */
    struct arc_secret arc_secrets[ARC_SECRETS]; /* newest first */
};

/* Holds the lock to the end of the block. */
#define LOCKED(where)                                                                                        \
    __attribute__((cleanup(standin_unlock), unused)) struct standin *const locked_ = standin_lock(where)

static inline struct standin *standin_lock(struct standin *standin)
{
    pthread_mutex_lock(&standin->lock);
    return standin;
}

static inline void standin_unlock(struct standin *const *standin)
{
    pthread_mutex_unlock(&(*standin)->lock);
}

#endif
