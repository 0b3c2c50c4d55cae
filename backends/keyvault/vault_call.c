/* Tokens, tries and the outcome of one operation. */
#include "backends/keyvault/vault_call.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/base/uuid.h"
#include <stdio.h>
#include <string.h>

void vault_call_init(struct vault_call *call, const struct vault_client *client, enum vault_verb verb,
                     const struct key_ref *key, struct deadline deadline, struct service_answer *answer)
{
    memset(call, 0, sizeof *call);
    memset(answer, 0, sizeof *answer);
    call->operation = (struct vault_operation){client, verb, key, answer};
    call->deadline = deadline;
    call->limit = verb == VAULT_LIST ? HTTP_LISTING_LIMIT : HTTP_ANSWER_LIMIT;
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

/* True: to be sent again. */
static bool send_once(struct vault_call *call, const char *token, struct retry *again)
{
    const struct vault_client *client = call->operation.client;
    struct http_request request = {
        .url = call->url,
        .content_type = call->body.size == 0 ? NULL : "application/json",
        .body = call->body,
        .body_is_secret = (call->operation.verb & (VAULT_WRAP | VAULT_ENCRYPT)) != 0,
        .bearer = token,
        .client_id = call->answer->client_request_id[0] == 0 ? NULL : call->answer->client_request_id,
        .limit = call->limit,
    };

    bool more = endpoint_try(client->endpoint, &request, again, &call->reply);

    note_reply(call);
    return more;
}

/*
 * Asks until there is an answer worth keeping. A first 401 may only mean that the token is no longer good
 * (or, as AKV10046, that the service does not know it yet): once, a new one is fetched.
 */
static CK_RV send(struct vault_call *call)
{
    struct token_cache *tokens = call->operation.client->tokens;
    struct retry again = RETRY_INIT(call->deadline);
    bool refused = false, more = true;

    while (more) {
        struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
        struct identity_failure failure;

        if (!token_cache_get(tokens, &call->operation.client->scope, call->deadline, &token, &failure)) {
            return without_token(call, &failure);
        }
        more = send_once(call, buffer_text(&token), &again);
        if (call->reply.status == 401) {
            token_cache_drop(tokens, buffer_bytes(&token));
            more = !refused;
            refused = true;
        }
    }
    return CKR_OK;
}

static CK_RV refused(struct vault_call *call)
{
    struct vault_error error;
    bool told = vault_json_read_error(buffer_bytes(&call->reply.body), &error);
    struct vault_ruling ruling =
        vault_error_judge(call->operation.verb, call->reply.status, told ? &error : NULL);

    call->answer->verdict = ruling.verdict;
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
