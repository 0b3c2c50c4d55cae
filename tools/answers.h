/* What the module's answers mean to an operator: the table that byok-pkcs11(7) prints too. */
#ifndef BYOK_TOOLS_ANSWERS_H
#define BYOK_TOOLS_ANSWERS_H

#include "backends/base/cryptoki.h"
#include "backends/diagnosis.h"

struct answer {
    CK_RV rv;
    const char *advice; /* what to do */
};

/* All of them, ended by one without advice. */
extern const struct answer answers[];

/* "CKR_...", or words for what has no name. */
const char *answer_name(CK_RV rv);

/* What was done, with which key ("": with none), and the answer. */
struct answered {
    const char *what, *key;
    CK_RV rv;
};

/*
 * A failure, or a warning: that, and what the log said meanwhile; with the advice that this has, or else the table's.
 */
void answer_tell(struct diagnosis *diagnosis, enum finding_status status, const char *check,
                 const struct answered *answered);

#endif
