/* The six operations of a key, and when they are refused. */
#include "tests/standin/crypto.h"
#include "tests/standin/vault_call.h"
#include <string.h>
#include <time.h>

static const char bad_value[] = "Property  has invalid value\r\n";

/* encrypt, wrapKey and verify need no private key. */
static bool is_public(enum operation operation)
{
    return operation == OPERATION_ENCRYPT || operation == OPERATION_WRAP || operation == OPERATION_VERIFY;
}

/* What opens or checks what was made before goes on outside of nbf and exp. */
static bool needs_time(enum operation operation)
{
    return operation == OPERATION_ENCRYPT || operation == OPERATION_WRAP || operation == OPERATION_SIGN;
}

static const char *out_of_time(const struct call *call, const struct key_version *version)
{
    int64_t now = time(NULL), leeway = call->standin->settings.leeway;

    if (version->nbf != 0 && now + leeway < version->nbf) {
        return "a key that is not yet valid";
    }
    return version->exp != 0 && now - leeway >= version->exp ? "an expired key" : NULL;
}

/* With the lock. False: a 403 was given. */
static bool may_do(struct call *call, const struct key_version *version)
{
    enum operation operation = call->route.operation;
    const char *verb = permission_word(operation);
    const char *refusal = needs_time(operation) ? out_of_time(call, version) : NULL;

    if (!version->enabled && !(call->standin->settings.disabled_encrypts && is_public(operation))) {
        answer_error(call->answer, 403, "Forbidden", "KeyDisabled",
                     text("Operation %s is not allowed on a disabled key.", verb));
    } else if (refusal != NULL) {
        answer_error(call->answer, 403, "Forbidden", NULL,
                     text("Operation %s is not allowed on %s.", verb, refusal));
    } else if ((version->uses & 1U << operation) == 0) {
        answer_error(call->answer, 403, "Forbidden", "KeyOperationForbidden",
                     text("Operation %s is not permitted on this key.", verb));
    } else {
        return true;
    }
    return false;
}

struct task {
    struct keypair *pair;
    char *kid;
    const struct algorithm *how;
    struct blob value, digest; /* digest: of verify */
};

static void task_done(struct task *task)
{
    owned_free(&task->kid);
    owned_blob(&task->value);
    owned_blob(&task->digest);
}

/* False: an answer was given. */
static bool find_key(struct call *call, struct task *task)
{
    const char *alg = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "alg"));
    const struct key_version *version;

    LOCKED(call->standin);
    version = call_find(call);
    if (version == NULL || !may_do(call, version)) {
        return false;
    }
    task->how = algorithm_find(alg == NULL ? "" : alg, call->route.operation, &version->kind);
    if (task->how == NULL) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    task->pair = version->pair;
    task->kid = text("%s/keys/%s/%s", call->base, call->route.name, version->id);
    return true;
}

static bool read_bytes(struct call *call, const char *name, struct blob *bytes)
{
    const char *encoded = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, name));

    if (encoded == NULL || !base64url_decode(encoded, bytes)) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    return true;
}

static void answer_value(const struct call *call, const struct task *task, const struct blob *value)
{
    cJSON *json = need(cJSON_CreateObject());
    char *encoded OWNED(owned_free) = base64url(value->data, value->size);

    cJSON_AddStringToObject(json, "kid", task->kid);
    cJSON_AddStringToObject(json, "value", encoded);
    answer_json(call->answer, 200, json);
}

static void answer_verdict(const struct call *call, bool good)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddBoolToObject(json, "value", good);
    answer_json(call->answer, 200, json);
}

/* Where the settings say so, what was opened last is not opened again. */
static bool open_blob(const struct call *call, const struct task *task, struct blob *ret_value)
{
    struct standin *standin = call->standin;

    if (!standin->settings.opens_once) {
        return crypto_decrypt(keypair_key(task->pair), task->how, &task->value, ret_value);
    }
    {
        LOCKED(standin);
        if (opened_recall(&standin->opened, task->pair, task->how, &task->value, ret_value)) {
            return true;
        }
    }
    if (!crypto_decrypt(keypair_key(task->pair), task->how, &task->value, ret_value)) {
        return false;
    }
    LOCKED(standin);
    opened_keep(&standin->opened, task->pair, task->how, &task->value, ret_value);
    return true;
}

static bool compute(const struct call *call, const struct task *task, struct blob *ret_value)
{
    EVP_PKEY *key = keypair_key(task->pair);

    switch (call->route.operation) {
    case OPERATION_ENCRYPT:
    case OPERATION_WRAP:
        return crypto_encrypt(key, task->how, &task->value, ret_value);
    case OPERATION_DECRYPT:
    case OPERATION_UNWRAP:
        return open_blob(call, task, ret_value);
    default:
        return crypto_sign(key, task->how, &task->value, ret_value);
    }
}

static void verify(struct call *call, struct task *task)
{
    bool good;

    if (!read_bytes(call, "digest", &task->digest)) {
        return;
    }
    if (crypto_verify(keypair_key(task->pair), task->how, &task->digest, &task->value, &good)) {
        answer_verdict(call, good);
    } else {
        call_bad_parameter(call, bad_value);
    }
}

void vault_use(struct call *call)
{
    struct task task OWNED(task_done) = {0};
    struct blob value OWNED(owned_blob) = {NULL, 0};

    if (!find_key(call, &task) || !read_bytes(call, "value", &task.value)) {
        return;
    }
    if (call->route.operation == OPERATION_VERIFY) {
        verify(call, &task);
    } else if (compute(call, &task, &value)) {
        answer_value(call, &task, &value);
    } else {
        call_bad_parameter(call, "The parameter is incorrect.\r\n");
    }
}
