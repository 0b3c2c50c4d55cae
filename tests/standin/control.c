/* The control port, all but the keys. */
#include "tests/standin/control.h"
#include "tests/standin/federation.h"
#include "tests/standin/files.h"
#include <stdlib.h>
#include <string.h>

void control_refuse(struct answer *answer, char *message)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "error", message);
    free(message);
    answer_json(answer, 400, json);
}

static void answer_done_well(struct answer *answer)
{
    answer_json(answer, 200, need(cJSON_CreateObject()));
}

/* --- Callers --- */

static void callers(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                    struct answer *answer)
{
    if (strcmp(method, "PUT") != 0 || rest[0] == '\0') {
        control_refuse(answer, text("PUT /callers/ID"));
    } else if (control_caller(standin, rest, body, answer)) {
        answer_done_well(answer);
    }
}

static void federated_token(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                            struct answer *answer)
{
    const char *wrong = "PUT /federated-token";
    char *token OWNED(owned_free) = NULL;

    (void)rest;
    token = strcmp(method, "PUT") == 0 ? federation_token(standin, body, &wrong) : NULL;
    if (token == NULL) {
        control_refuse(answer, text("%s", wrong));
    } else if (!file_write(standin->federated_token_file, 0600, token, strlen(token))) {
        control_refuse(answer, text("the file cannot be written"));
    } else {
        answer_done_well(answer);
    }
}

/* --- Faults, counts, settings --- */

static void faults(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                   struct answer *answer)
{
    struct fault *added = NULL;
    char *wrong = NULL;

    (void)rest;
    if (strcmp(method, "GET") == 0) {
        answer_json(answer, 200, faults_json(standin->faults));
        return;
    }
    if (strcmp(method, "DELETE") != 0) {
        if (!cJSON_IsArray(body) || !faults_read(body, &added, &wrong)) {
            control_refuse(answer, wrong == NULL ? text("not an array") : wrong);
            return;
        }
    }
    if (strcmp(method, "POST") != 0) {
        faults_free(standin->faults);
        standin->faults = NULL;
    }
    faults_append(&standin->faults, added);
    answer_done_well(answer);
}

static void counts(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                   struct answer *answer)
{
    (void)rest, (void)body;
    if (strcmp(method, "DELETE") == 0) {
        counts_clear(&standin->counts);
    }
    answer_json(answer, 200, counts_json(&standin->counts));
}

static void requests(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                     struct answer *answer)
{
    const cJSON *log = standin->counts.log;

    (void)method, (void)rest, (void)body;
    answer_json(answer, 200, need(log == NULL ? cJSON_CreateArray() : cJSON_Duplicate(log, true)));
}

static void settings(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                     struct answer *answer)
{
    const char *wrong;

    (void)rest;
    if (strcmp(method, "DELETE") == 0) {
        settings_init(&standin->settings);
    }
    if (strcmp(method, "PUT") == 0 && !settings_change(&standin->settings, body, &wrong)) {
        control_refuse(answer, text("%s", wrong));
        return;
    }
    if (strcmp(method, "GET") != 0) { /* a new limit begins a new window */
        standin->tens = (struct quota_window){0};
        memset(standin->seconds, 0, sizeof standin->seconds);
    }
    answer_json(answer, 200, settings_json(&standin->settings));
}

static void keys(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                 struct answer *answer)
{
    control_keys(standin, &standin->keys, method, rest, body, answer);
}

static const char *mhsm_key_name(const char *rest)
{
    static const char prefix[] = "keys";

    if (strncmp(rest, prefix, strlen(prefix)) != 0) {
        return NULL;
    }
    rest += strlen(prefix);
    return rest[0] == '/' ? rest + 1 : rest[0] == '\0' ? rest : NULL;
}

static void mhsm(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                 struct answer *answer)
{
    const char *name = mhsm_key_name(rest);

    if (name == NULL) {
        control_refuse(answer, text("/mhsm/keys[/NAME]"));
        return;
    }
    control_keys(standin, &standin->mhsm_keys, method, name, body, answer);
}

/* --- The service --- */

static const struct resource {
    const char *name;
    void (*answer)(struct standin *standin, const char *method, const char *rest, const cJSON *body,
                   struct answer *answer);
} resources[] = {
    {"keys", keys},     {"mhsm", mhsm},     {"callers", callers},   {"federated-token", federated_token},
    {"faults", faults}, {"counts", counts}, {"requests", requests}, {"settings", settings}};

static const struct resource *find_resource(const char *path, size_t size)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        if (strlen(resources[i].name) == size && strncmp(resources[i].name, path, size) == 0) {
            return &resources[i];
        }
    }
    return NULL;
}

static void answer_resource(struct standin *standin, const struct resource *resource,
                            const struct request *request, const char *rest, struct answer *answer)
{
    cJSON *body OWNED(owned_json) = cJSON_ParseWithLength(request->body, request->size);

    if (request->size > 0 && body == NULL) {
        control_refuse(answer, text("the body is not JSON"));
        return;
    }
    LOCKED(standin);
    resource->answer(standin, request->method, rest, body, answer);
}

static void answer_request(struct standin *standin, const struct request *request, struct answer *answer)
{
    const char *path = request->path + 1;
    size_t size = strcspn(path, "/");
    const char *rest = path + size + (path[size] == '/' ? 1 : 0);
    const struct resource *resource = find_resource(path, size);

    if (resource == NULL) {
        answer_json(answer, 404, need(cJSON_CreateObject()));
        return;
    }
    answer_resource(standin, resource, request, rest, answer);
    if (resource->answer == keys) {
        control_prepare(standin, &standin->keys, rest);
    }
    if (resource->answer == mhsm && mhsm_key_name(rest) != NULL) {
        control_prepare(standin, &standin->mhsm_keys, mhsm_key_name(rest));
    }
}

static void add_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    (void)standin, (void)request, (void)answer;
}

const struct server_kind control_service = {SERVICE_CONTROL, NULL, add_headers, answer_request};
