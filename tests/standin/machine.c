/* IMDS and App Service, and what Arc shares with them. */
#include "tests/standin/machine.h"
#include "tests/standin/identity.h"
#include "tests/standin/tokens.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- Shared --- */

void machine_refuse(struct answer *answer, unsigned status, const char *error, char *description)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "error", error);
    cJSON_AddStringToObject(json, "error_description", description);
    free(description);
    answer_json(answer, status, json);
}

bool machine_refuse_proxied(const struct request *request, struct answer *answer)
{
    if (request_header(request, "X-Forwarded-For") == NULL && request_header(request, "Via") == NULL) {
        return false;
    }
    machine_refuse(answer, 400, "invalid_request", text("The request came through a proxy"));
    return true;
}

/* The real ones take a slash behind it too, and a client sends it. */
static bool is_path(const char *path, const char *wanted)
{
    size_t size = strlen(wanted);

    return strncasecmp(path, wanted, size) == 0 && (path[size] == '\0' || strcmp(path + size, "/") == 0);
}

enum operation machine_operation(const char *method, const char *path)
{
    bool asks = is_path(path, "/metadata/identity/oauth2/token") || is_path(path, "/msi/token");

    return strcmp(method, "GET") == 0 && asks ? OPERATION_TOKEN : OPERATION_OTHER;
}

static bool is_named(const struct caller *caller, enum identity_field field, const char *value)
{
    switch (field) {
    case FIELD_CLIENT_ID:
        return strcasecmp(caller->id, value) == 0;
    case FIELD_OBJECT_ID:
        return strcasecmp(caller->managed.object_id, value) == 0;
    case FIELD_RESOURCE_ID:
        return strcasecmp(caller->managed.resource_id, value) == 0;
    }
    return false;
}

/* The system-assigned one, else the only one. */
static const struct caller *usual_identity(const struct standin *standin)
{
    const struct caller *found = NULL;
    unsigned count = 0;

    for (const struct caller *caller = standin->callers; caller != NULL; caller = caller->next) {
        if (caller->managed.is_managed && caller->managed.is_system) {
            return caller;
        }
        if (caller->managed.is_managed) {
            found = caller;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

const struct caller *machine_identity(const struct standin *standin, const struct request *request,
                                      const struct identity_selector *selectors)
{
    for (; selectors->parameter != NULL; selectors++) {
        const char *value = request_query(request, selectors->parameter);

        for (const struct caller *caller = standin->callers; value != NULL; caller = caller->next) {
            if (caller == NULL) {
                return NULL;
            }
            if (caller->managed.is_managed && is_named(caller, selectors->field, value)) {
                return caller;
            }
        }
    }
    return usual_identity(standin);
}

static void add_number_text(cJSON *json, const char *name, long number)
{
    char *digits OWNED(owned_free) = text("%ld", number);

    cJSON_AddStringToObject(json, name, digits);
}

cJSON *machine_token(const struct standin *standin, const struct caller *caller, const char *resource,
                     long *ret_expires_on)
{
    const struct token_wish wish = {caller->id, resource, standin->settings.token_lifetime, NULL};
    char *token OWNED(owned_free) = NULL;
    cJSON *json;

    if (!identity_knows(standin, resource)) {
        return NULL;
    }
    token = token_make(standin, &wish);
    *ret_expires_on = (long)time(NULL) + wish.lifetime;
    json = need(cJSON_CreateObject());
    cJSON_AddStringToObject(json, "access_token", token);
    add_number_text(json, "expires_on", *ret_expires_on);
    cJSON_AddStringToObject(json, "resource", resource);
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    return json;
}

/* --- IMDS --- */

static bool refuse_imds(const struct request *request, struct answer *answer)
{
    const char *metadata = request_header(request, "Metadata");

    if (machine_refuse_proxied(request, answer)) {
        return true;
    }
    if (metadata == NULL || strcasecmp(metadata, "true") != 0) {
        machine_refuse(answer, 400, "invalid_request", text("Required metadata header not specified"));
    } else if (!same_text(request_query(request, "api-version"), "2018-02-01") &&
               !same_text(request_query(request, "api-version"), "2019-08-01")) {
        machine_refuse(answer, 400, "invalid_request", text("The api-version is missing or not supported"));
    } else if (request_query(request, "resource") == NULL) {
        machine_refuse(answer, 400, "invalid_resource", text("The parameter 'resource' is missing"));
    } else {
        return false;
    }
    return true;
}

static void answer_imds(struct standin *standin, const struct request *request, struct answer *answer)
{
    static const struct identity_selector selectors[] = {{"client_id", FIELD_CLIENT_ID},
                                                         {"object_id", FIELD_OBJECT_ID},
                                                         {"msi_res_id", FIELD_RESOURCE_ID},
                                                         {"mi_res_id", FIELD_RESOURCE_ID},
                                                         {NULL, FIELD_CLIENT_ID}};
    const struct caller *caller;
    long expires_on;
    cJSON *json;

    if (machine_operation(request->method, request->path) != OPERATION_TOKEN) {
        answer_html(answer, 404);
        return;
    }
    if (refuse_imds(request, answer)) {
        return;
    }
    LOCKED(standin);
    caller = machine_identity(standin, request, selectors);
    if (caller == NULL) {
        machine_refuse(answer, 400, "invalid_request", text("Identity not found"));
        return;
    }
    if (caller->disabled) {
        machine_refuse(answer, 400, "unauthorized_client",
                       text("AADSTS7000112: Application '%s'(stand-in) is disabled.", caller->id));
        return;
    }
    json = machine_token(standin, caller, request_query(request, "resource"), &expires_on);
    if (json == NULL) {
        machine_refuse(
            answer, 400, "invalid_resource",
            text("AADSTS500011: The resource principal named %s was not found in the tenant named %s.",
                 request_query(request, "resource"), standin->tenant));
        return;
    }
    cJSON_AddStringToObject(json, "client_id", caller->id);
    add_number_text(json, "expires_in", standin->settings.token_lifetime);
    add_number_text(json, "ext_expires_in", standin->settings.token_lifetime);
    add_number_text(json, "not_before", expires_on - standin->settings.token_lifetime);
    answer_json(answer, 200, json);
}

static void add_imds_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    (void)standin, (void)request;
    answer_header(answer, "Server", "IMDS/150.870.65.528");
}

const struct server_kind imds_service = {SERVICE_IMDS, machine_operation, add_imds_headers, answer_imds};

/* --- App Service and Container Apps --- */

/* Takes the message. */
static void refuse_app(struct answer *answer, unsigned status, char *message)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddNumberToObject(json, "statusCode", status);
    cJSON_AddStringToObject(json, "message", message);
    free(message);
    answer_json(answer, status, json);
}

static bool has_secret(const struct standin *standin, const struct request *request)
{
    const char *given = request_header(request, "X-IDENTITY-HEADER");
    size_t size = strlen(standin->app_service_header);

    return given != NULL && strlen(given) == size &&
           CRYPTO_memcmp(given, standin->app_service_header, size) == 0;
}

static void give_app_token(const struct standin *standin, const struct request *request, const char *resource,
                           struct answer *answer)
{
    static const struct identity_selector selectors[] = {{"client_id", FIELD_CLIENT_ID},
                                                         {"principal_id", FIELD_OBJECT_ID},
                                                         {"object_id", FIELD_OBJECT_ID},
                                                         {"mi_res_id", FIELD_RESOURCE_ID},
                                                         {NULL, FIELD_CLIENT_ID}};
    const struct caller *caller = machine_identity(standin, request, selectors);
    long expires_on;
    cJSON *json;

    if (caller == NULL) {
        refuse_app(answer, 400,
                   text("No User Assigned or Delegated Managed Identity found for specified "
                        "ClientId/ResourceId/PrincipalId."));
        return;
    }
    json = machine_token(standin, caller, resource, &expires_on);
    if (json == NULL) {
        refuse_app(answer, 400, text("The resource %s was not found in the tenant.", resource));
        return;
    }
    cJSON_AddStringToObject(json, "client_id", caller->id);
    answer_json(answer, 200, json);
}

static void answer_app(struct standin *standin, const struct request *request, struct answer *answer)
{
    if (!is_path(request->path, "/msi/token") || strcmp(request->method, "GET") != 0) {
        answer_html(answer, 404);
    } else if (machine_refuse_proxied(request, answer)) {
        return;
    } else if (!has_secret(standin, request)) {
        refuse_app(answer, 401, text("The header X-IDENTITY-HEADER is missing or wrong."));
    } else if (!same_text(request_query(request, "api-version"), "2019-08-01")) {
        refuse_app(answer, 400, text("The api-version is missing or not supported."));
    } else if (request_query(request, "resource") == NULL) {
        refuse_app(answer, 400, text("The parameter 'resource' is missing."));
    } else {
        LOCKED(standin);
        give_app_token(standin, request, request_query(request, "resource"), answer);
    }
}

static void add_no_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    (void)standin, (void)request, (void)answer;
}

const struct server_kind app_service = {SERVICE_APP_SERVICE, machine_operation, add_no_headers, answer_app};
