/*
 * One operation on the key service from the first request to the last: a token, the tries, and what came of
 * it. The verbs stand in vault_client.h.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_CALL_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_CALL_H

#include "backends/keyvault/vault_report.h"

struct vault_call {
    struct vault_operation operation;
    struct deadline deadline;
    const char *url;
    struct bytes body; /* none: GET */
    size_t limit;      /* bytes of the answer */
    bool trial;        /* a 400 of the service's stays out of the log: another try follows */
    struct http_reply reply;
    struct service_answer *answer;
};

/* `key` NULL: no one key or certificate is asked for. `answer` is emptied, and filled in by all that follows. */
void vault_call_init(struct vault_call *call, const struct vault_client *client, enum vault_verb verb,
                     const struct key_ref *key, struct deadline deadline, struct service_answer *answer);
void vault_call_done(struct vault_call *call);

/*
 * Sends url and body until there is an answer worth keeping. CKR_OK: it is a 200 with a body in reply; the
 * verdict is VERDICT_ACCEPTED. Otherwise it has been logged and judged.
 */
MUST_USE CK_RV vault_call_ask(struct vault_call *call);

/*
 * The token that it would be asked with, and whose and for whom that is; `ret_token` is empty. The call has its
 * address: a vault may have to tell its tenant first. False: ret_failure tells why there is none.
 */
MUST_USE bool vault_call_get_token(struct vault_call *call, struct sign_in_scope *ret_scope,
                                   struct buffer *ret_token, struct token_facts *ret_facts,
                                   struct identity_failure *ret_failure);

/* Fault was found with an answer: VERDICT_UNREACHABLE, one line in the log, CKR_DEVICE_ERROR. */
MUST_USE CK_RV vault_call_fault(struct vault_call *call, const char *said, const char *advice);

#endif
