/* Examining a section with `backend = hsm`. */
#ifndef BYOK_BACKENDS_HSM_HSM_DIAGNOSE_H
#define BYOK_BACKENDS_HSM_HSM_DIAGNOSE_H

#include "backends/hsm/hsm_token.h"

/*
 * Of a token that was opened for this and is nobody else's: its library, the slot, the PIN, then what is in it. The
 * PIN is tried once, and not at all where a wrong one has been given since it was last right: HSMs count, and lock
 * the token for everybody.
 */
void hsm_diagnose(struct hsm_token *token, struct diagnosis *diagnosis);

/* The part of it that is about keys and mechanisms, in a session below. */
void hsm_diagnose_content(const struct hsm_mechanisms *of, CK_SESSION_HANDLE session,
                          struct diagnosis *diagnosis);

#endif
