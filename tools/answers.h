/* What the module's answers mean to an operator: the table that byok-pkcs11(7) prints too. */
#ifndef BYOK_TOOLS_ANSWERS_H
#define BYOK_TOOLS_ANSWERS_H

#include "backends/base/cryptoki.h"

struct answer {
    CK_RV rv;
    const char *name;   /* "CKR_..." */
    const char *advice; /* what to do */
};

/* Never NULL; of one that is not in the table the name is "an answer that is not expected here". */
const struct answer *answer_of(CK_RV rv);

/* All of them, ended by one without a name. */
extern const struct answer answers[];

#endif
