/*
 * Transfer blobs: a key that left another HSM under a key of this one. The file is JSON; its ciphertext is an
 * AES key under RSA-OAEP with SHA-1, and after it the target under that AES key by RFC 5649.
 */
#include "tests/standin/crypto.h"
#include "tests/standin/vault_call.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Base64 of either alphabet, with or without padding. */
static bool base64_decode(const char *encoded, struct blob *ret_blob)
{
    char *plain OWNED(owned_free) = text("%s", encoded);
    size_t size = strlen(plain);

    while (size > 0 && plain[size - 1] == '=') {
        plain[--size] = '\0';
    }
    for (char *c = plain; *c != '\0'; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    return base64url_decode(plain, ret_blob);
}

struct transfer {
    char name[KEY_NAME_SIZE], version[KEY_VERSION_SIZE]; /* of the key that opens it */
    struct blob ciphertext;
};

static void transfer_done(struct transfer *transfer)
{
    owned_blob(&transfer->ciphertext);
}

/* False: it is not a key of this service. */
static bool read_kid(const struct call *call, const char *kid, struct transfer *transfer)
{
    char *prefix OWNED(owned_free) = text("%s/keys/", call->base);
    size_t size = strlen(prefix), name;

    if (kid == NULL || strncasecmp(kid, prefix, size) != 0) {
        return false;
    }
    name = strcspn(kid + size, "/");
    if (name >= sizeof transfer->name || kid[size + name] != '/' ||
        strlen(kid + size + name + 1) >= sizeof transfer->version) {
        return false;
    }
    memcpy(transfer->name, kid + size, name);
    strcpy(transfer->version, kid + size + name + 1);
    return true;
}

static const char *string_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static bool read_transfer(const struct call *call, const char *key_hsm, struct transfer *transfer)
{
    struct blob file OWNED(owned_blob) = {NULL, 0};
    cJSON *json OWNED(owned_json) = NULL;
    const cJSON *header;

    if (!base64_decode(key_hsm, &file)) {
        return false;
    }
    json = cJSON_ParseWithLength((const char *)file.data, file.size);
    header = cJSON_GetObjectItemCaseSensitive(json, "header");
    return same_text(string_of(json, "schema_version"), "1.0.0") &&
           same_text(string_of(header, "alg"), "dir") &&
           same_text(string_of(header, "enc"), "CKM_RSA_AES_KEY_WRAP") &&
           read_kid(call, string_of(header, "kid"), transfer) && string_of(json, "ciphertext") != NULL &&
           base64url_decode(string_of(json, "ciphertext"), &transfer->ciphertext);
}

/* NULL: an answer was given. */
static struct keypair *find_kek(struct call *call, const struct transfer *transfer)
{
    const struct key_version *version = NULL;
    const struct key *key;

    LOCKED(call->standin);
    key = key_find(call->keys, transfer->name);
    if (key != NULL && key_state_of(key) == KEY_LIVE) {
        version = key_version_find(key, transfer->version);
    }
    if (version == NULL) {
        call_bad_parameter(call, "The key exchange key of the transfer blob is not in this vault.");
    } else if (version->uses != 1U << USE_IMPORT) {
        call_refuse(call, 403, "Forbidden", "KeyOperationForbidden",
                    text("Operation import is not permitted on this key."));
    } else if (!version->enabled) {
        call_refuse(call, 403, "Forbidden", "KeyDisabled",
                    text("Operation import is not allowed on a disabled key."));
    } else {
        return version->pair;
    }
    return NULL;
}

/* The target in the clear. */
static bool open_halves(struct keypair *kek, const struct blob *both, struct parcel *ret_target)
{
    const struct key_kind rsa = {.kty = "RSA"};
    size_t first = (size_t)EVP_PKEY_get_size(keypair_key(kek));
    struct parcel in = {.value = {both->data, first}};
    struct parcel aes OWNED(parcel_done) = {.value = {NULL, 0}};
    struct parcel wrapped = {.value = {both->data + first, both->size > first ? both->size - first : 0}};

    return wrapped.value.size > 0 &&
           crypto_decrypt(kek, algorithm_find("RSA-OAEP", OPERATION_UNWRAP, &rsa), &in, &aes) &&
           aes_decrypt(&aes.value, AES_WRAP_PADDED, &wrapped, ret_target);
}

bool byok_open(struct call *call, const char *key_hsm, bool oct, struct material *ret_material)
{
    struct transfer transfer OWNED(transfer_done) = {.ciphertext = {NULL, 0}};
    struct parcel target OWNED(parcel_done) = {.value = {NULL, 0}};
    struct keypair *kek;
    const unsigned char *der;

    if (!read_transfer(call, key_hsm, &transfer)) {
        call_bad_parameter(call, "The property \"key_hsm\" must be a valid key transfer blob.");
        return false;
    }
    kek = find_kek(call, &transfer);
    if (kek == NULL) {
        return false;
    }
    if (open_halves(kek, &transfer.ciphertext, &target)) {
        der = target.value.data;
        if (oct) {
            ret_material->secret = target.value;
            target.value.data = NULL;
            return true;
        }
        ret_material->key = d2i_AutoPrivateKey(NULL, &der, (long)target.value.size);
    }
    ERR_clear_error();
    if (ret_material->key == NULL) {
        call_bad_parameter(call, "The key transfer blob cannot be opened.");
    }
    return ret_material->key != NULL;
}
