/* Key-encryption keys of a token as PKCS#11 shows them: finding them, and trying one. */
#ifndef BYOK_TOOLS_KEKS_H
#define BYOK_TOOLS_KEKS_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

enum { KEK_LABEL_SIZE = 256 };

struct kek {
    char label[KEK_LABEL_SIZE];      /* "": it has none */
    CK_KEY_TYPE type;                /* CK_UNAVAILABLE_INFORMATION: not told */
    CK_OBJECT_HANDLE wraps, unwraps; /* one and the same for a symmetric key; 0: there is none */
};

/* Where they are looked for: a session of the token. */
struct kek_search {
    const CK_FUNCTION_LIST *p11;
    CK_SESSION_HANDLE session;
};

/* The key of this label. CKR_OBJECT_HANDLE_INVALID: there is none. */
MUST_USE CK_RV kek_named(const struct kek_search *in, const char *label, struct kek *ret_kek);

/* Lent for the call. */
typedef void kek_visitor(void *arg, const struct kek *kek);
/* All keys that may unwrap. */
MUST_USE CK_RV kek_each(const struct kek_search *in, kek_visitor *visit, void *arg);

/* What a trial came to; where it failed, `function` is the one that did. */
struct kek_trial {
    const char *function;  /* "C_WrapKey" */
    const char *mechanism; /* "CKM_RSA_PKCS_OAEP with SHA-256" */
    bool compared;         /* false: CKM_AES_CBC, by which that is done, may not be used */
    bool same;             /* the key that came back is the one that went */
};

/* Makes an AES-256 key in the session, wraps it, unwraps it, compares what both encrypt, destroys both. */
MUST_USE CK_RV kek_try(const struct kek_search *in, const struct kek *kek, struct kek_trial *ret_trial);

#endif
