/*
 * A tenant's token endpoint (OAuth 2.0 client credentials, RFC 6749 section 4.4, on the v2.0 endpoint): what
 * is sent, and what its answers and refusals mean. What proves who we are is the identity's.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_ENDPOINT_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_ENDPOINT_H

#include "backends/keyvault/identity/identity.h"

enum { TOKEN_URL_LIMIT = 1024 };

struct form_field {
    const char *name;
    struct bytes value; /* as it is: it is encoded for the form here */
};

struct token_endpoint;

/* `http` is lent. No network. CKR_HOST_MEMORY. */
MUST_USE CK_RV token_endpoint_new(const char *about, struct http_client *http,
                                  struct token_endpoint **ret_endpoint);
void token_endpoint_free(struct token_endpoint *endpoint);

/* Its address, which is also the audience of assertions; appended. */
MUST_USE CK_RV token_endpoint_url(const struct token_scope *scope, struct buffer *ret_url);

/*
 * As identity_ops.fetch. `proof` are the fields that prove that we are client_id; where it is refused, what
 * `what_to_check` names is part of the advice ("client-secret-file").
 */
bool token_endpoint_ask(struct token_endpoint *endpoint, const struct token_scope *scope,
                        const char *client_id, const struct form_field *proof, size_t proof_count,
                        const char *what_to_check, struct deadline deadline, struct buffer *ret_token,
                        int64_t *ret_lifetime, struct identity_failure *ret_failure);

/* The same with an assertion as proof (RFC 7523, 2.2). */
bool token_endpoint_ask_by_assertion(struct token_endpoint *endpoint, const struct token_scope *scope,
                                     const char *client_id, struct bytes assertion, const char *what_to_check,
                                     struct deadline deadline, struct buffer *ret_token,
                                     int64_t *ret_lifetime, struct identity_failure *ret_failure);

/* Fills in ret_failure, with the verdict that goes with rv; returns false. */
bool identity_fail(struct identity_failure *ret_failure, CK_RV rv, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
