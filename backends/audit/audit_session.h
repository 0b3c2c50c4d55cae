/* The sessions of a token that records: what each is in the middle of, with which key. For audit_token.c alone. */
#ifndef BYOK_BACKENDS_AUDIT_SESSION_H
#define BYOK_BACKENDS_AUDIT_SESSION_H

#include "backends/audit.h"
#include "backends/base/hash.h"
#include "backends/token_above.h"
#include <pthread.h>

struct audit_token {
    struct token_above above;
    const char *title, *label, *backend;
};

enum audit_running_kind {
    RUNNING_ENCRYPT,
    RUNNING_DECRYPT,
    RUNNING_SIGN,
    RUNNING_SIGN_RECOVER,
    RUNNING_MESSAGE_ENCRYPT,
    RUNNING_MESSAGE_DECRYPT,
    RUNNING_MESSAGE_SIGN,
    RUNNING_KINDS
};

/* An operation with a key of the HSM. */
struct audit_running {
    bool is_on;    /* it was begun, and is recorded; that it has ended is for the HSM to say */
    bool in_parts; /* the first has come */
    CK_MECHANISM_TYPE mechanism;
    char key[KEY_TEXT_SIZE];
    int64_t began;      /* the first part */
    EVP_MD_CTX *parts;  /* hash of the ciphertext so far; kept */
    bool parts_unknown; /* libcrypto has failed */
};

struct audit_session {
    struct session_above above;
    pthread_mutex_t lock; /* for what follows; not held while the HSM is asked or a record is written */
    struct audit_running running[RUNNING_KINDS];
};

/* What was made below. */
static inline struct bytes audit_made(const CK_BYTE *out, const CK_ULONG *out_size, CK_RV rv)
{
    return rv == CKR_OK && out_size != NULL ? bytes_of(out, *out_size) : bytes_of(NULL, 0);
}

/*
 * Before a ciphertext is opened below: as it is. What is opened may take its place (2.40, 5.9), and is nothing for a
 * record, nor is its hash; then it is a copy, in `copy`. Without data where there is no memory for that.
 */
struct bytes audit_opened(const CK_BYTE *data, CK_ULONG size, const CK_BYTE *out, const CK_ULONG *out_size,
                          struct buffer *copy);

/* An operation was begun below with `rv`; `mechanism` NULL: it was ended that way (3.0). */
CK_RV audit_session_begin(struct token_session *session, enum audit_running_kind kind,
                          const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_RV rv);
/* It does not run any more. */
void audit_session_end(struct token_session *session, enum audit_running_kind kind);

/*
 * Before each part: the first is recorded. CKR_FUNCTION_FAILED where that cannot be, and must: then the operation
 * is to be ended below.
 */
MUST_USE CK_RV audit_session_part_begin(struct token_session *session, enum audit_running_kind kind);
/* A part was done below with `rv`, and is of the ciphertext. The same rv. */
CK_RV audit_session_part_end(struct token_session *session, enum audit_running_kind kind,
                             struct bytes ciphertext, CK_RV rv);

/*
 * The last of it was done below with `rv`; `blob` is all of the ciphertext or the signature, or NULL where that
 * came in parts. What the application gets: where it cannot be recorded and must, `out` is wiped.
 */
CK_RV audit_session_finish(struct token_session *session, enum audit_running_kind kind,
                           const struct bytes *blob, int64_t began, void *out, const CK_ULONG *out_size,
                           CK_RV rv);

/*
 * A use in one call, of which the operation, the blob, the time and the result are given. CKR_FUNCTION_FAILED as
 * audit_use(); CKR_OK also where the key is one of a session.
 */
MUST_USE CK_RV audit_session_record(struct token_session *session, const CK_MECHANISM *mechanism,
                                    CK_OBJECT_HANDLE key, const struct audit_use *use);

void audit_session_init(struct audit_session *session);
void audit_session_done(struct audit_session *session);

#endif
