/* What concerns no stored key, or proves where one is stored. */
#include "tests/standin/vault_call.h"
#include <openssl/rand.h>
#include <string.h>

enum { RANDOM_LIMIT = 128, PROOF_BYTES = 96 };

void vault_random(struct call *call)
{
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(call->body, "count");
    unsigned char octets[RANDOM_LIMIT];
    char *value OWNED(owned_free) = NULL;
    cJSON *json;

    if (!cJSON_IsNumber(count) || count->valuedouble < 1 || count->valuedouble > RANDOM_LIMIT) {
        call_bad_parameter(call, "GetRandomBytesRequest: count cannot be greater than 128 or less than 1");
        return;
    }
    RAND_bytes(octets, count->valueint);
    value = base64url(octets, (size_t)count->valueint);
    json = need(cJSON_CreateObject());
    cJSON_AddStringToObject(json, "value", value);
    answer_json(call->answer, 200, json);
}

/* Of the right form and without meaning: nobody here holds a manufacturer's key. */
static cJSON *proof_json(void)
{
    static const char *const names[] = {"certificatePemFile", "privateKeyAttestation",
                                        "publicKeyAttestation"};
    unsigned char octets[PROOF_BYTES];
    cJSON *json = need(cJSON_CreateObject());

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *encoded OWNED(owned_free) = NULL;

        RAND_bytes(octets, sizeof octets);
        encoded = base64url(octets, sizeof octets);
        cJSON_AddStringToObject(json, names[i], encoded);
    }
    cJSON_AddStringToObject(json, "version", "1.0");
    return json;
}

void vault_attestation(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key_version *version;
        const struct key *key;

        LOCKED(call->standin);
        key = call_find_key(call, &version);
        if (key == NULL) {
            return;
        }
        if (!key_kind_is_hsm(&version->kind)) {
            call_bad_parameter(call, "Only a key of the HSM has an attestation.");
            return;
        }
        shot = snapshot_of(call, key, version);
    }
    cJSON_AddItemToObject(shot.attributes, "attestation", proof_json());
    answer_bundle(call, &shot);
}
