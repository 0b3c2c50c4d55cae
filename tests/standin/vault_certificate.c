/*
 * Certificates, of the keys that are managed: self-signed, named as the key, and with its dates. The secret
 * beside each of them is not kept; only its being disabled is told.
 */
#include "tests/standin/vault_call.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void refuse_unknown(struct call *call, const char *code, const char *what)
{
    const char *slash = call->route.version[0] == '\0' ? "" : "/";

    call_refuse(
        call, 404, code, NULL,
        text("A %s with (name/id) %s%s%s was not found in this key vault. If you recently deleted this "
             "%s you may be able to recover it using the correct recovery command. For help resolving "
             "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
             what, call->route.name, slash, call->route.version, what));
}

/* With the lock. NULL: nothing is managed under that name. */
static struct key *find_managed(struct call *call, struct key_version **ret_version)
{
    struct key *key = key_find(call->keys, call->route.name);

    if (key == NULL || !key->managed || key_state_of(key) != KEY_LIVE) {
        return NULL;
    }
    *ret_version = key_version_find(key, call->route.version);
    return *ret_version == NULL ? NULL : key;
}

/* --- Making them --- */

/* A version whose certificate is not known to be made yet: the one after `last`. */
static const struct key_version *next_version(struct call *call, const struct key_version *last,
                                              char name[KEY_NAME_SIZE])
{
    bool found = last == NULL;

    LOCKED(call->standin);
    for (const struct key *key = call->keys->keys; key != NULL; key = key->next) {
        const struct key_version *version = key->managed ? key->newest : NULL;

        for (; version != NULL; version = version->older) {
            if (found) {
                strcpy(name, key->name);
                return version;
            }
            found = version == last;
        }
    }
    return NULL;
}

void call_make_certificates(struct call *call)
{
    char name[KEY_NAME_SIZE];
    const struct key_version *version = next_version(call, NULL, name);

    while (version != NULL) {
        keypair_certificate(version->pair, name, version->created, version->created + KEY_YEAR);
        version = next_version(call, version, name);
    }
}

char *certificate_thumbprint(const struct key *key, const struct key_version *version)
{
    const struct blob *der =
        keypair_certificate(version->pair, key->name, version->created, version->created + KEY_YEAR);
    unsigned char sha1[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    EVP_Digest(der->data, der->size, sha1, &size, EVP_sha1(), NULL);
    return base64url(sha1, size);
}

/* --- One of them --- */

static void add_ids(const struct call *call, cJSON *json, const struct key *key,
                    const struct key_version *version)
{
    static const struct {
        const char *member, *collection;
    } ids[] = {{"id", "certificates"}, {"kid", "keys"}, {"sid", "secrets"}};

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char *id OWNED(owned_free) =
            text("%s/%s/%s/%s", call->base, ids[i].collection, key->name, version->id);

        cJSON_AddStringToObject(json, ids[i].member, id);
    }
}

static void add_der(cJSON *json, const struct key *key, const struct key_version *version)
{
    const struct blob *der =
        keypair_certificate(version->pair, key->name, version->created, version->created + KEY_YEAR);
    char *x5t OWNED(owned_free) = certificate_thumbprint(key, version);
    char *cer OWNED(owned_free) = need(calloc(1, der->size / 3 * 4 + 5));

    EVP_EncodeBlock((unsigned char *)cer, der->data, (int)der->size);
    cJSON_AddStringToObject(json, "x5t", x5t);
    cJSON_AddStringToObject(json, "cer", cer); /* with padding, of the plain alphabet */
}

static void add_policy(const struct call *call, cJSON *json, const struct key *key,
                       const struct key_version *version)
{
    cJSON *policy = need(cJSON_AddObjectToObject(json, "policy")), *part;
    char *id OWNED(owned_free) = text("%s/certificates/%s/policy", call->base, key->name);
    char *subject OWNED(owned_free) = text("CN=%s", key->name);

    cJSON_AddStringToObject(policy, "id", id);
    part = need(cJSON_AddObjectToObject(policy, "key_props"));
    cJSON_AddBoolToObject(part, "exportable", !key_kind_is_hsm(&version->kind));
    cJSON_AddStringToObject(part, "kty", version->kind.kty);
    if (key_kind_is_rsa(&version->kind)) {
        cJSON_AddNumberToObject(part, "key_size", version->kind.bits);
    } else {
        cJSON_AddStringToObject(part, "crv", version->kind.crv);
    }
    cJSON_AddBoolToObject(part, "reuse_key", false);
    part = need(cJSON_AddObjectToObject(policy, "secret_props"));
    cJSON_AddStringToObject(part, "contentType", "application/x-pkcs12");
    part = need(cJSON_AddObjectToObject(policy, "x509_props"));
    cJSON_AddStringToObject(part, "subject", subject);
    cJSON_AddNumberToObject(part, "validity_months", 12);
    part = need(cJSON_AddObjectToObject(policy, "issuer"));
    cJSON_AddStringToObject(part, "name", "Self");
}

void vault_get_certificate(struct call *call)
{
    struct key_version *version;
    const struct key *key;
    cJSON *json;

    call_make_certificates(call);
    LOCKED(call->standin);
    key = find_managed(call, &version);
    if (key == NULL) {
        refuse_unknown(call, "CertificateNotFound", "certificate");
        return;
    }
    json = need(cJSON_CreateObject());
    add_ids(call, json, key, version);
    add_der(json, key, version);
    cJSON_AddItemToObject(json, "attributes", certificate_attributes_json(call, version));
    if (version->tags != NULL) {
        cJSON_AddItemToObject(json, "tags", need(cJSON_Duplicate(version->tags, true)));
    }
    add_policy(call, json, key, version);
    answer_json(call->answer, 200, json);
}

void vault_get_secret(struct call *call)
{
    struct key_version *version;

    LOCKED(call->standin);
    if (find_managed(call, &version) != NULL && !version->enabled) {
        call_refuse(call, 403, "Forbidden", "SecretDisabled",
                    text("Operation get is not allowed on a disabled secret."));
    } else {
        refuse_unknown(call, "SecretNotFound", "secret");
    }
}
