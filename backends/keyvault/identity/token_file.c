/*
 * identity = token-file: somebody else gets tokens, and keeps the newest in a file. It is looked at again
 * every minute, and when the vault refuses the token.
 */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/keyvault/identity/token_json.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY = 60 /* seconds */ };

struct token_file {
    struct identity identity;
    char *about, *path;
    struct buffer token; /* as it was last read; empty: not yet, or it was none */
    struct file_version version;
};

static void token_file_free(struct identity *identity)
{
    struct token_file *self = (struct token_file *)identity;

    if (self != NULL) {
        free(self->about);
        free(self->path);
        buffer_free(&self->token);
        free(self);
    }
}

/* Seconds from now; a token that does not say when it ends is looked at all the same. */
static bool read_lifetime(const char *token, int64_t *ret_seconds)
{
    int64_t now = (int64_t)time(NULL), end = now + LOOK_EVERY;

    (void)token_read_end(token, &end);
    *ret_seconds = end - now < LOOK_EVERY ? end - now : LOOK_EVERY;
    return end > now;
}

static bool read_token(struct token_file *self, struct identity_failure *ret_failure)
{
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct bytes inner;

    buffer_clear(&self->token);
    if (file_read_secret(self->about, "token-file", self->path, &content, &self->version) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "token-file cannot be read");
    }
    inner = token_trim(buffer_bytes(&content));
    if (inner.size == 0) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "token-file is empty");
    }
    if (memchr(inner.data, 0, inner.size) != NULL ||
        buffer_append(&self->token, inner.data, inner.size) != CKR_OK ||
        !token_is_valid(buffer_text(&self->token))) {
        buffer_clear(&self->token);
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "token-file holds something else than one access token");
    }
    return true;
}

static bool token_file_fetch(struct identity *identity, const struct token_scope *scope,
                             struct deadline deadline, struct buffer *ret_token, int64_t *ret_lifetime,
                             struct identity_failure *ret_failure)
{
    struct token_file *self = (struct token_file *)identity;
    int64_t seconds;

    (void)scope, (void)deadline;
    if ((self->token.size == 0 || file_changed(self->path, &self->version)) &&
        !read_token(self, ret_failure)) {
        return false;
    }
    if (!read_lifetime(buffer_text(&self->token), &seconds)) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "the token in token-file has expired: whoever renews it has stopped, or this "
                             "machine's clock is wrong");
    }
    if (buffer_append(ret_token, self->token.data, self->token.size) != CKR_OK) {
        return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the token");
    }
    *ret_lifetime = seconds * 1000;
    return true;
}

static const struct identity_ops token_file_ops = {.fetch = token_file_fetch, .free = token_file_free};

static CK_RV token_file_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct token_file *self = calloc(1, sizeof *self);

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &token_file_ops;
    self->token.limit = TOKEN_LIMIT;
    self->about = strdup(options->about);
    self->path = strdup(options->token_file);
    if (self->about == NULL || self->path == NULL) {
        token_file_free(&self->identity);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind token_file_kind = {.open = token_file_open};
