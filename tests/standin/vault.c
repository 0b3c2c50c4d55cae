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

/* What follows the name of a key that is not there: the version, but not where it was to be changed; and a
 * Managed HSM takes its policy for one. */
static const char *missing_part(const struct call *call)
{
    if (call->route.operation == OPERATION_GET_POLICY && is_mhsm(call)) {
        return "rotationpolicy";
    }
    return call->route.operation == OPERATION_UPDATE ? "" : call->route.version;
}

/* What is done to a key is done to it as it is; all else may see it as it was. */
static bool changes_keys(enum operation operation)
{
    return operation == OPERATION_CREATE || operation == OPERATION_IMPORT || operation == OPERATION_UPDATE ||
           operation == OPERATION_ROTATE || operation == OPERATION_SET_POLICY ||
           operation == OPERATION_DELETE || operation == OPERATION_RESTORE;
}

struct key *call_find_key(struct call *call, struct key_version **ret_version)
{
    struct key *key =
        (changes_keys(call->route.operation) ? key_find : key_seen)(call->keys, call->route.name);
    struct key_version *version =
        key == NULL || key_state_of(key) != KEY_LIVE ? NULL : key_version_find(key, call->route.version);

    if (version == NULL) {
        call_not_found(call, missing_part(call));
        return NULL;
    }
    strcpy(call->route.name, key->name);
    *ret_version = version;
    return key;
}

struct key_version *call_find(struct call *call)
{
    struct key_version *version;

    return call_find_key(call, &version) == NULL ? NULL : version;
}

/* --- The api-version --- */

/* False: a 400 was given. */
static bool read_api_version(struct call *call)
{
    const char *asked = request_query(call->request, "api-version");

    if (asked == NULL && is_mhsm(call) && request_query(call->request, "$skiptoken") != NULL) {
        asked = "7.4"; /* the links of a Managed HSM name none */
    }
    if (asked != NULL && api_of(asked, &call->api, &call->preview) &&
        (!is_mhsm(call) || call->api >= API_7_2)) {
        call->api_version = asked;
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
    bool vault, mhsm; /* who has it */
} parts[OPERATIONS] = {
    [OPERATION_ENCRYPT] = {vault_use, API_2015_06, true, true},
    [OPERATION_DECRYPT] = {vault_use, API_2015_06, true, true},
    [OPERATION_SIGN] = {vault_use, API_2015_06, true, true},
    [OPERATION_VERIFY] = {vault_use, API_2015_06, true, true},
    [OPERATION_WRAP] = {vault_use, API_2015_06, true, true},
    [OPERATION_UNWRAP] = {vault_use, API_2015_06, true, true},
    [OPERATION_GET] = {vault_get, API_2015_06, true, true},
    [OPERATION_LIST] = {vault_list, API_2015_06, true, true},
    [OPERATION_VERSIONS] = {vault_list_versions, API_2015_06, true, true},
    [OPERATION_CREATE] = {vault_create, API_2015_06, true, true},
    [OPERATION_IMPORT] = {vault_import, API_2015_06, true, true},
    [OPERATION_UPDATE] = {vault_update, API_2015_06, true, true},
    [OPERATION_DELETE] = {vault_delete, API_2015_06, true, true},
    [OPERATION_GET_DELETED] = {vault_get_deleted, API_2016_10, true, true},
    [OPERATION_LIST_DELETED] = {vault_list_deleted, API_2016_10, true, true},
    [OPERATION_RECOVER] = {vault_recover, API_2016_10, true, true},
    [OPERATION_PURGE] = {vault_purge, API_2016_10, true, true},
    [OPERATION_BACKUP] = {vault_back_up, API_2015_06, true, true},
    [OPERATION_RESTORE] = {vault_restore, API_2015_06, true, true},
    [OPERATION_ROTATE] = {vault_rotate, API_7_3, true, true},
    [OPERATION_GET_POLICY] = {vault_get_policy, API_7_3, true, true},
    [OPERATION_SET_POLICY] = {vault_set_policy, API_7_3, true, true},
    [OPERATION_RELEASE] = {vault_release, API_7_3, true, true},
    [OPERATION_RANDOM] = {vault_random, API_7_3, false, true},
    [OPERATION_ATTESTATION] = {vault_attestation, API_7_6, true, true},
    [OPERATION_SECURE_WRAP] = {vault_secure_wrap, API_2026_04, true, true},
    [OPERATION_SECURE_UNWRAP] = {vault_secure_unwrap, API_2026_04, true, true},
    [OPERATION_GET_CERTIFICATE] = {vault_get_certificate, API_2015_06, true, false},
    [OPERATION_LIST_CERTIFICATES] = {vault_list_certificates, API_2015_06, true, false},
    [OPERATION_CERTIFICATE_VERSIONS] = {vault_list_certificate_versions, API_2015_06, true, false},
    [OPERATION_GET_SECRET] = {vault_get_secret, API_2015_06, true, false}};

static bool has(const struct call *call, const struct part *part)
{
    return (is_mhsm(call) ? part->mhsm : part->vault) && call->api >= part->since;
}

/* How the key was before, for those that ask soon after. */
static void remember(const struct call *call)
{
    enum operation operation = call->route.operation;

    LOCKED(call->standin);
    if (operation == OPERATION_DELETE || operation == OPERATION_PURGE) {
        key_forget(call->keys, call->route.name);
    } else if (changes_keys(operation)) {
        key_remember(call->keys, call->route.name, call->standin->settings.key_delay_ms);
    }
}

static void dispatch(struct call *call)
{
    const struct part *part = &parts[call->route.operation];

    if (!has(call, part)) {
        call_refuse(call, 404, "NotFound", NULL, text("There is no such path or method."));
        return;
    }
    call->body = cJSON_ParseWithLength(call->request->body, call->request->size);
    remember(call);
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
const struct server_kind mhsm_service = {SERVICE_MHSM, operation_at, headers_mhsm, answer_mhsm, true};
