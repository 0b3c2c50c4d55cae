/*
 * Who may ask for tokens, and what each may do with the keys. Callers are never removed.
 *
 * Threads: the caller holds the lock of struct standin.
 */
#ifndef STANDIN_CALLERS_H
#define STANDIN_CALLERS_H

#include <stdbool.h>

struct caller {
    struct caller *next;
    char *id; /* the application's, a GUID */
    char *secret;
    bool disabled;        /* the application, in the directory */
    unsigned permissions; /* a bit for each operation */
};

struct caller *caller_find(struct caller *callers, const char *id);
/* Found or made, with no permissions and a secret nobody knows. */
struct caller *caller_add(struct caller **callers, const char *id);
void caller_set_secret(struct caller *caller, const char *secret);
void callers_free(struct caller *callers);

#endif
