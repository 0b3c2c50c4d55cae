/* identity = client-certificate: an assertion signed with a certificate's key proves who we are. */
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/assertion.h"
#include "backends/keyvault/identity/credential.h"
#include "backends/keyvault/identity/hsm_key.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATE_LIMIT = 256 * 1024 }; /* a chain and a key are some 10 KiB */

struct client_certificate {
    struct identity identity;
    struct token_endpoint *endpoint;
    char *about, *client_id, *file, *password;
    const char *what;    /* what named the file */
    struct hsm_key *key; /* NULL: it is in the file */
};

static void client_certificate_free(struct identity *identity)
{
    struct client_certificate *self = (struct client_certificate *)identity;

    if (self != NULL) {
        token_endpoint_free(self->endpoint);
        hsm_key_free(self->key);
        free(self->about);
        free(self->client_id);
        free(self->file);
        wipe_free_text(self->password);
        free(self);
    }
}

/* Read each time: the file may have changed, and no key stays in memory. */
static bool read_credential(const struct client_certificate *self, struct credential *ret_credential,
                            struct identity_failure *ret_failure)
{
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(CERTIFICATE_LIMIT);
    struct credential_file file = {
        .what = self->what, .password = self->password, .key_elsewhere = self->key != NULL};

    if (file_read_private(self->about, self->what, self->file, &content, NULL) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s cannot be read", self->what);
    }
    file.content = buffer_bytes(&content);
    return credential_read(&file, ret_credential, ret_failure);
}

/* This machine's clock may be wrong, so the service decides; but it does not say so in these words. */
static void warn_of_end(const struct client_certificate *self, const struct credential *credential)
{
    if (X509_cmp_current_time(X509_get0_notAfter(credential->certificate)) < 0) {
        log_warning(self->about, "%s %s: the certificate has expired", self->what, self->file);
    }
}

static bool sign_in_hsm(const struct client_certificate *self, struct assertion *assertion,
                        struct buffer *ret_assertion, struct identity_failure *ret_failure)
{
    struct hsm_signing signing SCOPED(hsm_key_end) = {NULL};

    if (!hsm_key_begin(self->key, &signing, ret_failure)) {
        return false;
    }
    assertion->algorithm = signing.algorithm;
    assertion->sign = hsm_key_sign;
    assertion->arg = &signing;
    return assertion_write(assertion, ret_assertion, ret_failure);
}

static bool write_assertion(void *arg, const struct token_scope *scope, struct buffer *form,
                            struct identity_failure *ret_failure)
{
    const struct client_certificate *self = arg;
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(ASSERTION_LIMIT);
    struct credential credential SCOPED(credential_done) = {NULL, NULL};
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(TOKEN_URL_LIMIT);
    struct assertion assertion = {.client_id = self->client_id, .sign = assertion_sign_here};

    if (!read_credential(self, &credential, ret_failure)) {
        return false;
    }
    warn_of_end(self, &credential);
    if (token_endpoint_url(scope, &url) != CKR_OK) {
        return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the request");
    }
    assertion.audience = buffer_text(&url);
    assertion.certificate = credential.certificate;
    assertion.arg = credential.key;
    return (self->key == NULL ? assertion_write(&assertion, &text, ret_failure)
                              : sign_in_hsm(self, &assertion, &text, ret_failure)) &&
           token_form_add_assertion(form, buffer_bytes(&text), ret_failure);
}

static bool client_certificate_fetch(struct identity *identity, const struct token_scope *scope,
                                     struct deadline deadline, struct buffer *ret_token,
                                     int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    struct client_certificate *self = (struct client_certificate *)identity;
    const struct token_proof proof = {self->client_id, self->what, write_assertion, self};

    return token_endpoint_ask(self->endpoint, scope, &proof, deadline, ret_token, ret_lifetime, ret_failure);
}

static const struct identity_ops client_certificate_ops = {
    .fetch = client_certificate_fetch,
    .free = client_certificate_free,
};

static CK_RV client_certificate_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct client_certificate *self = calloc(1, sizeof *self);

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &client_certificate_ops;
    self->what = options->from_environment ? "$AZURE_CLIENT_CERTIFICATE_PATH" : "client-certificate-file";
    self->about = strdup(options->about);
    self->client_id = strdup(options->client_id);
    self->file = strdup(options->client_certificate_file);
    self->password =
        options->client_certificate_password == NULL ? NULL : strdup(options->client_certificate_password);
    if (self->about == NULL || self->client_id == NULL || self->file == NULL ||
        (options->client_certificate_password != NULL && self->password == NULL) ||
        (options->client_certificate_key != NULL &&
         hsm_key_new(options->about, options->client_certificate_key, &self->key) != CKR_OK) ||
        token_endpoint_new(options->about, options->http, &self->endpoint) != CKR_OK) {
        client_certificate_free(&self->identity);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind client_certificate_kind = {.open = client_certificate_open, .asks_tenant = true};
