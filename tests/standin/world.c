/* The keys and callers of the start. */
#include "tests/standin/world.h"
#include "tests/standin/machine.h"
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static void add_key(struct key_store *store, const char *name, const char *kty, unsigned bits)
{
    struct key_kind kind;

    if (key_kind_set(kty, bits, NULL, &kind)) {
        key_add_version(store, name, &kind);
    }
}

static void add_keys(struct standin *standin)
{
    add_key(&standin->keys, "kek", "RSA", 2048);
    add_key(&standin->keys, "kek-3072", "RSA", 3072);
    add_key(&standin->keys, "kek-4096", "RSA", 4096);
    add_key(&standin->keys, "signer", "EC", 0);
    add_key(&standin->mhsm_keys, "kek", "RSA-HSM", 2048);
    add_key(&standin->mhsm_keys, "signer", "EC-HSM", 0);
}

/* A secret with characters that a form must escape, as real ones have. */
static char *make_secret(void)
{
    char hex[33];

    random_hex(hex, 32);
    return text("%.8s~%.8s+&=%%_.%.8s/%.8s", hex, hex + 8, hex + 16, hex + 24);
}

static struct caller *add_caller(struct standin *standin, char **ret_id)
{
    struct caller *caller;

    *ret_id = random_uuid();
    caller = caller_add(&standin->callers, *ret_id);
    caller_permit(caller, ALL_PERMISSIONS, 0);
    return caller;
}

static void add_callers(struct standin *standin)
{
    char *secret OWNED(owned_free) = make_secret(), *object_id OWNED(owned_free) = random_uuid();
    char *resource_id OWNED(owned_free) =
        text("/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers/"
             "Microsoft.ManagedIdentity/userAssignedIdentities/%s",
             standin->vault_name);

    caller_set_secret(add_caller(standin, &standin->client_id), secret);
    caller_set_managed(add_caller(standin, &standin->system_id), NULL, NULL);
    caller_set_managed(add_caller(standin, &standin->managed_id), object_id, resource_id);
}

/* --- Key pairs --- */

static void *prepare(void *pair)
{
    keypair_prepare(pair);
    return NULL;
}

/* All at once: the largest one takes as long as all others. */
static void prepare_keys(struct standin *standin)
{
    struct keypair *pairs[8] = {standin->client_key, standin->issuer_key};
    pthread_t threads[8];
    unsigned count = 2, started = 0;

    for (struct key *key = standin->keys.keys; key != NULL && count < 8; key = key->next) {
        pairs[count++] = key->newest->pair;
    }
    while (started < count && pthread_create(&threads[started], NULL, prepare, pairs[started]) == 0) {
        started++;
    }
    while (started > 0) {
        pthread_join(threads[--started], NULL);
    }
}

static void set_caches(struct standin *standin, const char *folder)
{
    standin->keys.cache = text("%s/", folder);
    standin->mhsm_keys.cache = text("%s/mhsm-", folder);
    standin->identity_cache = text("%s/identity-", folder);
}

/* --- All of it --- */

void world_init(struct standin *standin, const char *vault_name, const char *key_cache)
{
    pthread_mutex_init(&standin->lock, NULL);
    settings_init(&standin->settings);
    RAND_bytes(standin->token_key, TOKEN_KEY_SIZE);
    standin->vault_name = text("%s", vault_name);
    standin->tenant = random_uuid();
    standin->app_service_header = random_uuid();
    standin->seen_assertions = need(cJSON_CreateObject());
    if (key_cache != NULL) {
        set_caches(standin, key_cache);
    }
    standin->client_key = keypair_new_plain(0, standin->identity_cache);
    standin->issuer_key = keypair_new_plain(1, standin->identity_cache);
    add_callers(standin);
    add_keys(standin);
    prepare_keys(standin);
}

static void free_constants(struct standin *standin)
{
    char *const texts[] = {standin->vault_name,
                           standin->vault_url,
                           standin->mhsm_url,
                           standin->identity_url,
                           standin->tenant,
                           standin->client_id,
                           standin->system_id,
                           standin->managed_id,
                           standin->app_service_header,
                           standin->arc_dir,
                           standin->federated_token_file,
                           standin->identity_cache};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    keypair_free(standin->client_key);
    keypair_free(standin->issuer_key);
}

void world_done(struct standin *standin)
{
    arc_done(standin);
    key_store_done(&standin->keys);
    key_store_done(&standin->mhsm_keys);
    callers_free(standin->callers);
    faults_free(standin->faults);
    cJSON_Delete(standin->counts.log);
    opened_done(&standin->opened);
    cJSON_Delete(standin->seen_assertions);
    free_constants(standin);
    pthread_mutex_destroy(&standin->lock);
}
