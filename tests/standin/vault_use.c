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
        call_refuse(call, 403, "Forbidden", "KeyDisabled",
                    text("Operation %s is not allowed on a disabled key.", verb));
    } else if (refusal != NULL) {
        call_refuse(call, 403, "Forbidden", NULL, text("Operation %s is not allowed on %s.", verb, refusal));
    } else if ((version->uses & 1U << operation) == 0) {
        call_refuse(call, 403, "Forbidden", "KeyOperationForbidden",
                    text("Operation %s is not permitted on this key.", verb));
    } else {
        return true;
    }
    return false;
}

struct task {
    struct keypair *pair;
    char *kid;
    const char *alg; /* borrowed from the body */
    const struct algorithm *how;
    struct parcel in;
    struct blob digest; /* of verify */
};

static void task_done(struct task *task)
{
    owned_free(&task->kid);
    parcel_done(&task->in);
    owned_blob(&task->digest);
}

/* False: an answer was given. */
static bool find_key(struct call *call, struct task *task)
{
    const struct key_version *version;

    task->alg = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, "alg"));
    LOCKED(call->standin);
    version = call_find(call);
    if (version == NULL || !may_do(call, version)) {
        return false;
    }
    task->how = algorithm_find(task->alg == NULL ? "" : task->alg, call->route.operation, &version->kind);
    if (task->how == NULL || algorithm_since(task->how) > call->api ||
        !algorithm_serves(task->how, call->secure)) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    task->pair = version->pair;
    task->kid = text("%s/keys/%s/%s", call->base, call->route.name, version->id);
    return true;
}

/* False: a 400 was given. */
static bool read_bytes(struct call *call, const char *name, bool needed, struct blob *bytes)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(call->body, name);
    const char *encoded = cJSON_GetStringValue(item);

    if (!needed && (item == NULL || cJSON_IsNull(item))) {
        return true;
    }
    if (encoded == NULL || !base64url_decode(encoded, bytes)) {
        call_bad_parameter(call, bad_value);
        return false;
    }
    return true;
}

static bool read_parcel(struct call *call, struct parcel *in)
{
    return read_bytes(call, "value", true, &in->value) && read_bytes(call, "iv", false, &in->iv) &&
           read_bytes(call, "aad", false, &in->aad) && read_bytes(call, "tag", false, &in->tag);
}

/* --- Answers: a Managed HSM repeats the algorithm, and tells the key of a verification too --- */

static cJSON *result_json(const struct call *call, const struct task *task)
{
    cJSON *json = need(cJSON_CreateObject());

    if (is_mhsm(call) || call->secure) {
        cJSON_AddStringToObject(json, "alg", task->alg);
    }
    cJSON_AddStringToObject(json, "kid", task->kid);
    return json;
}

static void add_bytes(cJSON *json, const char *name, const struct blob *bytes)
{
    char *encoded OWNED(owned_free) = base64url(bytes->data, bytes->size);

    cJSON_AddStringToObject(json, name, encoded);
}

static void answer_parcel(const struct call *call, const struct task *task, const struct parcel *out)
{
    cJSON *json = result_json(call, task);

    if (out->iv.data != NULL) {
        add_bytes(json, "iv", &out->iv);
    }
    if (out->tag.data != NULL) {
        add_bytes(json, "tag", &out->tag);
    }
    if (out->aad.data != NULL) {
        add_bytes(json, "aad", &out->aad);
    }
    add_bytes(json, "value", &out->value);
    answer_json(call->answer, 200, json);
}

static void answer_verdict(const struct call *call, const struct task *task, bool good)
{
    cJSON *json = is_mhsm(call) ? result_json(call, task) : need(cJSON_CreateObject());

    cJSON_AddBoolToObject(json, "value", good);
    answer_json(call->answer, 200, json);
}

/* Where the settings say so, what was opened last is not opened again. */
static bool open_blob(const struct call *call, const struct task *task, struct parcel *ret_out)
{
    struct standin *standin = call->standin;

    if (!standin->settings.opens_once || task->in.iv.data != NULL) {
        return crypto_decrypt(task->pair, task->how, &task->in, ret_out);
    }
    {
        LOCKED(standin);
        if (opened_recall(&standin->opened, task->pair, task->how, &task->in.value, &ret_out->value)) {
            return true;
        }
    }
    if (!crypto_decrypt(task->pair, task->how, &task->in, ret_out)) {
        return false;
    }
    LOCKED(standin);
    opened_keep(&standin->opened, task->pair, task->how, &task->in.value, &ret_out->value);
    return true;
}

static bool compute(const struct call *call, const struct task *task, struct parcel *ret_out)
{
    switch (call->route.operation) {
    case OPERATION_ENCRYPT:
    case OPERATION_WRAP:
        return crypto_encrypt(task->pair, task->how, &task->in, ret_out);
    case OPERATION_DECRYPT:
    case OPERATION_UNWRAP:
        return open_blob(call, task, ret_out);
    default:
        return crypto_sign(task->pair, task->how, &task->in.value, &ret_out->value);
    }
}

static void verify(struct call *call, struct task *task)
{
    bool good;

    if (!read_bytes(call, "digest", true, &task->digest)) {
        return;
    }
    if (crypto_verify(task->pair, task->how, &task->digest, &task->in.value, &good)) {
        answer_verdict(call, task, good);
    } else {
        call_bad_parameter(call, bad_value);
    }
}

void vault_use(struct call *call)
{
    struct task task OWNED(task_done) = {0};
    struct parcel out OWNED(parcel_done) = {.value = {NULL, 0}};

    if (!find_key(call, &task) || !read_parcel(call, &task.in)) {
        return;
    }
    if (call->route.operation == OPERATION_VERIFY) {
        verify(call, &task);
    } else if (compute(call, &task, &out)) {
        answer_parcel(call, &task, &out);
    } else {
        call_bad_parameter(call, "The parameter is incorrect.\r\n");
    }
}
