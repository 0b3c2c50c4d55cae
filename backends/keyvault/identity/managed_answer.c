/* What the services of a machine answer. */
#include "backends/keyvault/identity/aadsts.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/keyvault/identity/token_json.h"
#include <string.h>
#include <time.h>

/* The machine has no such identity: in the words of the metadata service, and of App Service. */
static bool says_no_identity(struct bytes body)
{
    return token_json_says(body, "Identity not found") || token_json_says(body, "anaged Identity found") ||
           token_json_says(body, "managed identity.");
}

static bool fail_no_identity(const struct managed_source *source, const char *user_assigned,
                             struct identity_failure *ret_failure)
{
    if (user_assigned != NULL) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "%s knows no identity %s: assign it to this machine, or correct client-id",
                             source->name, user_assigned);
    }
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                         "no identity is assigned to this machine, says %s: switch on its system-assigned "
                         "identity, or name a user-assigned one by client-id",
                         source->name);
}

/* The machine has it, the directory does not, or not any longer. */
static bool fail_no_caller(const struct managed_source *source, const struct token_error *error,
                           struct identity_failure *ret_failure)
{
    (void)identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s gives no token: %s, AADSTS%lld: %s",
                        source->name, error->error, (long long)error->code, aadsts_advice(error->code));
    ret_failure->verdict = VERDICT_NO_CALLER;
    return false;
}

/* 400 and 401. Only `error` is told on, never the text. */
static bool fail_refused(const struct managed_source *source, const char *user_assigned,
                         const struct http_reply *reply, struct identity_failure *ret_failure)
{
    struct token_error error;

    if (reply->status == 401) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s refuses %s", source->name,
                             source->header != NULL ? "the secret that the environment gives for it"
                             : source->challenges   ? "the key of the file that it has named"
                                                    : "this machine (401)");
    }
    if (says_no_identity(buffer_bytes(&reply->body))) {
        return fail_no_identity(source, user_assigned, ret_failure);
    }
    if (token_json_read_error(buffer_bytes(&reply->body), &error)) {
        if (aadsts_is_no_caller(error.code)) {
            return fail_no_caller(source, &error, ret_failure);
        }
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "%s gives no token: %s; check client-id and audience", source->name,
                             error.error);
    }
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                         "%s refuses the request; check client-id, and that this machine has an identity",
                         source->name);
}

static bool fail_status(const struct managed_source *source, const char *user_assigned,
                        const struct http_reply *reply, struct identity_failure *ret_failure)
{
    switch (reply->status) {
    case 400:
    case 401:
        return fail_refused(source, user_assigned, reply, ret_failure);
    case 403:
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "403 instead of a token: a proxy or a rule of this machine's network stands "
                             "before %s",
                             source->name);
    case 404:
    case 410:
        return identity_fail(ret_failure, CKR_DEVICE_ERROR, "%s answered %u%s", source->name, reply->status,
                             source->updates ? ": it is being updated, or this is no machine of the cloud"
                                             : "; check the address that the environment gives for it");
    default:
        return identity_fail(ret_failure, CKR_DEVICE_ERROR, "%s answered %u without a token", source->name,
                             reply->status);
    }
}

/* Where the answer says when it was given, that counts, not this machine's clock. */
static int64_t now_of(const struct http_reply *reply)
{
    return reply->date != 0 ? reply->date : (int64_t)time(NULL);
}

bool managed_answer_judge(const struct managed_source *source, const char *url, const char *user_assigned,
                          const struct http_reply *reply, struct buffer *ret_token, int64_t *ret_lifetime,
                          struct identity_failure *ret_failure)
{
    int64_t seconds;

    if (reply->failure != HTTP_ANSWERED) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "no answer from %s at %.*s: %s; is this a machine with a managed identity?",
                             source->name, (int)strcspn(url, "?"), url, reply->cause);
    }
    if (reply->status != 200) {
        return fail_status(source, user_assigned, reply, ret_failure);
    }
    if (token_json_read_machine(buffer_bytes(&reply->body), now_of(reply), ret_token, &seconds) != CKR_OK) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR, "%s answered 200 without a token", source->name);
    }
    if (seconds == 0) {
        buffer_clear(ret_token);
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "%s gave a token that has ended already; check this machine's clock",
                             source->name);
    }
    *ret_lifetime = seconds * 1000;
    return true;
}
