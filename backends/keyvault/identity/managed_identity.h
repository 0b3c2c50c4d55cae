/*
 * Inside identity = managed-identity: the services of a machine that give it tokens, which of them is meant,
 * and how it is asked. Only the environment says which, as it does for the service's own clients; nothing is
 * tried out over the network.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_MANAGED_IDENTITY_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_MANAGED_IDENTITY_H

#include "backends/keyvault/identity/identity.h"

enum { MACHINE_URL_LIMIT = 2048, MACHINE_HEADER_LIMIT = 4096 + 64 };

/* A kind of such services: how their requests differ. */
struct managed_source {
    const char *name; /* in words */
    const char *api_version;
    /*
     * Query parameters that name a user-assigned identity,
     * by its ID of each form; NULL: it cannot be told.
     */
    const char *client_id, *resource_id;
    const char *header; /* NULL: none; else what IDENTITY_HEADER or MSI_SECRET goes into */
    bool metadata;      /* Metadata: true, which no redirect and no browser would send */
    bool updates;       /* 404 and 410 mean that it is being updated */
    bool challenges;    /* its first answer names a file that only the privileged can read (arc_key.h) */
};

/* Where things are on a machine; tests say otherwise. */
struct managed_places {
    const char *arc_keys;  /* the folder of Azure Arc's key files */
    const char *arc_agent; /* a file that is there where Azure Arc is */
};
extern const struct managed_places managed_places;

/* What the environment has decided. */
struct managed_way {
    const struct managed_source *source; /* NULL: nothing can be asked, and `problem` says why */
    struct buffer url;                   /* without parameters */
    struct buffer header;                /* a whole header line with its secret; empty: none */
    char problem[240];
};

/*
 * Fills in ret_way, which managed_way_done() takes whatever comes back. CKR_HOST_MEMORY. The secret's header
 * is kept only with an address to which it may go: http or https to `localhost` or a literal address that is
 * loopback, link-local or private (RFC 1918, where containers of App Service find theirs).
 */
MUST_USE CK_RV managed_way_read(const struct managed_places *places, struct managed_way *ret_way);
void managed_way_done(struct managed_way *way);

/* identity_kind.open, on a machine with these places; they are lent for its life. */
MUST_USE CK_RV managed_identity_open_at(const struct identity_options *options,
                                        const struct managed_places *places, struct identity **ret_identity);

/* What a reply without a token means, or one with: as identity_ops.fetch. `user_assigned` NULL: none. */
bool managed_answer_judge(const struct managed_source *source, const char *url, const char *user_assigned,
                          const struct http_reply *reply, struct buffer *ret_token, int64_t *ret_lifetime,
                          struct identity_failure *ret_failure);

#endif
