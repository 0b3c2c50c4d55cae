/* identity = managed-identity: the machine that this runs on is known to its cloud, and gives the token. */
#include "backends/keyvault/identity/managed_identity.h"
#include "backends/base/scope.h"
#include "backends/keyvault/endpoint.h"
#include "backends/keyvault/identity/arc_key.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/keyvault/url_text.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADERS = 3 };

struct managed_identity {
    struct identity identity;
    const struct managed_places *places;
    struct managed_way way;
    struct endpoint *endpoint;
    char *about;
    char *user_assigned; /* NULL: the system-assigned identity */
};

static void managed_identity_free(struct identity *identity)
{
    struct managed_identity *self = (struct managed_identity *)identity;

    if (self != NULL) {
        managed_way_done(&self->way);
        endpoint_free(self->endpoint);
        free(self->about);
        free(self->user_assigned);
        free(self);
    }
}

/* --- The request --- */

static CK_RV add_parameter(struct buffer *url, const char *name, const char *value)
{
    CK_RV rv = buffer_printf(url, "%c%s=", strchr(buffer_text(url), '?') == NULL ? '?' : '&', name);

    return rv == CKR_OK ? url_append_encoded(url, bytes_of_text(value)) : rv;
}

/* An ID of the resource manager is a path; the other one is a UUID. */
static const char *parameter_of_user_assigned(const struct managed_identity *self)
{
    return self->user_assigned[0] == '/' ? self->way.source->resource_id : self->way.source->client_id;
}

static CK_RV write_url(const struct managed_identity *self, const struct token_scope *scope,
                       struct buffer *url)
{
    CK_RV rv = buffer_append_text(url, buffer_text(&self->way.url));

    if (rv == CKR_OK) {
        rv = add_parameter(url, "api-version", self->way.source->api_version);
    }
    if (rv == CKR_OK) {
        rv = add_parameter(url, "resource", scope->audience);
    }
    if (rv == CKR_OK && self->user_assigned != NULL) {
        rv = add_parameter(url, parameter_of_user_assigned(self), self->user_assigned);
    }
    return rv;
}

/* `proof`: a header line that the service has asked for; empty: none. */
static void ask(const struct managed_identity *self, const char *url, const struct buffer *proof,
                struct deadline deadline, struct http_reply *reply)
{
    const char *headers[MOST_HEADERS + 1] = {NULL};
    struct http_request request = {
        .url = url, .headers = headers, .machine = true, .limit = HTTP_ANSWER_LIMIT, .once = true};
    size_t count = 0;

    if (self->way.source->metadata) {
        headers[count++] = "Metadata: true";
    }
    if (self->way.header.size != 0) {
        headers[count++] = buffer_text(&self->way.header);
    }
    if (proof->size != 0) {
        headers[count++] = buffer_text(proof);
    }
    endpoint_ask(self->endpoint, &request, deadline, reply);
}

static bool check(const struct managed_identity *self, struct identity_failure *ret_failure)
{
    if (self->way.source == NULL) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s", self->way.problem);
    }
    if (self->user_assigned != NULL && parameter_of_user_assigned(self) == NULL) {
        return identity_fail(
            ret_failure, CKR_USER_NOT_LOGGED_IN, "%s cannot be asked for the identity %s: %s",
            self->way.source->name, self->user_assigned,
            self->way.source->challenges ? "it has the system-assigned one alone, remove client-id"
                                         : "name it by its client ID");
    }
    return true;
}

static bool managed_identity_fetch(struct identity *identity, const struct token_scope *scope,
                                   struct deadline deadline, struct buffer *ret_token, int64_t *ret_lifetime,
                                   struct identity_failure *ret_failure)
{
    const struct managed_identity *self = (const struct managed_identity *)identity;
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(2 * MACHINE_URL_LIMIT);
    struct buffer proof SCOPED(buffer_free) = BUFFER_INIT(MACHINE_HEADER_LIMIT);
    struct http_reply reply SCOPED(http_reply_done);

    http_reply_init(&reply);
    if (!check(self, ret_failure)) {
        return false;
    }
    if (write_url(self, scope, &url) != CKR_OK) {
        return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the request");
    }
    ask(self, buffer_text(&url), &proof, deadline, &reply);
    if (self->way.source->challenges && reply.failure == HTTP_ANSWERED && reply.status == 401) {
        if (!arc_key_read(self->about, self->places->arc_keys, &reply.challenge, &proof, ret_failure)) {
            return false;
        }
        ask(self, buffer_text(&url), &proof, deadline, &reply);
    }
    return managed_answer_judge(self->way.source, buffer_text(&url), self->user_assigned, &reply, ret_token,
                                ret_lifetime, ret_failure);
}

/* --- Its life --- */

static const struct identity_ops managed_identity_ops = {
    .fetch = managed_identity_fetch,
    .free = managed_identity_free,
};

static CK_RV fill_in(struct managed_identity *self, const struct identity_options *options)
{
    struct endpoint_options place = {.about = options->about, .http = options->http};
    CK_RV rv = managed_way_read(self->places, &self->way);

    if (rv != CKR_OK) {
        return rv;
    }
    self->about = strdup(options->about);
    self->user_assigned = options->client_id == NULL ? NULL : strdup(options->client_id);
    if (self->about == NULL || (options->client_id != NULL && self->user_assigned == NULL)) {
        return CKR_HOST_MEMORY;
    }
    place.machine = self->way.source != NULL && self->way.source->updates;
    return endpoint_new(&place, &self->endpoint);
}

CK_RV managed_identity_open_at(const struct identity_options *options, const struct managed_places *places,
                               struct identity **ret_identity)
{
    struct managed_identity *self = calloc(1, sizeof *self);
    CK_RV rv;

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &managed_identity_ops;
    self->places = places;
    rv = fill_in(self, options);
    if (rv != CKR_OK) {
        managed_identity_free(&self->identity);
        return rv;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

static CK_RV managed_identity_open(const struct identity_options *options, struct identity **ret_identity)
{
    return managed_identity_open_at(options, &managed_places, ret_identity);
}

const struct identity_kind managed_identity_kind = {
    .open = managed_identity_open,
};
