/* Who may call what: tokens, permissions, and the words of each refusal. */
#include "tests/standin/access.h"
#include "tests/standin/tokens.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- Who asks --- */

static const char *audience_of(const struct call *call)
{
    const struct settings *settings = &call->standin->settings;

    return is_mhsm(call) ? settings->mhsm_audience : settings->audience;
}

static void challenge(const struct call *call, char *message)
{
    char *header OWNED(owned_free) =
        text("Bearer authorization=\"%s/%s\", resource=\"%s\"", call->standin->identity_url,
             call->standin->tenant, audience_of(call));

    answer_header(call->answer, "WWW-Authenticate", header);
    if (is_mhsm(call)) {
        call->answer->status = 401; /* with nothing in it */
        free(message);
        return;
    }
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
    } else if (strcmp(claim(claims, "aud"), audience_of(call)) != 0) {
        challenge(call, text("AKV10022: Invalid audience. Expected %s, found: %s.", audience_of(call),
                             claim(claims, "aud")));
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
    return (caller_permissions(caller) & wanted) != 0;
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
    static const char *const actions[PERMISSIONS] = {"encrypt/action",
                                                     "decrypt/action",
                                                     "sign/action",
                                                     "verify/action",
                                                     "wrap/action",
                                                     "unwrap/action",
                                                     "read",
                                                     "read",
                                                     "create/action",
                                                     "update/action",
                                                     "import/action",
                                                     "delete",
                                                     "recover/action",
                                                     "purge/action",
                                                     "backup/action",
                                                     "restore/action",
                                                     "rotate/action",
                                                     "rotationpolicies/read",
                                                     "rotationpolicies/write",
                                                     "release/action",
                                                     "rng/action",
                                                     "certificates/read",
                                                     "certificates/read",
                                                     "secrets/getSecret/action"};
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

bool access_let_in(const struct call *call)
{
    enum operation needed = permission_for(call->route.operation);
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
