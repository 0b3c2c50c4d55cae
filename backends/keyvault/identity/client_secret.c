/* A client secret from a file becomes a token. */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/retry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_LIMIT = 1024, FORM_LIMIT = 8 * 1024, URL_LIMIT = 1024 };

struct client_secret {
    struct identity identity;
    struct http_client *http;
    char *about, *authority, *tenant, *client_id, *secret_file, *audience;
};

/* What the codes behind AADSTS mean for the operator. */
static const struct {
    int64_t code;
    const char *advice;
} codes[] = {
    {7000215, "the client secret is wrong: client-secret-file must hold its value, not its ID"},
    {7000222, "the client secret has expired: make a new one"},
    {7000218, "client-secret-file is empty or not sent"},
    {7000112, "the application is disabled"},
    {700016, "there is no application client-id in this tenant"},
    {7000229, "the application has no service principal in this tenant"},
    {90002, "there is no such tenant"},
    {900023, "tenant is neither an ID nor a domain name"},
    {500011, "the tenant does not know this audience"},
    {1002012, "audience is not accepted"},
    {53003, "a conditional access policy blocks the application"},
};

static void client_secret_free(struct identity *identity)
{
    struct client_secret *self = (struct client_secret *)identity;

    if (self != NULL) {
        free(self->about);
        free(self->authority);
        free(self->tenant);
        free(self->client_id);
        free(self->secret_file);
        free(self->audience);
        free(self);
    }
}

/* application/x-www-form-urlencoded: all but the unreserved characters of RFC 3986 as %XX. */
static CK_RV append_encoded(struct buffer *form, struct bytes value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK && i < value.size; i++) {
        if (value.data[i] != 0 && strchr(plain, value.data[i]) != NULL) {
            rv = buffer_append(form, &value.data[i], 1);
        } else {
            rv = buffer_printf(form, "%%%02X", value.data[i]);
        }
    }
    return rv;
}

static CK_RV append_field(struct buffer *form, const char *name, struct bytes value)
{
    CK_RV rv = buffer_printf(form, "%s%s=", form->size == 0 ? "" : "&", name);

    return rv == CKR_OK ? append_encoded(form, value) : rv;
}

static CK_RV write_form(const struct client_secret *self, struct bytes secret, struct buffer *form)
{
    struct buffer scope SCOPED(buffer_free) = BUFFER_INIT(URL_LIMIT);
    CK_RV rv = buffer_printf(&scope, "%s/.default", self->audience);

    if (rv == CKR_OK) {
        rv = append_field(form, "grant_type", bytes_of_text("client_credentials"));
    }
    if (rv == CKR_OK) {
        rv = append_field(form, "client_id", bytes_of_text(self->client_id));
    }
    if (rv == CKR_OK) {
        rv = append_field(form, "client_secret", secret);
    }
    return rv == CKR_OK ? append_field(form, "scope", buffer_bytes(&scope)) : rv;
}

static const char *advice_for(int64_t code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == code) {
            return codes[i].advice;
        }
    }
    return "check tenant, client-id, client-secret-file and authority";
}

static bool fail(struct identity_failure *ret_failure, CK_RV rv, const char *what)
{
    ret_failure->rv = rv;
    ret_failure->verdict = rv == CKR_USER_NOT_LOGGED_IN ? VERDICT_NO_ACCESS : VERDICT_UNREACHABLE;
    snprintf(ret_failure->said, sizeof ret_failure->said, "%s", what);
    return false;
}

/* The endpoint has answered no. Only `error` and the first of `error_codes` are told on, never its text. */
static bool fail_refused(const struct client_secret *self, const struct http_reply *reply,
                         struct identity_failure *ret_failure)
{
    struct token_error error;
    char text[sizeof ret_failure->said];

    if (reply->status >= 400 && reply->status < 500 && reply->status != 408 && reply->status != 429 &&
        token_json_read_error(buffer_bytes(&reply->body), &error)) {
        snprintf(text, sizeof text, "%s refuses the credential: %s, AADSTS%lld: %s", self->authority,
                 error.error, (long long)error.code, advice_for(error.code));
        return fail(ret_failure, CKR_USER_NOT_LOGGED_IN, text);
    }
    snprintf(text, sizeof text, "%s answered %u without a token; check authority, and what stands on the way",
             self->authority, reply->status);
    return fail(ret_failure, CKR_DEVICE_ERROR, text);
}

static bool fail_unreached(const struct client_secret *self, const struct http_reply *reply,
                           struct identity_failure *ret_failure)
{
    char text[sizeof ret_failure->said];

    snprintf(text, sizeof text, "no answer from %s: %s; %s", self->authority, reply->cause, reply->advice);
    return fail(ret_failure, CKR_DEVICE_ERROR, text);
}

static bool judge(const struct client_secret *self, const struct http_reply *reply, struct buffer *ret_token,
                  int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    int64_t seconds;

    if (reply->failure != HTTP_ANSWERED) {
        return fail_unreached(self, reply, ret_failure);
    }
    if (reply->status != 200 || token_json_read(buffer_bytes(&reply->body), ret_token, &seconds) != CKR_OK) {
        return fail_refused(self, reply, ret_failure);
    }
    *ret_lifetime = seconds * 1000;
    return true;
}

static bool client_secret_fetch(struct identity *identity, struct deadline deadline, struct buffer *ret_token,
                                int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    struct client_secret *self = (struct client_secret *)identity;
    struct buffer secret SCOPED(buffer_free) = BUFFER_INIT(SECRET_LIMIT);
    struct buffer form SCOPED(buffer_free) = BUFFER_INIT(FORM_LIMIT);
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(URL_LIMIT);
    struct http_reply reply SCOPED(http_reply_done);
    struct http_request request = {.content_type = "application/x-www-form-urlencoded",
                                   .body_is_secret = true,
                                   .limit = HTTP_ANSWER_LIMIT,
                                   .once = true};
    struct retry again = RETRY_INIT(deadline);

    http_reply_init(&reply);
    if (file_read_secret(self->about, "client-secret-file", self->secret_file, &secret, NULL) != CKR_OK ||
        secret.size == 0) {
        return fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "client-secret-file cannot be read or is empty");
    }
    if (write_form(self, buffer_bytes(&secret), &form) != CKR_OK ||
        buffer_printf(&url, "%s/%s/oauth2/v2.0/token", self->authority, self->tenant) != CKR_OK) {
        return fail(ret_failure, CKR_HOST_MEMORY, "no memory for the request");
    }
    request.url = buffer_text(&url);
    request.body = buffer_bytes(&form);
    do {
        http_exchange(self->http, &request, deadline, &reply);
    } while (retry_wait(&again, &reply));
    return judge(self, &reply, ret_token, ret_lifetime, ret_failure);
}

static const struct identity_ops client_secret_ops = {
    .name = "client-secret",
    .fetch = client_secret_fetch,
    .free = client_secret_free,
};

CK_RV client_secret_new(const struct client_secret_options *options, struct http_client *http,
                        struct identity **ret_identity)
{
    struct client_secret *self = calloc(1, sizeof *self);

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &client_secret_ops;
    self->http = http;
    self->about = strdup(options->about);
    self->authority = strdup(options->authority);
    self->tenant = strdup(options->tenant);
    self->client_id = strdup(options->client_id);
    self->secret_file = strdup(options->secret_file);
    self->audience = strdup(options->audience);
    if (self->about == NULL || self->authority == NULL || self->tenant == NULL || self->client_id == NULL ||
        self->secret_file == NULL || self->audience == NULL) {
        client_secret_free(&self->identity);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}
