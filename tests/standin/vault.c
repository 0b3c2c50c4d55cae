/* Paths, api-versions and who does what; access.c says who is let in, the parts do the rest. */
#include "tests/standin/vault.h"
#include "tests/standin/access.h"
#include "tests/standin/headers.h"
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>

/* --- Shared with the parts --- */

void call_refuse(struct call *call, unsigned status, const char *code, const char *inner, char *message)
{
    if (is_mhsm(call)) {
        char *plain OWNED(owned_free) = message;

        message = text("%s (Activity ID: %s)", plain, answer_header_of(call->answer, "x-ms-request-id"));
    }
    answer_error(call->answer, status, code, inner, message);
}

void call_bad_parameter(struct call *call, const char *message)
{
    call_refuse(call, 400, "BadParameter", NULL, text("%s", message));
}

static char *not_found_words(const struct call *call, const char *version)
{
    const char *slash = version[0] == '\0' ? "" : "/";

    if (is_mhsm(call)) {
        return text("Key not found: %s/keys/%s%s%s", call->base, call->route.name, slash, version);
    }
    if (call->api <= API_7_0) {
        return text("Key not found: %s%s%s", call->route.name, slash, version);
    }
    return text("A key with (name/id) %s%s%s was not found in this key vault. If you recently deleted this "
                "key you may be able to recover it using the correct recovery command. For help resolving "
                "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
                call->route.name, slash, version);
}

void call_not_found(struct call *call, const char *version)
{
    call_refuse(call, 404, "KeyNotFound", NULL, not_found_words(call, version));
}

struct key_version *call_find(struct call *call)
{
    struct key *key = key_find(call->keys, call->route.name);
    struct key_version *version =
        key == NULL || key->deleted ? NULL : key_version_find(key, call->route.version);

    if (version == NULL) {
        /* The service names the version too, but not where it was to be changed. */
        call_not_found(call, call->route.operation == OPERATION_UPDATE ? "" : call->route.version);
        return NULL;
    }
    strcpy(call->route.name, key->name);
    return version;
}

/* --- The api-version --- */

static bool set_api_version(struct call *call, const char *asked)
{
    static const char *const names[APIS] = {"2015-06-01", "2016-10-01", "7.0",       "7.1",
                                            "7.2",        "7.3",        "7.4",       "7.5",
                                            "7.6",        "2025-07-01", "2026-04-01"};

    for (unsigned i = 0; i < APIS; i++) {
        size_t size = strlen(names[i]);

        if (strncmp(asked, names[i], size) == 0 &&
            (asked[size] == '\0' || strcmp(asked + size, "-preview") == 0)) {
            call->api_version = asked;
            call->api = (enum api)i;
            call->preview = asked[size] != '\0';
            return true;
        }
    }
    return false;
}

/* False: a 400 was given. */
static bool read_api_version(struct call *call)
{
    const char *asked = request_query(call->request, "api-version");

    if (asked == NULL && is_mhsm(call) && request_query(call->request, "$skiptoken") != NULL) {
        asked = "7.4"; /* the links of a Managed HSM name none */
    }
    if (asked != NULL && set_api_version(call, asked)) {
        return true;
    }
    call_bad_parameter(call, asked == NULL ? "The request did not specify an api-version."
                                           : "The specified api-version is not supported.");
    return false;
}

/* --- The services --- */

static const struct part {
    void (*answer)(struct call *call);
    enum api since;
} parts[OPERATIONS] = {[OPERATION_ENCRYPT] = {vault_use, API_2015_06},
                       [OPERATION_DECRYPT] = {vault_use, API_2015_06},
                       [OPERATION_SIGN] = {vault_use, API_2015_06},
                       [OPERATION_VERIFY] = {vault_use, API_2015_06},
                       [OPERATION_WRAP] = {vault_use, API_2015_06},
                       [OPERATION_UNWRAP] = {vault_use, API_2015_06},
                       [OPERATION_GET] = {vault_get, API_2015_06},
                       [OPERATION_LIST] = {vault_list, API_2015_06},
                       [OPERATION_CREATE] = {vault_create, API_2015_06},
                       [OPERATION_UPDATE] = {vault_update, API_2015_06},
                       [OPERATION_VERSIONS] = {vault_list_versions, API_2015_06}};

static void dispatch(struct call *call)
{
    const struct part *part = &parts[call->route.operation];

    if (part->answer == NULL || call->api < part->since) {
        call_refuse(call, 404, "NotFound", NULL, text("There is no such path or method."));
        return;
    }
    call->body = cJSON_ParseWithLength(call->request->body, call->request->size);
    part->answer(call);
    cJSON_Delete(call->body);
}

static void answer_call(struct call *call)
{
    if (call->route.bad_name && !is_mhsm(call)) {
        headers_gateway(call->answer); /* the web server before the service says it */
        answer_html(call->answer, 400);
    } else if (!access_let_in(call) || !read_api_version(call)) {
        return;
    } else if (call->route.bad_name) {
        call_bad_parameter(call, "Invalid key identifier or name");
    } else {
        dispatch(call);
    }
}

static void answer_vault(struct standin *standin, const struct request *request, struct answer *answer)
{
    struct call call = {.standin = standin,
                        .service = SERVICE_VAULT,
                        .keys = &standin->keys,
                        .request = request,
                        .answer = answer,
                        .route = route_of(request->method, request->path),
                        .base = request_base(request, standin->vault_url)};

    answer_call(&call);
    free(call.base);
}

static void answer_mhsm(struct standin *standin, const struct request *request, struct answer *answer)
{
    struct call call = {.standin = standin,
                        .service = SERVICE_MHSM,
                        .keys = &standin->mhsm_keys,
                        .request = request,
                        .answer = answer,
                        .route = route_of(request->method, request->path),
                        .base = request_base(request, standin->mhsm_url)};

    answer_call(&call);
    free(call.base);
    if (answer->status < 300) {
        headers_mhsm_done(answer);
    }
}

static enum operation operation_at(const char *method, const char *path)
{
    return route_of(method, path).operation;
}

const struct server_kind vault_service = {SERVICE_VAULT, operation_at, headers_vault, answer_vault};
const struct server_kind mhsm_service = {SERVICE_MHSM, operation_at, headers_mhsm, answer_mhsm};
