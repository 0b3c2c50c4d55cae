/*
 * A record of each use of a key-encryption key, and of what happens to it: one line of JSON each, to a file and to
 * syslog, as the configuration says (audit-file, audit-syslog, audit-required). Never a secret. The soft token
 * and the HSM token tell what they did; neither of the wings below them knows.
 *
 * A use is what a key of the key store does with data or another key: wrap, unwrap, encrypt, decrypt, sign, and in an
 * HSM derive. Checking a signature is none, nor is digesting a key, a question for a size, what is asked about a key,
 * and what the module asks for its own sake: whether a lease goes on. Keys that live in a session are data keys.
 *
 * Each record carries its number and the SHA-256 of the record before it, both of this process, so that one that
 * is missing or was changed shows (audit/audit_read.h). The first of a process says what was started; a forked child
 * begins again.
 *
 * Threads: all of it by all threads. Records are written one at a time, in the order of their numbers. Where the
 * disk hangs, the thread that is writing hangs with it; others wait AUDIT_PATIENCE at most, counted from when
 * that began, and their records are lost.
 *
 * One write() per record, appended, so that processes can share a file; it is opened again where it has been
 * renamed or removed. Without audit-file and audit-syslog every function here answers at once.
 */
#ifndef BYOK_BACKENDS_AUDIT_H
#define BYOK_BACKENDS_AUDIT_H

#include "backends/base/buffer.h"
#include "backends/base/settings.h"
#include "backends/key_service.h"

enum {
    AUDIT_PATIENCE = 3000,     /* milliseconds */
    AUDIT_COMPLAIN = 10 * 1000 /* between two lines in the log about records that were lost */
};

/*
 * C_Initialize: what its global options say from now on; `global` NULL: nothing, there is no file. `configuration`
 * is the file's content, of which the next record says the SHA-256. No use of libcrypto. A file that cannot be
 * opened is an error in the log; with audit-required it is one of the configuration, CKR_GENERAL_ERROR.
 */
MUST_USE CK_RV audit_configure(const struct settings *global, struct bytes configuration);
/* Writes that the module was started, if that has not been written yet. */
void audit_started(void);
/* In a forked child: a new chain. One thread alone. */
void audit_after_fork(void);

/* False: there is nobody to tell, so nothing needs to be prepared. */
bool audit_wanted(void);

/* For audit_use.began. */
static inline int64_t audit_began(void)
{
    return audit_wanted() ? clock_now() : 0;
}

enum audit_place { AUDIT_HERE, AUDIT_SERVICE, AUDIT_HSM };

/* One use of a key. What is not known is NULL, "" or 0. All of it is lent for the call. */
struct audit_use {
    const char *token;   /* the title of its section */
    const char *backend; /* "keyvault", "hsm" */
    enum audit_place place;
    const char *operation; /* "wrap", "unwrap", "encrypt", "decrypt", "sign", "derive" */
    CK_MECHANISM_TYPE mechanism;
    const char *key;                /* its full identifier, with the version that was used */
    struct bytes blob, rest;        /* the wrapped key, the ciphertext, the signature, in one part or two */
    const unsigned char *blob_hash; /* its SHA-256, where it came in more parts than that */
    const struct service_answer *answer; /* NULL: nobody was asked */
    int64_t began;                       /* clock_now() */
    CK_RV rv;
    bool is_begun; /* data comes in parts, and the first is about to; at the end there is another record */
};

/*
 * CKR_OK; CKR_FUNCTION_FAILED where audit-required is set and the record could not be written: then the result
 * of the use is wiped and this is the answer. Otherwise a record that could not be written is a line in the log,
 * and the next one that can be says how many were lost.
 */
MUST_USE CK_RV audit_use(const struct audit_use *use);

/* What happens to a key. */
enum audit_event {
    AUDIT_CLOSED,  /* its leases ended; `reason` */
    AUDIT_OPENED,  /* and began again */
    AUDIT_ROLLED,  /* another version is in use */
    AUDIT_REFUSED, /* by policy; `reason` */
};

/* `key` is its full identifier with the version; `answer` and `reason` may be NULL. */
void audit_event(enum audit_event event, const char *token, const char *backend, const char *key,
                 const char *reason, const struct service_answer *answer);

#endif
