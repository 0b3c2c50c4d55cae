/* identity = client-secret: a secret proves who we are; from a file, or from the environment. */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <stdlib.h>
#include <string.h>

enum { SECRET_LIMIT = 1024 };

struct client_secret {
    struct identity identity;
    struct token_endpoint *endpoint;
    char *about, *client_id, *secret_file;
    char *secret; /* the environment's; NULL: it is in the file */
};

static void client_secret_free(struct identity *identity)
{
    struct client_secret *self = (struct client_secret *)identity;

    if (self != NULL) {
        token_endpoint_free(self->endpoint);
        free(self->about);
        free(self->client_id);
        free(self->secret_file);
        wipe_free_text(self->secret);
        free(self);
    }
}

static const char *what_of(const struct client_secret *self)
{
    return self->secret != NULL ? "$AZURE_CLIENT_SECRET" : "client-secret-file";
}

static CK_RV read_secret(const struct client_secret *self, struct buffer *secret)
{
    return self->secret != NULL
               ? buffer_append_text(secret, self->secret)
               : file_read_secret(self->about, "client-secret-file", self->secret_file, secret, NULL);
}

static bool write_secret(void *arg, const struct token_scope *scope, struct buffer *form,
                         struct identity_failure *ret_failure)
{
    const struct client_secret *self = arg;
    struct buffer secret SCOPED(buffer_free) = BUFFER_INIT(SECRET_LIMIT);

    (void)scope;
    if (read_secret(self, &secret) != CKR_OK || secret.size == 0) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s cannot be read or is empty",
                             what_of(self));
    }
    return token_form_add(form, "client_secret", buffer_bytes(&secret), ret_failure);
}

static bool client_secret_fetch(struct identity *identity, const struct token_scope *scope,
                                struct deadline deadline, struct buffer *ret_token, int64_t *ret_lifetime,
                                struct identity_failure *ret_failure)
{
    struct client_secret *self = (struct client_secret *)identity;
    const struct token_proof proof = {self->client_id, what_of(self), write_secret, self};

    return token_endpoint_ask(self->endpoint, scope, &proof, deadline, ret_token, ret_lifetime, ret_failure);
}

static const struct identity_ops client_secret_ops = {
    .fetch = client_secret_fetch,
    .free = client_secret_free,
};

static CK_RV client_secret_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct client_secret *self = calloc(1, sizeof *self);

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &client_secret_ops;
    self->about = strdup(options->about);
    self->client_id = strdup(options->client_id);
    if (options->client_secret != NULL) {
        self->secret = strdup(options->client_secret);
    } else {
        self->secret_file = strdup(options->client_secret_file);
    }
    if (self->about == NULL || self->client_id == NULL ||
        (self->secret_file == NULL && self->secret == NULL) ||
        token_endpoint_new(options->about, options->http, &self->endpoint) != CKR_OK) {
        client_secret_free(&self->identity);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind client_secret_kind = {
    .open = client_secret_open,
    .asks_tenant = true,
};
