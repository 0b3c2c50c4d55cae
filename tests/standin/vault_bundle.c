/* The bundle of a key: what it is, and how it is told. */
#include "tests/standin/vault_call.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* --- Numbers --- */

static void free_number(BIGNUM **number)
{
    BN_free(*number);
}

/* size 0: as long as it is. */
static void add_number(cJSON *json, const char *name, EVP_PKEY *key, const char *parameter, size_t size)
{
    BIGNUM *number OWNED(free_number) = NULL;
    unsigned char bytes[512];
    char *encoded OWNED(owned_free) = NULL;

    if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) {
        return;
    }
    size = size == 0 ? (size_t)BN_num_bytes(number) : size;
    if (size <= sizeof bytes && BN_bn2binpad(number, bytes, (int)size) >= 0) {
        encoded = base64url(bytes, size);
        cJSON_AddStringToObject(json, name, encoded);
    }
}

static void add_ec(cJSON *json, const struct key_kind *kind, EVP_PKEY *key)
{
    size_t field = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;

    cJSON_AddStringToObject(json, "crv", kind->crv);
    add_number(json, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, field);
    add_number(json, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, field);
}

/* A vault that made the key in its HSM writes the exponent in four octets. */
static void add_rsa(cJSON *json, const struct snapshot *shot, EVP_PKEY *key, bool of_vault)
{
    bool four_octets = of_vault && shot->sent == NULL && key_kind_is_hsm(&shot->kind);
    const cJSON *crv = cJSON_GetObjectItemCaseSensitive(shot->sent, "crv");

    add_number(json, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
    add_number(json, "e", key, OSSL_PKEY_PARAM_RSA_E, four_octets ? 4 : 0);
    if (crv != NULL) {
        cJSON_AddItemToObject(json, "crv",
                              need(cJSON_Duplicate(crv, true))); /* it is kept, and means nothing */
    }
}

static void add_public_part(const struct call *call, cJSON *json, const struct snapshot *shot)
{
    const cJSON *number;

    if (key_kind_is_oct(&shot->kind)) {
        return;
    }
    if (shot->sent == NULL || !shot->as_sent) {
        EVP_PKEY *key = keypair_key(shot->pair);

        if (key_kind_is_rsa(&shot->kind)) {
            add_rsa(json, shot, key, !is_mhsm(call));
        } else {
            add_ec(json, &shot->kind, key);
        }
        return;
    }
    cJSON_ArrayForEach(number, shot->sent)
    {
        cJSON_AddItemToObject(json, number->string, need(cJSON_Duplicate(number, true)));
    }
}

/* --- The bundle --- */

static cJSON *copy_of(const cJSON *json)
{
    return json == NULL ? NULL : need(cJSON_Duplicate(json, true));
}

struct snapshot snapshot_of(const struct call *call, const struct key *key, const struct key_version *version)
{
    struct snapshot shot = {.kind = version->kind,
                            .pair = version->pair,
                            .uses = version->uses,
                            .attributes = attributes_json(call, key, version),
                            .tail = need(cJSON_CreateObject()),
                            .sent = copy_of(version->sent),
                            .as_sent = call->api < API_7_3 || call->standin->settings.keep_leading_zeros};

    strcpy(shot.name, key->name);
    strcpy(shot.id, version->id);
    add_tags(shot.tail, key, version);
    if (version->release_policy != NULL && !key->deleted && call->api >= API_7_3) {
        cJSON_AddItemToObject(shot.tail, "release_policy", copy_of(version->release_policy));
    }
    if (key->deleted && key->deleted_date != 0) {
        shot.deleted_date = key->deleted_date;
        shot.purge_date = key->purge_date;
    }
    return shot;
}

void snapshot_done(struct snapshot *shot)
{
    cJSON_Delete(shot->attributes);
    cJSON_Delete(shot->tail);
    cJSON_Delete(shot->sent);
}

void add_deletion(const struct call *call, cJSON *json, const char *name, int64_t deleted, int64_t purge)
{
    char *id OWNED(owned_free) = text("%s/deletedkeys/%s", call->base, name);

    cJSON_AddStringToObject(json, "recoveryId", id);
    cJSON_AddNumberToObject(json, "deletedDate", (double)deleted);
    cJSON_AddNumberToObject(json, "scheduledPurgeDate", (double)purge);
}

void answer_bundle(const struct call *call, struct snapshot *shot)
{
    char *kid OWNED(owned_free) = text("%s/keys/%s/%s", call->base, shot->name, shot->id);
    cJSON *json = need(cJSON_CreateObject()), *key, *item;

    if (shot->deleted_date != 0) {
        add_deletion(call, json, shot->name, shot->deleted_date, shot->purge_date);
    }
    key = need(cJSON_AddObjectToObject(json, "key"));
    cJSON_AddStringToObject(key, "kid", kid);
    cJSON_AddStringToObject(key, "kty", shot->kind.kty);
    cJSON_AddItemToObject(key, "key_ops", bits_to_uses(shot->uses));
    add_public_part(call, key, shot);
    cJSON_AddItemToObject(json, "attributes", shot->attributes);
    shot->attributes = NULL;
    while ((item = cJSON_DetachItemFromArray(shot->tail, 0)) != NULL) {
        cJSON_AddItemToObject(json, item->string, item);
    }
    answer_json(call->answer, 200, json);
}
