/*
 * The one line in the log for an operation that failed:
 * what was asked of whom, what came back, what to do.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_REPORT_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_REPORT_H

#include "backends/keyvault/http.h"
#include "backends/keyvault/vault_client.h"

struct vault_operation {
    const struct vault_client *client;
    enum vault_verb verb;
    const struct key_ref *key; /* or certificate. NULL: none is asked for, or all */
    const struct service_answer *answer;
};

/* The service's name for it. */
const char *vault_verb_name(enum vault_verb verb);

/* It said no; `error` NULL: not in its own JSON. */
void vault_report_refusal(const struct vault_operation *operation, const struct http_reply *reply,
                          const struct vault_error *error, const struct vault_ruling *ruling);
/* Anything else: what happened, and what to do about it ("": nothing). */
void vault_report(const struct vault_operation *operation, const char *said, const char *advice);

#endif
