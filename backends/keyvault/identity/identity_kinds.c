/* The tables of kinds, and the identity that is not there. */
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <stdlib.h>
#include <string.h>

#define ROW(word, kind, needs, may, completed) {word, &kind, needs, may, completed},
const struct identity_row identity_rows[] = {IDENTITY_KINDS(ROW){NULL, NULL, 0, 0, 0}};

#define WORD(word, kind, needs, may, completed) word,
const char *const identity_words[] = {IDENTITY_KINDS(WORD) NULL};

struct absent {
    struct identity identity;
    char *problem;
};

static void absent_free(struct identity *identity)
{
    struct absent *self = (struct absent *)identity;

    if (self != NULL) {
        free(self->problem);
        free(self);
    }
}

static bool absent_fetch(struct identity *identity, const struct token_scope *scope, struct deadline deadline,
                         struct buffer *ret_token, int64_t *ret_lifetime,
                         struct identity_failure *ret_failure)
{
    (void)scope, (void)deadline, (void)ret_token, (void)ret_lifetime;
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "%s", ((struct absent *)identity)->problem);
}

static const struct identity_ops absent_ops = {.fetch = absent_fetch, .free = absent_free};

static CK_RV absent_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct absent *self = calloc(1, sizeof *self);

    if (self != NULL) {
        self->identity.ops = &absent_ops;
        self->problem = strdup(options->problem);
    }
    if (self == NULL || self->problem == NULL) {
        free(self);
        return CKR_HOST_MEMORY;
    }
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind absent_kind = {.open = absent_open};
