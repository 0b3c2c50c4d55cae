/*
 * identity = workload-identity:
 * the token of another identity provider, which the tenant trusts, from a file.
 */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/keyvault/identity/token_json.h"
#include <stdlib.h>
#include <string.h>

struct workload_identity {
    struct identity identity;
    struct token_endpoint *endpoint;
    char *about, *client_id, *file;
};

static void workload_identity_free(struct identity *identity)
{
    struct workload_identity *self = (struct workload_identity *)identity;

    if (self != NULL) {
        token_endpoint_free(self->endpoint);
        free(self->about);
        free(self->client_id);
        free(self->file);
        free(self);
    }
}

/* Whoever writes the file writes it anew every hour or so: it is read each time. */
static bool write_assertion(void *arg, const struct token_scope *scope, struct buffer *form,
                            struct identity_failure *ret_failure)
{
    const struct workload_identity *self = arg;
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct buffer assertion SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct bytes inner;

    (void)scope;
    if (file_read(self->about, "federated-token-file", self->file, &content, NULL) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "federated-token-file %s cannot be read, or is longer than a token", self->file);
    }
    inner = token_trim(buffer_bytes(&content));
    if (inner.size == 0 || memchr(inner.data, 0, inner.size) != NULL ||
        buffer_append(&assertion, inner.data, inner.size) != CKR_OK ||
        !token_is_valid(buffer_text(&assertion))) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "federated-token-file %s is empty or holds no token", self->file);
    }
    return token_form_add_assertion(form, buffer_bytes(&assertion), ret_failure);
}

static bool workload_identity_fetch(struct identity *identity, const struct token_scope *scope,
                                    struct deadline deadline, struct buffer *ret_token, int64_t *ret_lifetime,
                                    struct identity_failure *ret_failure)
{
    struct workload_identity *self = (struct workload_identity *)identity;
    const struct token_proof proof = {self->client_id, "federated-token-file", write_assertion, self};

    return token_endpoint_ask(self->endpoint, scope, &proof, deadline, ret_token, ret_lifetime, ret_failure);
}

static const struct identity_ops workload_identity_ops = {
    .fetch = workload_identity_fetch,
    .free = workload_identity_free,
};

static CK_RV workload_identity_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct workload_identity *self = calloc(1, sizeof *self);

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &workload_identity_ops;
    self->about = strdup(options->about);
    self->client_id = strdup(options->client_id);
    self->file = strdup(options->federated_token_file);
    if (self->about == NULL || self->client_id == NULL || self->file == NULL ||
        token_endpoint_new(options->about, options->http, &self->endpoint) != CKR_OK) {
        workload_identity_free(&self->identity);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind workload_identity_kind = {.open = workload_identity_open, .asks_tenant = true};
