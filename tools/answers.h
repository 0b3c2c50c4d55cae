/* What the module's answers mean to an operator: the table that byok-pkcs11(7) prints too. */
#ifndef BYOK_TOOLS_ANSWERS_H
#define BYOK_TOOLS_ANSWERS_H

#include "backends/base/cryptoki.h"

struct answer {
    CK_RV rv;
    const char *advice; /* what to do */
};

/* All of them, ended by one without advice. */
extern const struct answer answers[];

/* Neither is ever NULL: others have words of their own. */
const char *answer_name(CK_RV rv); /* "CKR_..." */
const char *answer_advice(CK_RV rv);

#endif
