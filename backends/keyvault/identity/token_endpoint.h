/*
 * A tenant's token endpoint (OAuth 2.0 client credentials, RFC 6749 section 4.4, on the v2.0 endpoint): what
 * is sent, and what its answers and refusals mean. What proves who we are is the identity's.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_ENDPOINT_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_TOKEN_ENDPOINT_H

#include "backends/keyvault/identity/identity.h"

enum { TOKEN_URL_LIMIT = 1024 };

/* What proves who we are: written anew for each try, since an assertion may be accepted only once. */
struct token_proof {
    const char *client_id;
    const char *what; /* what is to be looked at where it is refused: "client-secret-file" */
    /* Adds its fields to the form. On failure false, and ret_failure has the words. */
    bool (*write)(void *arg, const struct token_scope *scope, struct buffer *form,
                  struct identity_failure *ret_failure);
    void *arg;
};

/* One field; `value` as it is: it is encoded here. */
bool token_form_add(struct buffer *form, const char *name, struct bytes value,
                    struct identity_failure *ret_failure);
/* The two fields of an assertion (RFC 7523, 2.2). */
bool token_form_add_assertion(struct buffer *form, struct bytes assertion,
                              struct identity_failure *ret_failure);

struct token_endpoint;

/* `http` is lent. No network. CKR_HOST_MEMORY. */
MUST_USE CK_RV token_endpoint_new(const char *about, struct http_client *http,
                                  struct token_endpoint **ret_endpoint);
void token_endpoint_free(struct token_endpoint *endpoint);

/* Its address, which is also the audience of assertions; appended. */
MUST_USE CK_RV token_endpoint_url(const struct token_scope *scope, struct buffer *ret_url);

/* As identity_ops.fetch. */
bool token_endpoint_ask(struct token_endpoint *endpoint, const struct token_scope *scope,
                        const struct token_proof *proof, struct deadline deadline, struct buffer *ret_token,
                        int64_t *ret_lifetime, struct identity_failure *ret_failure);

/* Fills in ret_failure, with the verdict that goes with rv; returns false. */
bool identity_fail(struct identity_failure *ret_failure, CK_RV rv, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
