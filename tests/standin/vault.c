/* Paths, api-versions and who does what; access.c says who is let in, the parts do the rest. */
#include "tests/standin/vault.h"
#include "tests/standin/access.h"
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>

/* In the order they came. */
static const char *const api_versions[] = {
    "2015-06-01", "2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"};
enum { API_VERSIONS = sizeof api_versions / sizeof *api_versions, FIRST_WITH_PLATFORM = 7 };

/* --- Shared with the parts --- */

void call_bad_parameter(struct call *call, const char *message)
{
    answer_error(call->answer, 400, "BadParameter", NULL, text("%s", message));
}

struct key_version *call_find(struct call *call)
{
    struct key *key = key_find(&call->standin->keys, call->route.name);
    struct key_version *version =
        key == NULL || key->deleted ? NULL : key_version_find(key, call->route.version);

    if (version == NULL) {
        /* The service names the version too, but not where it was to be changed. */
        const char *missing = call->route.operation == OPERATION_UPDATE ? "" : call->route.version;

        answer_error(
            call->answer, 404, "KeyNotFound", NULL,
            text("A key with (name/id) %s%s%s was not found in this key vault. If you recently deleted this "
                 "key you may be able to recover it using the correct recovery command. For help resolving "
                 "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
                 call->route.name, missing[0] == '\0' ? "" : "/", missing));
        return NULL;
    }
    strcpy(call->route.name, key->name);
    return version;
}

static bool read_api_version(struct call *call)
{
    const char *asked = request_query(call->request, "api-version");

    for (unsigned i = 0; asked != NULL && i < API_VERSIONS; i++) {
        size_t size = strlen(api_versions[i]);

        if (strncmp(asked, api_versions[i], size) == 0 &&
            (asked[size] == '\0' || strcmp(asked + size, "-preview") == 0)) {
            call->api_version = asked;
            call->tells_platform = i >= FIRST_WITH_PLATFORM;
            return true;
        }
    }
    call_bad_parameter(call, asked == NULL ? "The request did not specify an api-version."
                                           : "The specified api-version is not supported.");
    return false;
}

/* --- The service --- */

static void dispatch(struct call *call)
{
    static void (*const parts[OPERATIONS])(struct call *) = {[OPERATION_ENCRYPT] = vault_use,
                                                             [OPERATION_DECRYPT] = vault_use,
                                                             [OPERATION_SIGN] = vault_use,
                                                             [OPERATION_VERIFY] = vault_use,
                                                             [OPERATION_WRAP] = vault_use,
                                                             [OPERATION_UNWRAP] = vault_use,
                                                             [OPERATION_GET] = vault_get,
                                                             [OPERATION_LIST] = vault_list,
                                                             [OPERATION_CREATE] = vault_create,
                                                             [OPERATION_UPDATE] = vault_update,
                                                             [OPERATION_VERSIONS] = vault_list_versions};

    if (parts[call->route.operation] == NULL) {
        answer_error(call->answer, 404, "NotFound", NULL, text("There is no such path or method."));
        return;
    }
    call->body = cJSON_ParseWithLength(call->request->body, call->request->size);
    parts[call->route.operation](call);
    cJSON_Delete(call->body);
}

static void answer_request(struct standin *standin, const struct request *request, struct answer *answer)
{
    struct call call = {.standin = standin,
                        .request = request,
                        .answer = answer,
                        .route = route_of(request->method, request->path)};

    if (call.route.bad_name) {
        answer_html(answer, 400); /* the web server before the service says it */
        return;
    }
    if (!access_let_in(&call) || !read_api_version(&call)) {
        return;
    }
    call.base = request_base(request, standin->vault_url);
    dispatch(&call);
    free(call.base);
}

static void add_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    const char *client_id = request_header(request, "x-ms-client-request-id");
    char *id OWNED(owned_free) = random_uuid();

    (void)standin;
    answer_header(answer, "Cache-Control", "no-cache");
    answer_header(answer, "Pragma", "no-cache");
    answer_header(answer, "Expires", "-1");
    answer_header(answer, "Strict-Transport-Security", "max-age=31536000;includeSubDomains");
    answer_header(answer, "X-Content-Type-Options", "nosniff");
    answer_header(answer, "x-ms-keyvault-region", "westeurope");
    answer_header(answer, "x-ms-keyvault-network-info",
                  "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;");
    answer_header(answer, "x-ms-keyvault-service-version", "1.9.749.1");
    answer_header(answer, "x-ms-request-id", id);
    if (client_id != NULL) {
        answer_header(answer, "x-ms-client-request-id", client_id);
    }
}

static enum operation operation_at(const char *method, const char *path)
{
    return route_of(method, path).operation;
}

const struct server_kind vault_service = {SERVICE_VAULT, operation_at, add_headers, answer_request};
