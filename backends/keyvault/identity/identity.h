/*
 * Who we are to a vault: one way to get a bearer token per file, behind struct identity, and a cache that
 * knows when a token ends.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_H

#include "backends/key_service.h"
#include "backends/keyvault/http.h"

enum {
    TOKEN_LIMIT = 15 * 1024, /* bytes; the service's are 1 to 2 KiB */
    CLAIMS_LIMIT = 12 * 1024 /* bytes of a claims challenge; the service's are a few hundred */
};

/* Why there is no token. */
struct identity_failure {
    CK_RV rv; /* CKR_USER_NOT_LOGGED_IN: refused or absent; CKR_DEVICE_ERROR: the endpoint was not reached */
    enum service_verdict verdict; /* VERDICT_NO_ACCESS, VERDICT_NO_CALLER or VERDICT_UNREACHABLE */
    char said[480];               /* what the endpoint said and what to do, fit for a log line; no secret */
};

/* For whom a token is to be, and who gives it. All lent. */
struct token_scope {
    const char *authority; /* https://HOST[:PORT], without a slash at the end */
    const char *tenant;    /* NULL: not known */
    const char *audience;  /* without a slash at the end */
    const char *claims;    /* what a claims challenge asks for, JSON; NULL: nothing */
};

struct identity_ops;

/* Constant once made; a kind's private struct holds it as its first member. */
struct identity {
    const struct identity_ops *ops;
};

struct identity_ops {
    /*
     * Asks for a new token. ret_token is empty and has a limit of TOKEN_LIMIT; ret_lifetime is in
     * milliseconds from now. On failure false, and ret_failure tells why; nothing is logged here. Only one
     * thread is in it at a time; no lock is held.
     */
    bool (*fetch)(struct identity *identity, const struct token_scope *scope, struct deadline deadline,
                  struct buffer *ret_token, int64_t *ret_lifetime, struct identity_failure *ret_failure);

    /* Wipes and frees it; NULL is allowed. */
    void (*free)(struct identity *identity);
};

/* What the configuration says of who we are; NULL: nothing. All is copied but `http`, which is lent. */
struct identity_options {
    const char *about;
    struct http_client *http;
    const char *problem; /* why there will be no token */
    const char *client_id;
    const char *client_secret_file; /* this and the other files are read when a token is needed */
    const char *client_certificate_file;
    const char *client_certificate_key; /* a PKCS#11 URI: the key is there, not in the file */
    const char *federated_token_file;
    const char *token_file;
    /* What comes from the environment: */
    bool from_environment;
    const char *client_secret; /* itself, instead of its file */
    const char *client_certificate_password;
};

/* One way to get a token; identity_kinds.h has them all. */
struct identity_kind {
    /* Reads no file and asks nobody. CKR_HOST_MEMORY. */
    CK_RV (*open)(const struct identity_options *options, struct identity **ret_identity);
    bool asks_tenant; /* the tenant's token endpoint gives it; where none is named, the vault tells which */
};

struct token_cache;

/* Takes `identity`, also on failure. CKR_HOST_MEMORY. */
MUST_USE CK_RV token_cache_new(const char *about, struct identity *identity, struct token_cache **ret_cache);
/* With its identity and its token; NULL is allowed. */
void token_cache_free(struct token_cache *cache);

/* What is known of a token besides. */
struct token_facts {
    char principal[PRINCIPAL_SIZE]; /* whose it is by its own word, "": it does not say */
    int64_t asked, ends;            /* when, by clock_now() */
};

/*
 * The token, appended to ret_token, which is empty: the one at hand or a new one. However many threads ask,
 * one fetches and the others wait until their deadlines, and share its failure; before a token ends one
 * caller fetches the next while the others go on with it. ret_facts NULL: not wanted. On failure false;
 * nothing is logged.
 */
MUST_USE bool token_cache_get(struct token_cache *cache, const struct token_scope *scope,
                              struct deadline deadline, struct buffer *ret_token,
                              struct token_facts *ret_facts, struct identity_failure *ret_failure);
/*
 * The service has refused this token: it is forgotten, unless another has come meanwhile. `claims`: what the
 * service wants in the next one, JSON, which whoever fetches it asks for; NULL: nothing.
 */
void token_cache_drop(struct token_cache *cache, struct bytes token, const char *claims);

#endif
