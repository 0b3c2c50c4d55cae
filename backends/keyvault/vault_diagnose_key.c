/* Keys: which there are, and what may be known of them. */
#include "backends/keyvault/vault_diagnose_private.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_KEYS = 50 /* of those that are configured */
};

/* All keys together. */
struct keys {
    const struct examination *examination;
    bool listed; /* list is permitted */
    size_t configured;
    struct key_info found[MOST_KEYS]; /* as the list tells them: names, dates, enabled */
    size_t found_count, all_count;
};

/* --- Listing --- */

static bool note_key(void *arg, struct key_info *info)
{
    struct keys *keys = arg;

    keys->all_count++;
    if (keys->found_count < MOST_KEYS) {
        keys->found[keys->found_count++] = *info; /* a list tells no public parts */
    }
    return true;
}

/* False: nothing at all can be asked there. */
static bool tell_no_list(const struct keys *keys, const struct service_answer *answer)
{
    struct diagnosis *diagnosis = keys->examination->diagnosis;

    if (answer->verdict != VERDICT_REFUSED) {
        vault_diagnose_tell(keys->examination, FINDING_FAIL, "vault");
        return false;
    }
    if (keys->configured == 0) {
        vault_diagnose_tell(keys->examination, FINDING_FAIL, "list-permission");
    } else if (keys->examination->vault->config.older_count == 0) {
        diagnosis_warn(
            diagnosis, "list-permission",
            "grant the permission list on keys, or name the older versions that are still in use by "
            "`older`",
            "list is not permitted: the keys of `keys` work, but blobs of older versions may not open "
            "after a restart, for nobody tells which versions there are");
    } else {
        diagnosis_ok(diagnosis, "list-permission",
                     "list is not permitted, and not needed: `keys` and `older` name keys and versions");
    }
    return true;
}

static bool examine_list(struct keys *keys)
{
    const struct examination *examination = keys->examination;
    struct service_answer answer;
    CK_RV rv = vault_client_each_key(&examination->vault->client, vault_diagnose_time(examination), note_key,
                                     keys, &answer);

    keys->listed = rv == CKR_OK;
    if (!keys->listed) {
        return tell_no_list(keys, &answer);
    }
    diagnosis_ok(examination->diagnosis, "list-permission", "list is permitted: %zu key%s", keys->all_count,
                 keys->all_count == 1 ? "" : "s");
    vault_diagnose_clock(examination, answer.date);
    return true;
}

static const struct key_info *listed_info(const struct keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->found_count; i++) {
        if (key_name_equal(keys->found[i].name, name)) {
            return &keys->found[i];
        }
    }
    return NULL;
}

/* --- What is told of one --- */

/* A list tells of the latest version only. */
static void use_list(const struct keys *keys, struct examined_key *examined)
{
    const struct key_info *info =
        examined->key.version == NULL ? listed_info(keys, examined->key.name) : NULL;

    if (info != NULL) {
        examined->info = *info;
        examined->told = true;
    }
}

/* False: there is no such key, or nothing can be asked. */
static bool examine_get(const struct keys *keys, struct examined_key *examined)
{
    const struct examination *examination = examined->examination;
    struct service_answer answer;
    CK_RV rv = vault_client_get(&examination->vault->client, &examined->key, vault_diagnose_time(examination),
                                &examined->info, &answer);

    if (rv == CKR_OK) {
        examined->told = true;
        diagnosis_ok(examination->diagnosis, "get-permission", "get is permitted on %s", examined->text);
        vault_diagnose_clock(examination, answer.date);
        return true;
    }
    if (answer.verdict != VERDICT_REFUSED) {
        vault_diagnose_tell(examination, FINDING_FAIL,
                            answer.verdict == VERDICT_GONE ? "key" : "get-permission");
        return false;
    }
    use_list(keys, examined);
    diagnosis_ok(
        examination->diagnosis, "get-permission",
        "get is not permitted on %s, and not needed: wrapping goes to the service; its modulus can be told "
        "by `public-keys`",
        examined->text);
    return true;
}

/* --- All of them --- */

static void examine_key(const struct keys *keys, const char *name, const char *version)
{
    struct examined_key examined = {.examination = keys->examination,
                                    .listed = keys->listed,
                                    .named = keys->configured != 0,
                                    .key = {name, version}};

    snprintf(examined.text, sizeof examined.text, "%s%s%s", name, version == NULL ? "" : "/",
             version == NULL ? "" : version);
    if (examine_get(keys, &examined) && vault_diagnose_properties(&examined)) {
        vault_diagnose_permissions(&examined);
    }
    key_info_done(&examined.info);
}

static void examine_configured(const struct keys *keys)
{
    const struct vault_config *config = &keys->examination->vault->config;

    for (size_t i = 0; i < config->key_count && i < MOST_KEYS; i++) {
        examine_key(keys, config->keys[i].name,
                    config->keys[i].version[0] == 0 ? NULL : config->keys[i].version);
    }
    if (config->key_count > MOST_KEYS) {
        diagnosis_warn(keys->examination->diagnosis, "keys", NULL,
                       "%zu more keys of `keys` were not examined", config->key_count - MOST_KEYS);
    }
}

static void examine_listed(const struct keys *keys)
{
    struct diagnosis *diagnosis = keys->examination->diagnosis;

    if (keys->all_count == 0) {
        diagnosis_warn(diagnosis, "keys", "have an RSA key made there, or see that this is the right vault",
                       "there is no key in the vault");
    }
    for (size_t i = 0; i < keys->found_count && i < DIAGNOSIS_SOME_KEYS; i++) {
        examine_key(keys, keys->found[i].name, NULL);
    }
    if (keys->all_count > DIAGNOSIS_SOME_KEYS) {
        diagnosis_warn(diagnosis, "keys", "name the keys that are used by `keys`: then those are examined",
                       "%zu of %zu keys were examined", (size_t)DIAGNOSIS_SOME_KEYS, keys->all_count);
    }
}

bool vault_diagnose_keys(const struct examination *examination)
{
    struct keys *keys = calloc(1, sizeof *keys); /* too large for a stack */
    bool good;

    if (keys == NULL) {
        return false;
    }
    keys->examination = examination;
    keys->configured = examination->vault->config.key_count;
    good = examine_list(keys);
    if (good && keys->configured != 0) {
        examine_configured(keys);
    } else if (good && keys->listed) {
        examine_listed(keys);
    }
    free(keys);
    return good;
}
