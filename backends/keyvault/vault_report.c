/* Failures in words. */
#include "backends/keyvault/vault_report.h"
#include "backends/base/log.h"
#include "backends/keyvault/vault_challenge.h"
#include <stdio.h>
#include <string.h>

const char *vault_verb_name(enum vault_verb verb)
{
    switch (verb) {
    case VAULT_LIST:
        return "list";
    case VAULT_GET:
        return "get";
    case VAULT_WRAP:
        return "wrapKey";
    case VAULT_UNWRAP:
        return "unwrapKey";
    case VAULT_ENCRYPT:
        return "encrypt";
    case VAULT_DECRYPT:
        break;
    }
    return "decrypt";
}

/* "unwrapKey with key kek/VERSION in HOST" */
static void describe(const struct vault_operation *operation, char *ret_text, size_t room)
{
    const struct key_ref *key = operation->key;
    bool pinned = key != NULL && key->version != NULL;

    if (key == NULL) {
        snprintf(ret_text, room, "%s keys in %s", vault_verb_name(operation->verb), operation->client->url);
    } else {
        snprintf(ret_text, room, "%s with key %s%s%s in %s", vault_verb_name(operation->verb), key->name,
                 pinned ? "/" : "", pinned ? key->version : "", operation->client->url);
    }
}

/* The advice comes last: it is what a cut line may lose. */
void vault_report(const struct vault_operation *operation, const char *said, const char *advice)
{
    const struct service_answer *answer = operation->answer;
    char what[384];

    describe(operation, what, sizeof what);
    log_error(operation->client->about, "%s failed: %s (request id %s, ours %s, tries %u)%s%s", what, said,
              answer->request_id[0] == 0 ? "none" : answer->request_id, answer->client_request_id,
              answer->tries, advice[0] == 0 ? "" : "; ", advice);
}

/* RFC 1918 and RFC 4193: where the name of a vault with a private endpoint leads. */
static const char *kind_of_address(const char *address)
{
    unsigned a = 0, b = 0;

    if (address[0] == 0) {
        return "an unknown address";
    }
    if (strncasecmp(address, "fc", 2) == 0 || strncasecmp(address, "fd", 2) == 0) {
        return "a private address";
    }
    if (sscanf(address, "%3u.%3u.", &a, &b) == 2 &&
        (a == 10 || (a == 172 && b >= 16 && b <= 31) || (a == 192 && b == 168))) {
        return "a private address";
    }
    return a == 127 || strcmp(address, "::1") == 0 ? "this machine" : "a public address";
}

static bool is_about_network(const struct vault_error *error)
{
    return error != NULL && (strcmp(error->inner, "ForbiddenByFirewall") == 0 ||
                             strcmp(error->inner, "ForbiddenByConnection") == 0);
}

/* Why a blob does not open stays between the service and its log. */
static const char *message_of(const struct vault_error *error, const struct vault_ruling *ruling)
{
    return error == NULL || ruling->verdict == VERDICT_BAD_BLOB ? "" : error->message;
}

/* What a 401 tells of why: ret_detail, and another word of advice. */
static const char *explain_challenge(const struct http_reply *reply, char *ret_detail, size_t room)
{
    struct vault_challenge challenge;
    const char *advice = NULL;

    (void)vault_challenge_read(buffer_bytes(&reply->challenge), &challenge);
    if (challenge.claims.size != 0) {
        snprintf(ret_detail, room, ", it wants claims in the token that a new token does not have either");
        advice =
            "A policy for this application (conditional access, continuous access evaluation) is not met; the "
            "tenant's sign-in log says which.";
    } else if (challenge.tenant[0] != 0) {
        snprintf(ret_detail, room, ", its tenant is %s", challenge.tenant);
    }
    vault_challenge_done(&challenge);
    return advice;
}

void vault_report_refusal(const struct vault_operation *operation, const struct http_reply *reply,
                          const struct vault_error *error, const struct vault_ruling *ruling)
{
    const char *code = error == NULL ? "without the service's own words" : error->code;
    const char *inner = error == NULL ? "" : error->inner;
    const char *message = message_of(error, ruling);
    const char *advice = ruling->advice, *better = NULL;
    char detail[TENANT_SIZE + 32] = "", said[600];

    if (is_about_network(error)) {
        snprintf(detail, sizeof detail, ", at %s, %s", reply->address, kind_of_address(reply->address));
    } else if (reply->status == 401) {
        better = explain_challenge(reply, detail, sizeof detail);
    }
    snprintf(said, sizeof said, "%u %s%s%s%s%.200s%s%s", reply->status, code, inner[0] == 0 ? "" : " ", inner,
             message[0] == 0 ? "" : ", \"", message, message[0] == 0 ? "" : "\"", detail);
    vault_report(operation, said, better != NULL ? better : advice);
}
