/* Soft delete: a key goes, comes back, or is gone for good. */
#include "tests/standin/vault_call.h"
#include <string.h>

/* --- Refusals --- */

static void refuse_disabled(struct call *call)
{
    call_refuse(call, 400, "NotSupported", NULL, text("Soft delete is not enabled for this vault."));
}

/* The words differ between reading and changing. */
static void refuse_unknown(struct call *call)
{
    if (is_mhsm(call)) {
        call_refuse(call, 404, "KeyNotFound", NULL,
                    text("Key not found: %s/deletedkeys/%s", call->base, call->route.name));
    } else if (call->route.operation == OPERATION_GET_DELETED) {
        call_refuse(call, 404, "KeyNotFound", NULL, text("Deleted Key not found: %s", call->route.name));
    } else {
        call_not_found(call, "");
    }
}

/* With the lock. NULL: a refusal was given. */
static struct key *find_deleted(struct call *call)
{
    struct key *key = key_find(call->keys, call->route.name);

    if (call->standin->settings.recoverable_days == 0) {
        refuse_disabled(call);
        return NULL;
    }
    if (key == NULL || key_state_of(key) != KEY_DELETED) {
        refuse_unknown(call);
        return NULL;
    }
    return key;
}

/* --- The parts --- */

void vault_delete(struct call *call)
{
    const struct settings *settings = &call->standin->settings;
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key_version *version;
        struct key *key;

        LOCKED(call->standin);
        key = call_find_key(call, &version);
        if (key == NULL) {
            return;
        }
        if (settings->recoverable_days != 0) {
            key_delete(key, settings->delete_delay_ms, settings->recoverable_days);
            shot = snapshot_of(call, key, version);
        } else {
            shot = snapshot_of(call, key, version);
            key_purge(call->keys, key);
        }
    }
    answer_bundle(call, &shot);
}

void vault_get_deleted(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        const struct key *key;

        LOCKED(call->standin);
        key = find_deleted(call);
        if (key == NULL) {
            return;
        }
        shot = snapshot_of(call, key, key->newest);
    }
    answer_bundle(call, &shot);
}

void vault_recover(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key *key;

        LOCKED(call->standin);
        key = find_deleted(call);
        if (key == NULL) {
            return;
        }
        key_recover(key, call->standin->settings.recover_delay_ms);
        shot = snapshot_of(call, key, key->newest);
    }
    answer_bundle(call, &shot);
}

void vault_purge(struct call *call)
{
    struct key *key;

    LOCKED(call->standin);
    key = find_deleted(call);
    if (key == NULL) {
        return;
    }
    if (strstr(call->standin->settings.recovery_level, "Purgeable") == NULL) {
        call_refuse(
            call, 403, "Forbidden", "ForbiddenByPolicy",
            text("Operation \"purge\" is not allowed because purge protection is enabled for this vault. "
                 "Key Vault service will automatically purge it after the retention period has passed."));
        return;
    }
    key_purge(call->keys, key);
    call->answer->status = 204;
}
