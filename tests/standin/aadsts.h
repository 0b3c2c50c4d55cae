/* How the identity service says no: an OAuth error with one of its own numbers in front. */
#ifndef STANDIN_AADSTS_H
#define STANDIN_AADSTS_H

#include "tests/standin/answer.h"

/* Takes the sentence. */
void aadsts_refuse(struct answer *answer, unsigned status, const char *error, int number, char *sentence);

/* "2026-01-31 12:00:00Z" */
void aadsts_stamp(char out[32]);

#endif
