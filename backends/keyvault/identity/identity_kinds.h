/* Every kind of identity there is: one row each, from which all tables of kinds are made. */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_KINDS_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_IDENTITY_KINDS_H

#include "backends/keyvault/identity/identity.h"

/* The options of the configuration, one bit each. */
enum identity_use {
    USES_TENANT = 1,
    USES_CLIENT_ID = 2,
    USES_CLIENT_SECRET_FILE = 4,
    USES_CLIENT_CERTIFICATE_FILE = 8,
    USES_CLIENT_CERTIFICATE_KEY = 16,
    USES_FEDERATED_TOKEN_FILE = 32,
    USES_TOKEN_FILE = 64,
    USES_AUTHORITY = 128,
    USES_AUDIENCE = 256,
    USES_VERIFY_CHALLENGE = 512,

    NOT_SET_ID = 1024,  /* refused in a set-id process */
    RESOURCE_IDS = 2048 /* client-id may also be an identity's resource ID */
};

/*
 * The word in the configuration; its struct identity_kind; the options that it needs; those that it may have,
 * with its peculiarities; those that the environment completes where they are not written. A kind that asks
 * the tenant's token endpoint may have tenant, authority and verify-challenge as well.
 */
#define IDENTITY_KINDS(KIND)                                                                                 \
    KIND("client-secret", client_secret_kind, USES_CLIENT_ID | USES_CLIENT_SECRET_FILE, USES_AUDIENCE, 0)    \
    KIND("client-certificate", client_certificate_kind, USES_CLIENT_ID | USES_CLIENT_CERTIFICATE_FILE,       \
         USES_CLIENT_CERTIFICATE_KEY | USES_AUDIENCE, 0)                                                     \
    KIND("workload-identity", workload_identity_kind, 0,                                                     \
         USES_CLIENT_ID | USES_FEDERATED_TOKEN_FILE | USES_AUDIENCE,                                         \
         USES_TENANT | USES_CLIENT_ID | USES_FEDERATED_TOKEN_FILE | USES_AUTHORITY)                          \
    KIND("environment", environment_kind, 0, USES_CLIENT_ID | USES_AUDIENCE | NOT_SET_ID,                    \
         USES_TENANT | USES_CLIENT_ID | USES_AUTHORITY)                                                      \
    KIND("managed-identity", managed_identity_kind, 0, USES_CLIENT_ID | USES_AUDIENCE | RESOURCE_IDS, 0)     \
    KIND("azure-cli", azure_cli_kind, 0, USES_TENANT | USES_AUDIENCE | NOT_SET_ID, 0)                        \
    KIND("token-file", token_file_kind, USES_TOKEN_FILE, 0, 0)

#define IDENTITY_DECLARE(word, kind, needs, may, completed) extern const struct identity_kind kind;
IDENTITY_KINDS(IDENTITY_DECLARE)
#undef IDENTITY_DECLARE

/* One row. */
struct identity_row {
    const char *word;
    const struct identity_kind *kind;
    unsigned needs, may, completed; /* of enum identity_use */
};

/* All rows, ended by one without a word. */
extern const struct identity_row identity_rows[];
/* Their words, ended by NULL. */
extern const char *const identity_words[];

/* Words, because of which there will be no token. */
extern const struct identity_kind absent_kind;

#endif
