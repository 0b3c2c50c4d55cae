/*
 * Who may ask for tokens, how each proves itself, and what each may do with the keys. Callers are never
 * removed.
 *
 * Threads: the caller holds the lock of struct standin.
 */
#ifndef STANDIN_CALLERS_H
#define STANDIN_CALLERS_H

#include <cjson/cJSON.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum { CALLER_CERTIFICATES = 4 };

/* A change of permissions is seen by requests some time after it. */
struct permissions {
    unsigned now; /* a bit for each operation */
    unsigned before;
    int64_t visible_at; /* milliseconds of CLOCK_MONOTONIC from which `now` counts */
};

/* How a machine's endpoints know it. */
struct managed {
    bool is_managed;
    bool is_system; /* system-assigned: the one that is meant when none is named */
    char *object_id, *resource_id;
};

struct caller {
    struct caller *next;
    char *id; /* the application's, a GUID */
    char *secret;
    X509 *certificates[CALLER_CERTIFICATES]; /* newest first; NULL: no more */
    char *issuer, *subject;                  /* of its federated tokens; NULL: none are taken */
    struct managed managed;
    bool disabled; /* the application, in the directory */
    struct permissions permissions;
    cJSON *claims; /* array of claims that its tokens must have been fetched with, one after the other; NULL:
                      none */
};

struct caller *caller_find(struct caller *callers, const char *id);
/* Found or made, with no permissions and a secret nobody knows. */
struct caller *caller_add(struct caller **callers, const char *id);
void caller_set_secret(struct caller *caller, const char *secret);
/* The first certificate of a PEM text is one more of its own. False: there is none. */
bool caller_add_certificate(struct caller *caller, const char *pem);
/* NULL: as it is. Always true. */
bool caller_set_federation(struct caller *caller, const char *issuer, const char *subject);
/* As a user-assigned identity where both are named, else as the system-assigned one. */
void caller_set_managed(struct caller *caller, const char *object_id, const char *resource_id);
/* Seen after delay_ms milliseconds. */
void caller_permit(struct caller *caller, unsigned permissions, int delay_ms);
unsigned caller_permissions(const struct caller *caller);
void callers_free(struct caller *callers);

#endif
