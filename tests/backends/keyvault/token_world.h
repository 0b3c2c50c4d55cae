/* A token endpoint that notes what it is asked, and an identity that asks it: for the tests of identities. */
#ifndef BYOK_TESTS_TOKEN_WORLD_H
#define BYOK_TESTS_TOKEN_WORLD_H

#include "backends/keyvault/identity/identity_kinds.h"
#include "tests/backends/keyvault/https_server.h"

struct token_world {
    struct https_server *server;
    struct http_client *http;
    struct identity *identity;
    struct token_scope scope;
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
    char log[256]; /* what is logged, is in this file */
    /* what the endpoint says, and what it was asked */
    enum https_act act;
    unsigned status;
    const char *headers, *body;
    char path[256], form[32 * 1024];
    bool was_form;
    unsigned fails; /* so many times first the answer is 503 at once; the form of that is kept */
    char failed_form[32 * 1024];
};

/* `who` lacks about and http. */
struct token_world *token_world_new(const struct identity_kind *kind, const struct identity_options *who);
void token_world_free(struct token_world *world);
/* Another identity in the same world. */
void token_world_open(struct token_world *world, const struct identity_kind *kind,
                      const struct identity_options *who);

bool token_world_fetch(struct token_world *world, int64_t milliseconds);
/* It fails so, and says so; the endpoint was asked, or not. */
void token_world_expect_failure(struct token_world *world, CK_RV rv, const char *words);
void token_world_expect_failure_unasked(struct token_world *world, CK_RV rv, const char *words);
/* A field of the form that was sent, decoded, from malloc; NULL: none. */
char *token_world_field(const struct token_world *world, const char *name);
/* What was logged since the world began, in a static buffer. */
const char *token_world_log(const struct token_world *world);

#endif
