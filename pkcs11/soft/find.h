/* One C_FindObjects under way: what find.c tells those who know where objects are. The session's lock is held. */
#ifndef BYOK_PKCS11_SOFT_FIND_H
#define BYOK_PKCS11_SOFT_FIND_H

#include "pkcs11/soft/soft.h"

struct search {
    struct soft_session *session;
    const CK_ATTRIBUTE *template;
    CK_ULONG count;
    bool named; /* names a label, an id or a unique id */
    struct deadline deadline;
    CK_RV rv; /* of what went wrong first */

    /* Keys of the service. */
    bool wants_public, wants_private, wants_secret;
    bool asks_part; /* names what only the public part tells */
};

/* The text by which the template names one object; empty where it names none. */
struct bytes search_name(const struct search *search);
static inline void search_add(struct search *search, CK_OBJECT_HANDLE handle)
{
    search->rv = search->rv == CKR_OK ? found_add(&search->session->found, handle) : search->rv;
}
static inline void search_note(const struct search *search, CK_RV rv, const struct service_answer *answer)
{
    soft_session_note(search->session, rv, answer);
}

/* Each adds what matches, and asks the service for no more than that needs. */
void find_certificates(struct search *search);
void find_keys(struct search *search);

#endif
