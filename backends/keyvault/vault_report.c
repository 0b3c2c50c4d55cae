/* Failures in words. */
#include "backends/keyvault/vault_report.h"
#include "backends/base/log.h"
#include "backends/keyvault/address.h"
#include "backends/keyvault/vault_challenge.h"
#include <stdio.h>
#include <string.h>

/* What each is called: by the service, in its access policies, and in roles. */
static const struct words {
    enum vault_verb verb;
    const char *name;
    const char *permission; /* NULL: access policies do not know it */
    const char *action;     /* of a role's data actions, the part after the kind of store */
    const char *about;      /* what comes between the name and that of the key; without a key the whole */
} all_words[] = {
    {VAULT_LIST, "list", "list", "keys/read", "keys"},
    {VAULT_LIST_VERSIONS, "list", "list", "keys/read", "versions of key"},
    {VAULT_GET, "get", "get", "keys/read", "with key"},
    {VAULT_WRAP, "wrapKey", "wrapKey", "keys/wrap/action", "with key"},
    {VAULT_UNWRAP, "unwrapKey", "unwrapKey", "keys/unwrap/action", "with key"},
    {VAULT_ENCRYPT, "encrypt", "encrypt", "keys/encrypt/action", "with key"},
    {VAULT_DECRYPT, "decrypt", "decrypt", "keys/decrypt/action", "with key"},
    {VAULT_SIGN, "sign", "sign", "keys/sign/action", "with key"},
    {VAULT_RANDOM, "rng", NULL, "rng/action", "of random bytes"},
    {VAULT_LIST_CERTIFICATES, "list", "list on certificates", "certificates/read", "certificates"},
    {VAULT_GET_CERTIFICATE, "get", "get on certificates", "certificates/read", "certificate"},
};

static const struct words *words_of(enum vault_verb verb)
{
    size_t i = 0;

    while (i + 1 < sizeof all_words / sizeof all_words[0] && all_words[i].verb != verb) {
        i++;
    }
    return &all_words[i];
}

const char *vault_verb_name(enum vault_verb verb)
{
    return words_of(verb)->name;
}

/* "unwrapKey with key kek/VERSION in HOST" */
static void describe(const struct vault_operation *operation, char *ret_text, size_t room)
{
    const struct words *words = words_of(operation->verb);
    const struct key_ref *key = operation->key;
    bool pinned = key != NULL && key->version != NULL;

    if (key == NULL) {
        snprintf(ret_text, room, "%s %s in %s", words->name, words->about, operation->client->url);
    } else {
        snprintf(ret_text, room, "%s %s %s%s%s in %s", words->name, words->about, key->name,
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

static bool inner_is(const struct vault_error *error, const char *code)
{
    return error != NULL && (strcmp(error->inner, code) == 0 || strcmp(error->code, code) == 0);
}

/* The firewall's message tells whom it saw: not the address that this machine knows of itself. */
static void explain_network(const struct http_reply *reply, const struct vault_error *error, char *ret_detail,
                            size_t room)
{
    static const char before[] = "Client address:";
    const char *seen = strstr(error->message, before);
    char client[64] = "";

    if (seen == NULL || sscanf(seen + sizeof before - 1, " %45[0-9a-fA-F.:]", client) != 1) {
        client[0] = 0;
    }
    snprintf(ret_detail, room, "%s%s%s its name led to %s%s%s", client[0] == 0 ? "," : ", it saw ", client,
             client[0] == 0 ? "" : ";", reply->address, reply->address[0] == 0 ? "" : ", ",
             reply->proxied ? "a proxy" : address_kind(reply->address));
}

static void explain_grant(enum vault_verb verb, char *ret_detail, size_t room)
{
    const struct words *words = words_of(verb);

    if (words->permission == NULL) {
        snprintf(ret_detail, room, ", it takes a role with the action %s", words->action);
    } else {
        snprintf(ret_detail, room, ", it takes the permission %s, as a role's action %s", words->permission,
                 words->action);
    }
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

/*
 * What more is known; ret_detail is empty where it is nothing.
 * Returns better advice than the ruling's, or NULL.
 */
static const char *explain(const struct vault_operation *operation, const struct http_reply *reply,
                           const struct vault_error *error, char *ret_detail, size_t room)
{
    ret_detail[0] = 0;
    if (reply->status == 401) {
        return explain_challenge(reply, ret_detail, room);
    }
    if (inner_is(error, "ForbiddenByFirewall") || inner_is(error, "ForbiddenByConnection")) {
        explain_network(reply, error, ret_detail, room);
    } else if (inner_is(error, "ForbiddenByPolicy") || inner_is(error, "ForbiddenByRbac") ||
               inner_is(error, "AccessDenied")) {
        explain_grant(operation->verb, ret_detail, room);
    }
    return NULL;
}

void vault_report_refusal(const struct vault_operation *operation, const struct http_reply *reply,
                          const struct vault_error *error, const struct vault_ruling *ruling)
{
    const char *code = error == NULL ? "without the service's own words" : error->code;
    const char *inner = error == NULL ? "" : error->inner;
    const char *message = message_of(error, ruling), *better;
    char detail[TENANT_SIZE + 64], said[600];

    better = explain(operation, reply, error, detail, sizeof detail);
    snprintf(said, sizeof said, "%u %s%s%s%s%.200s%s%s", reply->status, code, inner[0] == 0 ? "" : " ", inner,
             message[0] == 0 ? "" : ", \"", message, message[0] == 0 ? "" : "\"", detail);
    vault_report(operation, said, better != NULL ? better : ruling->advice);
}
