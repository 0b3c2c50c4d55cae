/* The codes with which the identity service says no: the number behind "AADSTS". */
#ifndef BYOK_BACKENDS_KEYVAULT_IDENTITY_AADSTS_H
#define BYOK_BACKENDS_KEYVAULT_IDENTITY_AADSTS_H

#include <stdbool.h>
#include <stdint.h>

/* What the operator can do; NULL: the code is not known. */
const char *aadsts_advice(int64_t code);
/* It says that the application is disabled, or that there is none or no service principal of it. */
bool aadsts_is_no_caller(int64_t code);
/* The code in a sentence; 0: none. */
int64_t aadsts_in(const char *text);

#endif
