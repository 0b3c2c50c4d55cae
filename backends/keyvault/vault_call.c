/* Tokens, tries and the outcome of one operation. */
#include "backends/keyvault/vault_call.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/base/uuid.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <stdio.h>
#include <string.h>

void vault_call_init(struct vault_call *call, const struct vault_client *client, enum vault_verb verb,
                     const struct key_ref *key, struct deadline deadline, struct service_answer *answer)
{
    memset(call, 0, sizeof *call);
    memset(answer, 0, sizeof *answer);
    call->operation = (struct vault_operation){client, verb, key, answer};
    call->deadline = deadline;
    call->limit = (verb & (VAULT_LIST | VAULT_LIST_VERSIONS | VAULT_LIST_CERTIFICATES)) != 0
                      ? HTTP_LISTING_LIMIT
                      : HTTP_ANSWER_LIMIT;
    call->answer = answer;
    http_reply_init(&call->reply);
}

void vault_call_done(struct vault_call *call)
{
    http_reply_done(&call->reply);
}

CK_RV vault_call_fault(struct vault_call *call, const char *said, const char *advice)
{
    call->answer->verdict = VERDICT_UNREACHABLE;
    vault_report(&call->operation, said, advice);
    return CKR_DEVICE_ERROR;
}

static CK_RV without_token(struct vault_call *call, const struct identity_failure *failure)
{
    char said[sizeof failure->said + 32];

    call->answer->verdict = failure->verdict;
    snprintf(said, sizeof said, "no access token: %s", failure->said);
    vault_report(&call->operation, said, "");
    return failure->rv;
}

static void note_reply(struct vault_call *call)
{
    const struct http_reply *reply = &call->reply;
    struct service_answer *answer = call->answer;

    answer->status = reply->status;
    if (reply->failure == HTTP_NOT_ASKED) {
        return;
    }
    answer->tries++;
    answer->date = reply->date;
    text_copy(bytes_of_text(reply->request_id), answer->request_id, sizeof answer->request_id);
    log_debug(call->operation.client->about, "%s: try %u: status %u%s%s, request id %s",
              vault_verb_name(call->operation.verb), answer->tries, reply->status,
              reply->failure == HTTP_ANSWERED ? "" : ", ", reply->cause, reply->request_id);
}

/* True: to be sent again. Without a token nothing but the address goes out, not even a body. */
static bool send_once(struct vault_call *call, const char *token, struct retry *again)
{
    const struct vault_client *client = call->operation.client;
    struct http_request request = {
        .url = call->url,
        .content_type = call->body.size == 0 ? NULL : "application/json",
        .body = token == NULL ? bytes_of(NULL, 0) : call->body,
        .body_is_secret = (call->operation.verb & (VAULT_WRAP | VAULT_ENCRYPT)) != 0,
        .bearer = token,
        .client_id = call->answer->client_request_id[0] == 0 ? NULL : call->answer->client_request_id,
        .limit = call->limit,
    };
    bool more = endpoint_try(client->endpoint, &request, again, &call->reply);

    note_reply(call);
    return more;
}

/* --- By whom tokens are given --- */

/* Whatever it answers but a 401: it has not told its tenant, and nothing is known about a key. */
static bool fail_to_learn(const struct vault_call *call, struct identity_failure *ret_failure)
{
    const struct http_reply *reply = &call->reply;
    struct vault_error error = {.code = ""};
    bool told = reply->failure == HTTP_ANSWERED && vault_json_read_error(buffer_bytes(&reply->body), &error);

    if (reply->failure != HTTP_ANSWERED) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR, "the vault did not tell its tenant: %s; %s",
                             reply->cause, reply->advice);
    }
    return identity_fail(
        ret_failure, CKR_DEVICE_ERROR, "asked for its tenant the vault answered %u %s%s%s instead of 401; %s",
        reply->status, told ? error.code : "without its own words", error.inner[0] == 0 ? "" : " ",
        error.inner, vault_error_judge(VAULT_LIST, reply->status, told ? &error : NULL).advice);
}

static bool ask_for_challenge(void *arg, struct vault_challenge *ret_challenge,
                              struct identity_failure *ret_failure)
{
    struct vault_call *call = arg;
    struct retry again = RETRY_INIT(call->deadline);

    while (send_once(call, NULL, &again)) {
    }
    if (call->reply.failure != HTTP_ANSWERED || call->reply.status != 401) {
        return fail_to_learn(call, ret_failure);
    }
    (void)vault_challenge_read(buffer_bytes(&call->reply.challenge), ret_challenge);
    return true;
}

static bool get_scope(struct vault_call *call, struct sign_in_scope *ret_scope,
                      struct identity_failure *ret_failure)
{
    const struct vault_client *client = call->operation.client;

    if (client->sign_in == NULL) {
        ret_scope->scope = client->scope;
        return true;
    }
    return sign_in_get(client->sign_in, ask_for_challenge, call, call->deadline, ret_scope, ret_failure);
}

bool vault_call_get_token(struct vault_call *call, struct sign_in_scope *ret_scope, struct buffer *ret_token,
                          struct token_facts *ret_facts, struct identity_failure *ret_failure)
{
    return get_scope(call, ret_scope, ret_failure) &&
           token_cache_get(call->operation.client->tokens, &ret_scope->scope, call->deadline, ret_token,
                           ret_facts, ret_failure);
}

/* --- Refused tokens --- */

/* One call while it runs. */
struct course {
    struct retry again;
    struct sign_in_scope scope;
    struct buffer token;
    bool renewed, claimed; /* what may be tried once was tried */
};

static void course_done(struct course *course)
{
    buffer_free(&course->token);
}

/*
 * A 401. True: to be sent again with another token, which is fetched by one caller for all. Once, as the
 * token may no longer be good (or, as AKV10046, the service does not know its signer yet), or be of another
 * tenant; and once more where the service wants claims in it.
 */
static bool answer_challenge(struct vault_call *call, struct course *course)
{
    const struct vault_client *client = call->operation.client;
    struct vault_challenge challenge;
    bool told = vault_challenge_read(buffer_bytes(&call->reply.challenge), &challenge), again;

    if (challenge.claims.size != 0) {
        token_cache_drop(client->tokens, buffer_bytes(&course->token), buffer_text(&challenge.claims));
        again = !course->claimed;
        course->claimed = true;
    } else {
        token_cache_drop(client->tokens, buffer_bytes(&course->token), NULL);
        again = !course->renewed;
        course->renewed = true;
        if (told && again && client->sign_in != NULL) {
            sign_in_learn(client->sign_in, &challenge, &course->scope);
        }
    }
    vault_challenge_done(&challenge);
    return again;
}

/* Asks until there is an answer worth keeping. */
static CK_RV send(struct vault_call *call)
{
    struct course course SCOPED(course_done) = {.again = RETRY_INIT(call->deadline),
                                                .token = BUFFER_INIT(TOKEN_LIMIT)};
    bool more = true;

    while (more) {
        struct identity_failure failure;
        struct token_facts facts;

        buffer_free(&course.token);
        if (!vault_call_get_token(call, &course.scope, &course.token, &facts, &failure)) {
            return without_token(call, &failure);
        }
        memcpy(call->answer->principal, facts.principal, sizeof facts.principal);
        more = send_once(call, buffer_text(&course.token), &course.again);
        if (call->reply.failure == HTTP_ANSWERED && call->reply.status == 401) {
            more = answer_challenge(call, &course);
        }
    }
    return CKR_OK;
}

static bool is_trial(const struct vault_call *call)
{
    return call->trial || (call->operation.key != NULL && call->operation.key->trial);
}

static CK_RV refused(struct vault_call *call)
{
    struct vault_error error;
    bool told = vault_json_read_error(buffer_bytes(&call->reply.body), &error);
    struct vault_ruling ruling =
        vault_error_judge(call->operation.verb, call->reply.status, told ? &error : NULL);

    call->answer->verdict = ruling.verdict;
    call->answer->of_version = ruling.of_version;
    if (is_trial(call) && told && call->reply.status == 400) {
        return ruling.rv;
    }
    vault_report_refusal(&call->operation, &call->reply, told ? &error : NULL, &ruling);
    return ruling.rv;
}

CK_RV vault_call_ask(struct vault_call *call)
{
    CK_RV rv;

    if (call->answer->client_request_id[0] == 0 && !uuid_make(call->answer->client_request_id)) {
        log_debug(call->operation.client->about, "the requests have no id of ours: no random bytes yet");
    }
    rv = send(call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (call->reply.failure != HTTP_ANSWERED) {
        return vault_call_fault(call, call->reply.cause, call->reply.advice);
    }
    if (call->reply.status != 200) {
        return refused(call);
    }
    call->answer->verdict = VERDICT_ACCEPTED;
    return CKR_OK;
}
