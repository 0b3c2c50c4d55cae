/* Who may call what: the network first, then the token, how much was asked for, and the permission. */
#include "tests/standin/access.h"
#include "tests/standin/challenge.h"
#include "tests/standin/forbid.h"
#include "tests/standin/jwt.h"
#include "tests/standin/tokens.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* --- The token --- */

/* What a true token says; NULL: there is no token, or it is none of ours. */
static cJSON *read_token(const struct call *call)
{
    const char *header = request_header(call->request, "Authorization");

    return header == NULL || strncasecmp(header, "Bearer ", 7) != 0
               ? NULL
               : token_read(call->standin->token_key, header + 7);
}

/* With the lock. NULL: a 401 was given. */
static const struct caller *judge_claims(const struct call *call, const cJSON *claims)
{
    const struct caller *caller = caller_find(call->standin->callers, json_text(claims, "appid"));
    const char *audience = challenge_audience(call);
    char *issuer OWNED(owned_free) = text("https://sts.windows.net/%s/", call->standin->tenant);

    if (strcmp(json_text(claims, "aud"), audience) != 0) {
        challenge(call, text("AKV10022: Invalid audience. Expected %s, found: %s.", audience,
                             json_text(claims, "aud")));
    } else if (strcmp(json_text(claims, "iss"), issuer) != 0) {
        challenge(call, text("AKV10032: Invalid issuer. Expected one of %s, found %s.", issuer,
                             json_text(claims, "iss")));
    } else if (json_number(claims, "exp") <= (double)time(NULL)) {
        challenge(call, text("Error validating token: the token has expired."));
    } else if (caller == NULL) {
        challenge(call, text("Error validating token: the caller is unknown."));
    } else {
        return caller;
    }
    return NULL;
}

static const struct caller *authenticate(const struct call *call, const cJSON *claims)
{
    const char *header = request_header(call->request, "Authorization");

    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        challenge(call, text("AKV10000: Request is missing a Bearer or PoP token."));
        return NULL;
    }
    if (claims == NULL) {
        challenge(call, text("AKV10046: Unable to resolve the key used for signature validation."));
        return NULL;
    }
    return judge_claims(call, claims);
}

/* --- Claims that it must have been fetched with --- */

static bool can_answer_claims(const cJSON *claims)
{
    const cJSON *capability;

    cJSON_ArrayForEach(capability, cJSON_GetObjectItemCaseSensitive(claims, "xms_cc"))
    {
        if (same_text(cJSON_GetStringValue(capability), "cp1")) {
            return true;
        }
    }
    return false;
}

static bool fetched_with(const cJSON *claims, const cJSON *wanted)
{
    const cJSON *asked =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(claims, "asked"), "access_token");
    const cJSON *claim;

    cJSON_ArrayForEach(claim, cJSON_GetObjectItemCaseSensitive(wanted, "access_token"))
    {
        if (!cJSON_Compare(claim, cJSON_GetObjectItemCaseSensitive(asked, claim->string), true)) {
            return false;
        }
    }
    return can_answer_claims(claims);
}

/* A token that has the last of the caller's claims is good; one that has others is asked for the next. */
static bool has_claims(const struct call *call, const struct caller *caller, const cJSON *claims)
{
    int count = cJSON_GetArraySize(caller->claims), has = count - 1;

    while (has >= 0 && !fetched_with(claims, cJSON_GetArrayItem(caller->claims, has))) {
        has--;
    }
    if (has + 1 < count) {
        challenge_claims(call, cJSON_GetArrayItem(caller->claims, has + 1));
        return false;
    }
    return true;
}

/* --- How much --- */

/* What the request is about; a key that is not there costs what the cheapest one does. */
static struct key_kind kind_of(const struct call *call)
{
    const struct key *key = key_find(call->keys, call->route.name);
    cJSON *body OWNED(owned_json) = NULL;
    struct key_kind kind = {.kty = "RSA", .bits = 2048};

    if (call->route.operation == OPERATION_CREATE) {
        body = cJSON_ParseWithLength(call->request->body, call->request->size);
        snprintf(kind.kty, sizeof kind.kty, "%s", json_text(body, "kty"));
    } else if (key != NULL) {
        kind = key->newest->kind;
    }
    return kind;
}

/* With the lock. What is refused takes nothing from either limit. */
static bool in_quota(struct call *call)
{
    struct standin *standin = call->standin;
    const struct settings *settings = &standin->settings;
    struct quota_window *second = &standin->seconds[call->service];
    unsigned per_second = (unsigned)settings->quota_per_second, per_10s = (unsigned)settings->quota_per_10s;
    struct key_kind kind = kind_of(call);

    if (quota_take(second, 1000, per_second, 1)) {
        if (is_mhsm(call) ||
            quota_take(&standin->tens, 10 * 1000, per_10s, quota_weight(call->route.operation, &kind))) {
            return true;
        }
        second->used--;
    }
    standin->counts.throttled++;
    forbid_for_now(call, "VaultRequestTypeLimitReached", settings->quota_retry_after);
    return false;
}

/* --- What it may --- */

static bool permitted(const struct call *call, const struct caller *caller, enum operation operation)
{
    static const unsigned reading = 1U << OPERATION_GET | 1U << OPERATION_LIST;
    unsigned wanted = 1U << operation;

    /* Roles, a Managed HSM's own too, know one action for both. */
    if ((call->standin->settings.rbac || is_mhsm(call)) && (wanted & reading) != 0) {
        wanted = reading;
    }
    return (caller_permissions(caller) & wanted) != 0;
}

/* --- All of it --- */

/* With the lock. False: a 403 was given, whoever asks. */
static bool may_connect(struct call *call, const cJSON *claims)
{
    const char *caller = claims == NULL ? NULL : json_text(claims, "appid");

    if (call->standin->settings.private_link) {
        forbid_connection(call, caller);
        return false;
    }
    if (call->standin->settings.firewall) {
        forbid_address(call, caller);
        return false;
    }
    return true;
}

bool access_let_in(struct call *call)
{
    enum operation needed = permission_for(call->route.operation);
    cJSON *claims OWNED(owned_json) = read_token(call);
    const struct caller *caller;

    LOCKED(call->standin);
    if (!may_connect(call, claims)) {
        return false;
    }
    caller = authenticate(call, claims);
    if (caller == NULL || !has_claims(call, caller, claims) || !in_quota(call)) {
        return false;
    }
    if (needed >= PERMISSIONS || permitted(call, caller, needed)) {
        return true;
    }
    forbid_operation(call, caller, needed);
    return false;
}
