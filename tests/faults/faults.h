/*
 * Each fault crossed with each operation, from one thread and from 32: what comes back, how long it takes,
 * how many requests are made, and that work goes on by itself when the fault is gone. Run by
 * tests/faults/run.
 */
#ifndef BYOK_TESTS_FAULTS_H
#define BYOK_TESTS_FAULTS_H

#include "tests/built_module.h"
#include <stdbool.h>

extern CK_FUNCTION_LIST *p11;

/* --- operation.c: the operations of the vault's token, as an application makes them --- */

struct operation {
    const char *name;
    const char *request; /* what the stand-in counts, and what a fault meets */
    const char *server;  /* where that request goes: "vault" or "identity" */
    /* False with *ret_rv CKR_OK: the result is wrong. */
    bool (*run)(CK_SESSION_HANDLE session, CK_RV *ret_rv);
    CK_RV key_is_gone, bad_request;
};

extern const struct operation operations[];
/* NULL: there is none of that name. */
const struct operation *operation_of(const char *name);

/* A session, and what the operations work on. False: it could not be made. */
bool operations_begin(CK_SESSION_HANDLE *ret_session);
/* Another blob of the same value: one that was called bad is not asked for again within a minute. */
bool operations_renew(CK_SESSION_HANDLE session);
bool operations_prepare(void);
/* What was prepared, for another process. */
bool operations_save(const char *path);
bool operations_load(const char *path);

/* --- table.c: the faults --- */

enum outcome {
    GOES_ON,       /* CKR_OK */
    FAILS,         /* CKR_DEVICE_ERROR */
    FAILS_LATE,    /* the same, at the deadline and not before */
    NOT_LOGGED_IN, /* CKR_USER_NOT_LOGGED_IN */
    NOT_PERMITTED, /* CKR_KEY_FUNCTION_NOT_PERMITTED */
    KEY_GONE,      /* as the operation says, as the next */
    BAD_REQUEST,
    BAD_KEY,    /* CKR_WRAPPED_KEY_INVALID */
    NOT_TOLD,   /* CKR_ATTRIBUTE_TYPE_INVALID */
    ONLY_NAMED, /* CKR_OK, and of the keys those that the configuration names; of certificates none */
    NOT_MEANT,  /* says nothing about this operation */
};

struct fault {
    const char *name;
    const char *what; /* JSON, without the match (tests/standin/faults.h) */
    enum outcome vault, identity;
    struct {
        const char *operation;
        enum outcome outcome;
    } but[5];  /* other outcomes of some operations */
    bool cold; /* met by a new connection only */
};

extern const struct fault faults[];
enum outcome fault_outcome(const struct fault *fault, const struct operation *operation);

#endif
