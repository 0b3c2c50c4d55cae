/* Backup and restore: a blob that means something to this service only. */
#include "tests/standin/vault_call.h"
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { BLOB_BYTES = 4096 };

/* As the service's begin; what follows are random octets, by which the copy is found again. */
static char *new_blob(const struct call *call)
{
    const char *head = is_mhsm(call) ? "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0.."
                                     : "&AzureKeyVaultKeyBackupV1.microsoft.com";
    unsigned char octets[BLOB_BYTES];
    char *tail OWNED(owned_free) = NULL, *whole OWNED(owned_free) = NULL;

    RAND_bytes(octets, sizeof octets);
    tail = base64url(octets, sizeof octets);
    whole = text("%s%s", head, tail);
    return base64url(whole, strlen(whole));
}

void vault_back_up(struct call *call)
{
    cJSON *json;
    char *blob;

    LOCKED(call->standin);
    if (call_find(call) == NULL) {
        return;
    }
    blob = new_blob(call);
    json = need(cJSON_CreateObject());
    cJSON_AddStringToObject(json, "value", blob);
    key_back_up(call->keys, key_find(call->keys, call->route.name), blob);
    answer_json(call->answer, 200, json);
}

static void refuse_malformed(struct call *call)
{
    if (is_mhsm(call)) {
        call_refuse(
            call, 400, "MalformedBackupBlob", NULL,
            text("Backup blob belongs to a different crypto domain and cannot be used with this instance."));
    } else {
        call_refuse(call, 400, "Malformed backup blob", NULL, text("Backup blob is corrupt."));
    }
}

static void refuse_conflict(struct call *call, const struct key *backup)
{
    call_refuse(
        call, 409, "Conflict", NULL,
        text("There was a conflict restoring the key '%s/keys/%s/%s'. This can happen if either: a second "
             "key with the same name was created after the first key was deleted; thus trying to restore "
             "a key whose name is already in use. To fix this, rename the second key to something else so "
             "that the restore works. The second probable cause of this exception is when multiple "
             "operations are performed in parallel against the key. To avoid this error, perform "
             "operations against a key in a sequential manner.",
             call->base, backup->name, backup->newest->id));
}

/* With the lock. NULL: an answer was given. */
static struct key *restored(struct call *call)
{
    const char *blob = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "value"));
    const struct key *backup = blob == NULL ? NULL : key_backed_up(call->keys, blob);
    struct key *key;

    if (backup == NULL) {
        refuse_malformed(call);
        return NULL;
    }
    if (key_find(call->keys, backup->name) != NULL) {
        refuse_conflict(call, backup);
        return NULL;
    }
    key = key_restore(call->keys, backup);
    for (struct key_version *version = key->newest; version != NULL && is_mhsm(call);
         version = version->older) {
        version->exportable = true; /* so it was answered: a restored key of a Managed HSM is */
    }
    return key;
}

void vault_restore(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        const struct key *key;

        LOCKED(call->standin);
        key = restored(call);
        if (key == NULL) {
            return;
        }
        shot = snapshot_of(call, key, key->newest);
    }
    answer_bundle(call, &shot);
}
