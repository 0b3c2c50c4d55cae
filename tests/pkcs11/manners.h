/*
 * A guest's manners: what a host may expect of us beside the work itself. The program runs under
 * tests/with-tokens; "manners MODE" is a host of a certain kind, which the tests start as a process of its
 * own.
 */
#ifndef BYOK_TESTS_MANNERS_H
#define BYOK_TESTS_MANNERS_H

#include "tests/built_module.h"
#include <stdbool.h>

extern CK_FUNCTION_LIST *p11; /* of the built module */

enum { HSM_SLOT = 0, VAULT_SLOT = 1 };

/*
 * Everything once: C_Initialize (done before is fine), random bytes of the HSM, a key wrapped and unwrapped
 * under the vault's. NULL, or the step that failed. One session on each slot and the keys stay.
 */
const char *manners_work(void);
/* The same without the HSM. */
const char *manners_work_on_vault(void);
/* One question to the vault, which costs a request, and nothing before that. */
const char *manners_request(void);
/* The vault session and the unwrapped key of the last manners_work. */
extern CK_SESSION_HANDLE manners_session;
extern CK_OBJECT_HANDLE manners_key;

/* Ends as a process does: its exit status. 99: no such mode. */
int manners_mode(const char *mode);

#endif
