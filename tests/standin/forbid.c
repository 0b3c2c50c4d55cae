/* The refusals. */
#include "tests/standin/forbid.h"
#include <stdlib.h>
#include <string.h>

/* --- What it asks for, in three languages --- */

static const struct {
    const char *policy, *role, *local;
} names[PERMISSIONS] = {
    [OPERATION_ENCRYPT] = {"keys encrypt", "keys/encrypt/action", "keys/encrypt/action"},
    [OPERATION_DECRYPT] = {"keys decrypt", "keys/decrypt/action", "keys/decrypt/action"},
    [OPERATION_SIGN] = {"keys sign", "keys/sign/action", "keys/sign/action"},
    [OPERATION_VERIFY] = {"keys verify", "keys/verify/action", "keys/verify/action"},
    [OPERATION_WRAP] = {"keys wrapKey", "keys/wrap/action", "keys/wrap/action"},
    [OPERATION_UNWRAP] = {"keys unwrapKey", "keys/unwrap/action", "keys/unwrap/action"},
    [OPERATION_GET] = {"keys get", "keys/read", "keys/read/action"},
    [OPERATION_LIST] = {"keys list", "keys/read", "keys/read/action"},
    [OPERATION_CREATE] = {"keys create", "keys/create/action", "keys/create"},
    [OPERATION_UPDATE] = {"keys update", "keys/update/action", "keys/write/action"},
    [OPERATION_IMPORT] = {"keys import", "keys/import/action", "keys/import/action"},
    [OPERATION_DELETE] = {"keys delete", "keys/delete", "keys/delete"},
    [OPERATION_RECOVER] = {"keys recover", "keys/recover/action", "keys/deletedKeys/recover/action"},
    [OPERATION_PURGE] = {"keys purge", "keys/purge/action", "keys/deletedKeys/delete"},
    [OPERATION_BACKUP] = {"keys backup", "keys/backup/action", "keys/backup/action"},
    [OPERATION_RESTORE] = {"keys restore", "keys/restore/action", "keys/restore/action"},
    [OPERATION_ROTATE] = {"keys rotate", "keys/rotate/action", "keys/rotate/action"},
    [OPERATION_GET_POLICY] = {"keys getrotationpolicy", "keyrotationpolicies/read", "keys/read/action"},
    [OPERATION_SET_POLICY] = {"keys setrotationpolicy", "keyrotationpolicies/write", "keys/write/action"},
    [OPERATION_RELEASE] = {"keys release", "keys/release/action", "keys/release/action"},
    [OPERATION_RANDOM] = {"keys rng", "rng/action", "rng/action"},
    [OPERATION_GET_CERTIFICATE] = {"certificates get", "certificates/read", "certificates/read"},
    [OPERATION_LIST_CERTIFICATES] = {"certificates list", "certificates/read", "certificates/read"},
    [OPERATION_GET_SECRET] = {"secrets get", "secrets/getSecret/action", "secrets/getSecret/action"},
};

static char *who(const struct call *call, const char *caller)
{
    return text("appid=%s;oid=%s;iss=https://sts.windows.net/%s/", caller, caller, call->standin->tenant);
}

/* --- Permissions --- */

static void forbid_by_policy(struct call *call, const char *caller, enum operation operation)
{
    char *name OWNED(owned_free) = who(call, caller);

    call_refuse(call, 403, "Forbidden", "ForbiddenByPolicy",
                text("The user, group or application '%s' does not have %s permission on key vault "
                     "'%s;location=westeurope'. For help resolving this issue, please see "
                     "https://go.microsoft.com/fwlink/?linkid=2125287",
                     name, names[operation].policy, call->standin->vault_name));
}

static void forbid_by_role(struct call *call, const char *caller, enum operation operation)
{
    char *name OWNED(owned_free) = who(call, caller);

    call_refuse(
        call, 403, "Forbidden", "ForbiddenByRbac",
        text("Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
             "assignments or role definitions were changed recently, please observe propagation time.\r\n"
             "Caller: %s\r\nAction: 'Microsoft.KeyVault/vaults/%s'\r\nResource: "
             "'/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers/"
             "microsoft.keyvault/vaults/%s/keys/%s'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
             "DecisionReason: null \r\nVault: %s;location=westeurope\r\n",
             name, names[operation].role, call->standin->vault_name, call->route.name,
             call->standin->vault_name));
}

/* Its code stands outside, without an inner one. */
static void forbid_locally(struct call *call, enum operation operation)
{
    const char *name = call->route.name;

    call_refuse(call, 403, "AccessDenied", NULL,
                text("Not authorized to access Microsoft.KeyVault/managedHsm/%s on /keys%s%s",
                     names[operation].local, name[0] == '\0' ? "" : "/", name));
}

void forbid_operation(struct call *call, const struct caller *caller, enum operation operation)
{
    if (is_mhsm(call)) {
        forbid_locally(call, operation);
    } else if (call->standin->settings.rbac) {
        forbid_by_role(call, caller->id, operation);
    } else {
        forbid_by_policy(call, caller->id, operation);
    }
}

/* --- The network --- */

/* Takes the first sentence. */
static void forbid_network(struct call *call, const char *inner, char *first, const char *caller)
{
    char *sentence OWNED(owned_free) = first;
    char *name OWNED(owned_free) = caller == NULL ? text("%s", "") : who(call, caller);

    call_refuse(
        call, 403, "Forbidden", inner,
        text("%s\r\nCaller: %s\r\nVault: %s;location=westeurope", sentence, name, call->standin->vault_name));
}

void forbid_address(struct call *call, const char *caller)
{
    forbid_network(
        call, "ForbiddenByFirewall",
        text("Client address is not authorized and caller is not a trusted service.\r\nClient address: "
             "127.0.0.1"),
        caller);
}

void forbid_connection(struct call *call, const char *caller)
{
    forbid_network(
        call, "ForbiddenByConnection",
        text("Public network access is disabled and request is not from a trusted service nor via an "
             "approved private link."),
        caller);
}

/* --- Too many --- */

void forbid_for_now(struct call *call, const char *reason, const char *retry_after)
{
    call_refuse(
        call, 429, "Throttled", NULL,
        text("Request was not processed because too many requests were received. Reason: %s", reason));
    if (retry_after[0] != '\0') {
        answer_header(call->answer, "Retry-After", retry_after);
    }
}
