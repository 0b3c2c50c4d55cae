/* Client credentials become a token. */
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/base/scope.h"
#include "backends/keyvault/endpoint.h"
#include "backends/keyvault/identity/aadsts.h"
#include "backends/keyvault/identity/claims.h"
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/url_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_LIMIT = 64 * 1024, OUR_CLAIMS = 256 };

struct token_endpoint {
    struct endpoint *endpoint;
};

CK_RV token_endpoint_new(const char *about, struct http_client *http, struct token_endpoint **ret_endpoint)
{
    struct token_endpoint *self = calloc(1, sizeof *self);
    struct endpoint_options options = {.about = about, .http = http};
    CK_RV rv = self == NULL ? CKR_HOST_MEMORY : endpoint_new(&options, &self->endpoint);

    if (rv != CKR_OK) {
        free(self);
        return rv;
    }
    *ret_endpoint = self;
    return CKR_OK;
}

void token_endpoint_free(struct token_endpoint *self)
{
    if (self != NULL) {
        endpoint_free(self->endpoint);
        free(self);
    }
}

CK_RV token_endpoint_url(const struct token_scope *scope, struct buffer *ret_url)
{
    return buffer_printf(ret_url, "%s/%s/oauth2/v2.0/token", scope->authority, scope->tenant);
}

/* --- The form --- */

bool identity_fail(struct identity_failure *ret_failure, CK_RV rv, const char *format, ...)
{
    va_list arguments;

    ret_failure->rv = rv;
    ret_failure->verdict = rv == CKR_USER_NOT_LOGGED_IN ? VERDICT_NO_ACCESS : VERDICT_UNREACHABLE;
    va_start(arguments, format);
    vsnprintf(ret_failure->said, sizeof ret_failure->said, format, arguments);
    va_end(arguments);
    return false;
}

static CK_RV append_field(struct buffer *form, const char *name, struct bytes value)
{
    CK_RV rv = buffer_printf(form, "%s%s=", form->size == 0 ? "" : "&", name);

    return rv == CKR_OK ? url_append_encoded(form, value) : rv;
}

static bool fail_memory(struct identity_failure *ret_failure)
{
    return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the request");
}

bool token_form_add(struct buffer *form, const char *name, struct bytes value,
                    struct identity_failure *ret_failure)
{
    return append_field(form, name, value) == CKR_OK || fail_memory(ret_failure);
}

bool token_form_add_assertion(struct buffer *form, struct bytes assertion,
                              struct identity_failure *ret_failure)
{
    static const char type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    return token_form_add(form, "client_assertion_type", bytes_of_text(type), ret_failure) &&
           token_form_add(form, "client_assertion", assertion, ret_failure);
}

static bool write_form(const struct token_scope *scope, const struct token_proof *proof, struct buffer *form,
                       struct identity_failure *ret_failure)
{
    struct buffer wanted SCOPED(buffer_free) = BUFFER_INIT(TOKEN_URL_LIMIT);
    struct buffer claims SCOPED(buffer_free) = BUFFER_INIT(CLAIMS_LIMIT + OUR_CLAIMS);

    if (buffer_printf(&wanted, "%s/.default", scope->audience) != CKR_OK ||
        claims_write(scope->claims, &claims) != CKR_OK) {
        return fail_memory(ret_failure);
    }
    return token_form_add(form, "grant_type", bytes_of_text("client_credentials"), ret_failure) &&
           token_form_add(form, "client_id", bytes_of_text(proof->client_id), ret_failure) &&
           proof->write(proof->arg, scope, form, ret_failure) &&
           token_form_add(form, "scope", buffer_bytes(&wanted), ret_failure) &&
           token_form_add(form, "claims", buffer_bytes(&claims), ret_failure);
}

/* --- The answer --- */

/* Not no, but not now (RFC 6749, 4.1.2.1). */
static bool is_passing(const struct token_error *error)
{
    return strcmp(error->error, "temporarily_unavailable") == 0 || strcmp(error->error, "server_error") == 0;
}

/* The endpoint has answered no. Only `error` and the first of `error_codes` are told on, never its text. */
static bool fail_refused(const struct token_scope *scope, const struct http_reply *reply,
                         const char *what_to_check, struct identity_failure *ret_failure)
{
    struct token_error error;
    const char *advice;

    if (reply->status < 400 || reply->status >= 500 || reply->status == 408 || reply->status == 429 ||
        !token_json_read_error(buffer_bytes(&reply->body), &error) || is_passing(&error)) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "%s answered %u without a token; check authority, and what stands on the way",
                             scope->authority, reply->status);
    }
    advice = aadsts_advice(error.code);
    if (advice != NULL) {
        (void)identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                            "%s refuses the credential (%s): %s, AADSTS%lld: %s", scope->authority,
                            what_to_check, error.error, (long long)error.code, advice);
    } else {
        (void)identity_fail(
            ret_failure, CKR_USER_NOT_LOGGED_IN,
            "%s refuses the credential: %s, AADSTS%lld: check tenant, client-id, %s and authority",
            scope->authority, error.error, (long long)error.code, what_to_check);
    }
    if (aadsts_is_no_caller(error.code)) {
        ret_failure->verdict = VERDICT_NO_CALLER;
    }
    return false;
}

static bool judge(const struct token_scope *scope, const struct http_reply *reply, const char *what_to_check,
                  struct buffer *ret_token, int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    int64_t seconds;

    if (reply->failure != HTTP_ANSWERED) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR, "no answer from %s: %s; %s", scope->authority,
                             reply->cause, reply->advice);
    }
    if (reply->status != 200 || token_json_read(buffer_bytes(&reply->body), ret_token, &seconds) != CKR_OK) {
        return fail_refused(scope, reply, what_to_check, ret_failure);
    }
    *ret_lifetime = seconds * 1000;
    return true;
}

/* ret_more: it is to be asked again. */
static bool ask_once(struct token_endpoint *self, const struct token_scope *scope,
                     const struct token_proof *proof, struct retry *retry, struct http_reply *reply,
                     bool *ret_more, struct identity_failure *ret_failure)
{
    struct buffer form SCOPED(buffer_free) = BUFFER_INIT(FORM_LIMIT);
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(TOKEN_URL_LIMIT);
    struct http_request request = {.content_type = "application/x-www-form-urlencoded",
                                   .body_is_secret = true,
                                   .limit = HTTP_ANSWER_LIMIT,
                                   .once = true};

    if (scope->tenant == NULL) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "tenant is not known");
    }
    if (token_endpoint_url(scope, &url) != CKR_OK) {
        return fail_memory(ret_failure);
    }
    if (!write_form(scope, proof, &form, ret_failure)) {
        return false;
    }
    request.url = buffer_text(&url);
    request.body = buffer_bytes(&form);
    *ret_more = endpoint_try(self->endpoint, &request, retry, reply);
    return true;
}

bool token_endpoint_ask(struct token_endpoint *self, const struct token_scope *scope,
                        const struct token_proof *proof, struct deadline deadline, struct buffer *ret_token,
                        int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    struct http_reply reply SCOPED(http_reply_done);
    struct retry retry = RETRY_INIT(deadline);
    bool more = true;

    http_reply_init(&reply);
    while (more) {
        if (!ask_once(self, scope, proof, &retry, &reply, &more, ret_failure)) {
            return false;
        }
    }
    return judge(scope, &reply, proof->what, ret_token, ret_lifetime, ret_failure);
}
