/* What was there when an exchange was recorded, read off its answer. */
#include "tests/truth/creation.h"
#include "tests/truth/replay.h"
#include <stdlib.h>
#include <string.h>

/* --- Keys --- */

/* Makes the key that the URL names; its version takes the place of the recorded one. */
static void create_key(struct replay *replay, const char *url, cJSON *creation)
{
    char *host ENDED_BY(free_text) = url_host(url), *name ENDED_BY(free_text) = url_key(url);
    char *path ENDED_BY(free_text) = format("/keys/%s/create", name);
    cJSON *made ENDED_BY(free_json) = replay_ask(replay, host, "POST", path, creation, 200);
    char *recorded ENDED_BY(free_text) = url_version(url);
    char *version ENDED_BY(free_text) = url_version(text_at(made, "key.kid"));

    replay_learn(replay, recorded, version);
}

static cJSON *call_key(const struct replay *replay, const char *url, const char *method, const char *rest,
                       cJSON *body)
{
    char *host ENDED_BY(free_text) = url_host(url), *name ENDED_BY(free_text) = url_key(url);
    char *path ENDED_BY(free_text) = format("/keys/%s%s", name, rest);

    return replay_ask(replay, host, method, path, body, 200);
}

static void make_recorded_key(struct replay *replay, const cJSON *exchange)
{
    const cJSON *body = item_at(exchange, "request.body");

    create_key(
        replay, text_at(exchange, "request.url"),
        creation_of(item_at(exchange, "response.body"), item_at(body, "attributes"), text_at(body, "alg")));
}

static void delete_key(const struct replay *replay, const char *url)
{
    cJSON_Delete(call_key(replay, url, "DELETE", "", NULL));
}

/* --- By what is asked --- */

static void prepare_key(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    (void)request;
    make_recorded_key(replay, exchange);
}

/* What is to be opened or verified must be made by our own key, of what came out of it when recorded. */
static void prepare_blob(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    const char *operation = text_at(exchange, "operation"), *url = text_at(request, "url");
    cJSON *body = cJSON_GetObjectItem(request, "body"), *asked = cJSON_CreateObject();
    cJSON *made ENDED_BY(free_json) = NULL;
    bool verify = strcmp(operation, "verify") == 0;

    make_recorded_key(replay, exchange);
    copy_item(body, "alg", asked);
    copy_item(body, "iv", asked);
    cJSON_AddStringToObject(asked, "value",
                            verify ? text_at(body, "digest") : text_at(exchange, "response.body.value"));
    made = call_key(replay, url, "POST",
                    verify                              ? "/sign"
                    : strcmp(operation, "decrypt") == 0 ? "/encrypt"
                                                        : "/wrapkey",
                    asked);
    replay_learn(replay, text_at(body, "value"), text_at(made, "value"));
}

static void prepare_deleted(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    make_recorded_key(replay, exchange);
    delete_key(replay, text_at(request, "url"));
}

/* As the answer tells it, or any. */
static void put_policy(const struct replay *replay, const char *url, const cJSON *told)
{
    cJSON *policy = cJSON_Parse("{\"lifetimeActions\":[{\"action\":{\"type\":\"rotate\"},\"trigger\":"
                                "{\"timeAfterCreate\":\"P30D\"}}],\"attributes\":{\"expiryTime\":\"P90D\"}}");

    if (told != NULL) {
        cJSON_Delete(policy);
        policy = cJSON_CreateObject();
        copy_item(told, "lifetimeActions", policy);
        copy_item(told, "attributes.expiryTime", cJSON_AddObjectToObject(policy, "attributes"));
    }
    cJSON_Delete(call_key(replay, url, "PUT", "/rotationpolicy", policy));
}

static void prepare_policy(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    make_recorded_key(replay, exchange);
    put_policy(replay, text_at(request, "url"), item_at(exchange, "response.body"));
}

/* A new version that expires without having been asked to: a policy says so. */
static bool has_policy(const cJSON *exchange)
{
    return cJSON_IsObject(item_at(exchange, "request.body")) &&
           item_at(exchange, "request.body.attributes.exp") == NULL &&
           item_at(exchange, "response.body.attributes.exp") != NULL;
}

static void prepare_rotation(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    cJSON *expiry ENDED_BY(free_json) = cJSON_Parse("{\"exp\":0}");
    const char *url = text_at(request, "url");

    create_key(replay, url, creation_of(item_at(exchange, "response.body"), expiry, ""));
    if (item_at(exchange, "response.body.attributes.exp") != NULL) {
        put_policy(replay, url, NULL);
    }
}

/* A policy that must not change has been there before. */
static void prepare_immutable(struct replay *replay, const cJSON *exchange)
{
    cJSON *policy ENDED_BY(free_json) = cJSON_CreateObject();

    copy_item(exchange, "request.body.release_policy", policy);
    cJSON_AddBoolToObject(cJSON_AddObjectToObject(policy, "attributes"), "exportable", true);
    create_key(replay, text_at(exchange, "request.url"), creation_of(policy, NULL, "RSA-OAEP"));
}

static void prepare_creation(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    if (strstr(text_at(exchange, "response.body.error.message"), "SKR.1020") != NULL) {
        prepare_immutable(replay, exchange);
    } else if (number_at(exchange, "response.status") == 409) {
        cJSON *creation = cJSON_Parse("{\"kty\":\"EC\"}");

        create_key(replay, text_at(request, "url"), creation);
        delete_key(replay, text_at(request, "url"));
    } else if (has_policy(exchange)) {
        prepare_rotation(replay, exchange, request);
    }
}

/* The key is named where the service names it: in the answer, or in the words of its refusal. */
static void prepare_backup(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    const char *message = strstr(text_at(exchange, "response.body.error.message"), "https://");
    char *url ENDED_BY(free_text) =
        format("%s", message == NULL ? text_at(exchange, "response.body.key.kid") : message);
    cJSON *backup ENDED_BY(free_json) = NULL;

    create_key(replay, url, creation_of(item_at(exchange, "response.body"), NULL, "RSA-OAEP"));
    backup = call_key(replay, url, "POST", "/backup", NULL);
    replay_learn(replay, text_at(request, "body.value"), text_at(backup, "value"));
    if (message == NULL) {
        char *host ENDED_BY(free_text) = url_host(url), *name ENDED_BY(free_text) = url_key(url);
        char *deleted ENDED_BY(free_text) = format("/deletedkeys/%s", name);

        delete_key(replay, url);
        cJSON_Delete(replay_ask(replay, host, "DELETE", deleted, NULL, 204));
    }
}

static void prepare_update(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    if (number_at(exchange, "response.status") == 400) {
        prepare_immutable(replay, exchange);
        return;
    }
    create_key(replay, text_at(request, "url"),
               creation_of(item_at(exchange, "response.body"), item_at(request, "body.attributes"), ""));
}

static void prepare_import(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    (void)replay;
    if (item_at(request, "body.key") == NULL) {
        cJSON *key = replay_private_key(item_at(exchange, "response.body.key"));

        copy_item(exchange, "response.body.key.kty", key);
        cJSON_AddItemToObject(key, "key_ops",
                              cJSON_DetachItemFromObject(cJSON_GetObjectItem(request, "body"), "key_ops"));
        cJSON_AddItemToObject(cJSON_GetObjectItem(request, "body"), "key", key);
    }
}

static const struct {
    const char *operation;
    void (*prepare)(struct replay *replay, const cJSON *exchange, cJSON *request);
} preparations[] = {
    {"backup", prepare_key},
    {"create", prepare_creation},
    {"decrypt", prepare_blob},
    {"delete", prepare_key},
    {"encrypt", prepare_key},
    {"get", prepare_key},
    {"get-deleted", prepare_deleted},
    {"get-rotationpolicy", prepare_policy},
    {"get-version", prepare_key},
    {"import", prepare_import},
    {"purge", prepare_deleted},
    {"put-rotationpolicy", prepare_key},
    {"recover", prepare_deleted},
    {"release", prepare_key},
    {"restore", prepare_backup},
    {"rotate", prepare_rotation},
    {"sign", prepare_key},
    {"unwrapkey", prepare_blob},
    {"update", prepare_update},
    {"verify", prepare_blob},
    {"wrapkey", prepare_key},
};

void replay_fill(const cJSON *exchange, cJSON *request)
{
    const char *operation = text_at(exchange, "operation");
    const cJSON *answer = item_at(exchange, "response.body");
    cJSON *body;

    if (number_at(exchange, "response.status") != 200 || cJSON_IsObject(item_at(request, "body")) ||
        (strcmp(operation, "create") != 0 && strcmp(operation, "update") != 0 &&
         strcmp(operation, "import") != 0)) {
        return;
    }
    body = cJSON_CreateObject();
    copy_attributes(body, answer, NULL);
    copy_item(answer, "tags", body);
    copy_item(answer, "key.key_ops", body);
    if (strcmp(operation, "create") == 0) {
        copy_item(answer, "key.kty", body);
        copy_item(answer, "key.crv", body);
    }
    cJSON_ReplaceItemInObject(request, "body", body);
}

/* Most refusals need nothing to be there. */
static bool needs_nothing(const cJSON *exchange)
{
    const char *code = text_at(exchange, "response.body.error.code");
    double status = number_at(exchange, "response.status");

    return status == 401 || status == 404 ||
           (status == 400 && strcmp(code, "NotSupported") != 0 &&
            strstr(text_at(exchange, "response.body.error.message"), "SKR.1020") == NULL);
}

void replay_prepare(struct replay *replay, const cJSON *exchange, cJSON *request)
{
    const char *operation = text_at(exchange, "operation");

    if (needs_nothing(exchange)) {
        return;
    }
    replay_fill(exchange, request);
    for (size_t i = 0; i < sizeof preparations / sizeof preparations[0]; i++) {
        if (strcmp(preparations[i].operation, operation) == 0) {
            preparations[i].prepare(replay, exchange, request);
        }
    }
}

/* --- Lists, and the vault itself --- */

void replay_prepare_list(const struct replay *replay, const cJSON *items, const char *url)
{
    struct replay other = {.hsm = replay->hsm};
    const cJSON *item;

    cJSON_ArrayForEach(item, items)
    {
        cJSON *creation = creation_of(item, NULL, "ES256");

        create_key(&other, text_at(item, "kid"), creation);
        if (strstr(url, "/deletedkeys") != NULL) {
            delete_key(&other, text_at(item, "kid"));
        }
        if (cJSON_IsTrue(item_at(item, "managed"))) {
            char *name ENDED_BY(free_text) = url_key(text_at(item, "kid"));
            char *path ENDED_BY(free_text) = format("/keys/%s", name);

            control(path, "{\"managed\":true}");
        }
    }
    replay_done(&other);
}

/* The first attributes in it that tell of the vault's soft delete. */
static const cJSON *vault_attributes(const cJSON *json)
{
    const cJSON *item, *found = NULL;

    if (cJSON_HasObjectItem(json, "recoveryLevel")) {
        return json;
    }
    cJSON_ArrayForEach(item, json)
    {
        found = found == NULL ? vault_attributes(item) : found;
    }
    return found;
}

static void forget(const char *what)
{
    char *answer ENDED_BY(free_text) = standin_control(&standin, "DELETE", what, NULL);

    assert_non_null(answer);
}

void replay_begin(const struct replay *replay, const cJSON *response)
{
    const cJSON *attributes = vault_attributes(response);
    cJSON *settings ENDED_BY(free_json) = cJSON_CreateObject();
    char *text ENDED_BY(free_text) = NULL;

    if (attributes != NULL) {
        const char *level = text_at(attributes, "recoveryLevel");
        const cJSON *days = item_at(attributes, "recoverableDays");

        cJSON_AddStringToObject(settings, "recovery_level", level);
        cJSON_AddNumberToObject(settings, "recoverable_days",
                                days != NULL                             ? days->valuedouble
                                : strncmp(level, "Recoverable", 11) == 0 ? 90
                                                                         : 0);
        cJSON_AddBoolToObject(settings, "tell_exportable", cJSON_HasObjectItem(attributes, "exportable"));
    }
    cJSON_AddBoolToObject(settings, "mhsm_rotation",
                          strcmp(text_at(response, "body.error.code"), "NotSupported") != 0);
    cJSON_AddNumberToObject(settings, "delete_delay_ms", replay->delay);
    forget(replay->hsm ? "/mhsm/keys" : "/keys");
    forget("/settings");
    text = cJSON_PrintUnformatted(settings);
    control("/settings", text);
}
