/* Who may call what: paths, tokens, permissions; the parts do the rest. */
#include "tests/standin/vault.h"
#include "tests/standin/tokens.h"
#include "tests/standin/vault_call.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

/* --- Who asks --- */

static void challenge(const struct call *call, char *message)
{
    char *header OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"%s\"", call->standin->identity_url,
             call->standin->tenant, call->standin->settings.audience);

    answer_header(call->answer, "WWW-Authenticate", header);
    answer_error(call->answer, 401, "Unauthorized", NULL, message);
}

static const char *claim(const cJSON *claims, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, name));

    return value == NULL ? "" : value;
}

/* With the lock. NULL: a 401 was given. */
static const struct caller *judge_claims(const struct call *call, const cJSON *claims)
{
    const struct standin *standin = call->standin;
    const struct caller *caller = caller_find(standin->callers, claim(claims, "appid"));

    if (claims == NULL) {
        challenge(call, text("AKV10046: Unable to resolve the key used for signature validation."));
    } else if (strcmp(claim(claims, "aud"), standin->settings.audience) != 0) {
        challenge(call, text("AKV10022: Invalid audience. Expected %s, found: %s.",
                             standin->settings.audience, claim(claims, "aud")));
    } else if (cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(claims, "exp")) <= (double)time(NULL)) {
        challenge(call, text("Error validating token: the token has expired."));
    } else if (caller == NULL) {
        challenge(call, text("Error validating token: the caller is unknown."));
    } else {
        return caller;
    }
    return NULL;
}

static const struct caller *authenticate(const struct call *call)
{
    const char *header = request_header(call->request, "Authorization");
    cJSON *claims OWNED(owned_json) = NULL;

    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        challenge(call, text("AKV10000: Request is missing a Bearer or PoP token."));
        return NULL;
    }
    claims = token_read(call->standin->token_key, header + 7);
    return judge_claims(call, claims);
}

/* --- What it may --- */

static bool permitted(const struct standin *standin, const struct caller *caller, enum operation operation)
{
    unsigned wanted = 1U << operation;

    if (standin->settings.rbac && (operation == OPERATION_GET || operation == OPERATION_LIST)) {
        wanted = 1U << OPERATION_GET | 1U << OPERATION_LIST; /* one data action, keys/read */
    }
    return (caller->permissions & wanted) != 0;
}

static char *who(const struct call *call, const struct caller *caller)
{
    return text("appid=%s;oid=%s;iss=https://sts.windows.net/%s/", caller->id, caller->id,
                call->standin->tenant);
}

static void forbid_by_policy(const struct call *call, const struct caller *caller, enum operation operation)
{
    char *name OWNED(owned_free) = who(call, caller);

    answer_error(call->answer, 403, "Forbidden", "ForbiddenByPolicy",
                 text("The user, group or application '%s' does not have keys %s permission on key vault "
                      "'%s;location=westeurope'. For help resolving this issue, please see "
                      "https://go.microsoft.com/fwlink/?linkid=2125287",
                      name, permission_word(operation), call->standin->vault_name));
}

static void forbid_by_role(const struct call *call, const struct caller *caller, enum operation operation)
{
    static const char *const actions[PERMISSIONS] = {
        "encrypt/action", "decrypt/action", "sign/action", "verify/action", "wrap/action",
        "unwrap/action",  "read",           "read",        "create/action", "update/action"};
    char *name OWNED(owned_free) = who(call, caller);

    answer_error(
        call->answer, 403, "Forbidden", "ForbiddenByRbac",
        text("Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
             "assignments or role definitions were changed recently, please observe propagation time.\r\n"
             "Caller: %s\r\nAction: 'Microsoft.KeyVault/vaults/keys/%s'\r\nResource: "
             "'/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers/"
             "microsoft.keyvault/vaults/%s/keys/%s'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
             "DecisionReason: null \r\nVault: %s;location=westeurope\r\n",
             name, actions[operation], call->standin->vault_name, call->route.name,
             call->standin->vault_name));
}

/* False: an answer was given. */
static bool let_in(const struct call *call)
{
    enum operation needed =
        call->route.operation == OPERATION_VERSIONS ? OPERATION_LIST : call->route.operation;
    const struct caller *caller;

    LOCKED(call->standin);
    caller = authenticate(call);
    if (caller == NULL) {
        return false;
    }
    if (needed >= PERMISSIONS || permitted(call->standin, caller, needed)) {
        return true;
    }
    (call->standin->settings.rbac ? forbid_by_role : forbid_by_policy)(call, caller, needed);
    return false;
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
    if (!let_in(&call) || !read_api_version(&call)) {
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
