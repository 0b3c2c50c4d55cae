/*
 * The soft token and its sessions as the rooms of this folder see them, and the list of what they do for an
 * application: one function for each row of token_functions.h that is filled in by token.c.
 */
#ifndef BYOK_PKCS11_SOFT_SOFT_H
#define BYOK_PKCS11_SOFT_SOFT_H

#include "backends/audit.h"
#include "backends/backend.h"
#include "pkcs11/soft/certificates.h"
#include "pkcs11/soft/cipher.h"
#include "pkcs11/soft/digest_state.h"
#include "pkcs11/soft/hmac.h"
#include "pkcs11/soft/lease_use.h"
#include "pkcs11/soft/message.h"
#include "pkcs11/soft/operation.h"
#include "pkcs11/soft/signing.h"

struct soft_token {
    struct token base;
    struct key_service *service; /* owned */
    char *label;
    char *public_keys, *certificate_folder;
    struct policy policy;
    struct token_policy asked;
    bool random_there; /* random = service */
    struct object_store store;
    struct catalogue catalogue;
    struct certificates certificates;
    struct cipher_set ciphers;
    struct hmac_set hmacs;
    struct digest_states digests;
    struct lease_book leases;
    _Atomic CK_ULONG logouts; /* each ends the operations that began before it */

    pthread_mutex_t lock;                    /* for all below */
    TAILQ_HEAD(, soft_session) all_sessions; /* those that were not looked into for longest come first */
    pthread_cond_t unpinned;
    CK_ULONG sessions, rw_sessions;
    bool logged_in;
    struct failure_limit local_failures; /* bad blobs under keys that live here */
};

struct soft_session {
    struct token_session base;
    struct soft_token *token;
    CK_FLAGS flags;
    _Atomic CK_ULONG device_error; /* HTTP status of the last failure */
    struct object_owner objects;
    _Atomic int64_t now; /* clock_now() when the last call began, while anything is leased */

    TAILQ_ENTRY(soft_session) of_token; /* these three: the token's lock */
    unsigned long visited;              /* by whoever closed that many leases */
    unsigned pins;
    atomic_uint marked; /* not 0: a lease has been closed, so its operations are to be looked at */

    pthread_mutex_t lock; /* for the operations; the one lock that is held while the service is asked */
    struct found found;
    struct operation encrypting, decrypting;
    struct signing signing, verifying;
    struct digesting digesting;
    struct messaging messages_encrypting, messages_decrypting;
};

/* What leases do by time alone. */
static inline void soft_look(struct soft_session *session)
{
    int64_t first_end = atomic_load_explicit(&session->token->leases.first_end, memory_order_relaxed), now;

    if (first_end != INT64_MAX) {
        now = clock_now();
        atomic_store_explicit(&session->now, now, memory_order_relaxed);
        if (now >= first_end) {
            soft_leases_look(session->token, now);
        }
    }
}

/* Every function of a session begins with it. */
static inline struct soft_session *soft_session_of(struct token_session *base)
{
    struct soft_session *session = (struct soft_session *)base;

    soft_look(session);
    return session;
}

static inline struct deadline soft_deadline(const struct soft_token *token)
{
    return deadline_in(token->service->timeout);
}

/* Notes what the service answered, for C_GetSessionInfo. */
void soft_session_note(struct soft_session *session, CK_RV rv, const struct service_answer *answer);

/* token_settings.c: all of it is there afterwards to be taken apart, whether it succeeds or not. */
MUST_USE CK_RV soft_token_configure(struct soft_token *token, const struct settings *section,
                                    unsigned number);

/* token_session.c */
CK_RV soft_open_session(struct token *token, CK_FLAGS flags, token_notify *notify, void *notify_arg,
                        struct token_session **ret_session);
CK_RV soft_close_session(struct token_session *session);
CK_RV soft_get_session_info(struct token_session *session, CK_SESSION_INFO *ret_info);

/* clang-format off */
#define DECLARE_SOFT_FUNCTION(name, verb, parameters, arguments) \
    CK_RV soft_##verb(struct token_session *session UNBRACKET parameters);
/* clang-format on */
EACH_SESSION_FUNCTION(DECLARE_SOFT_FUNCTION)
EACH_SESSION_FUNCTION_OF_3_0(DECLARE_SOFT_FUNCTION)

/* C_SessionCancel's flags for messages. The session's lock is held. */
void soft_messages_cancel_locked(struct soft_session *session, CK_FLAGS operations);

/*
 * What C_WrapKey and C_Encrypt, C_UnwrapKey and C_Decrypt have in common (rsa.c): RSA by a key of the
 * service, here or there, or by one that lives here.
 */
enum rsa_task { RSA_WRAP, RSA_UNWRAP, RSA_ENCRYPT, RSA_DECRYPT };

/* Whether the key may do it as far as known, and what it is: checks that cost no request. */
MUST_USE CK_RV soft_rsa_permits(const struct soft_session *session, const struct object *key,
                                enum rsa_task task);
/* Bytes of a ciphertext: known, or the most there can be. */
size_t soft_rsa_blob_room(const struct object *key, bool *ret_known);
/* CKR_KEY_SIZE_RANGE, CKR_DATA_LEN_RANGE; as far as known. */
MUST_USE CK_RV soft_rsa_check_plain(const struct object *key, enum rsa_padding padding, size_t size,
                                    enum rsa_task task);
/* The one code for every bad blob, where its length alone tells. */
MUST_USE CK_RV soft_rsa_check_blob(const struct object *key, size_t size, enum rsa_task task);

/*
 * Opens what follows RSA's part with what RSA gave, or, where that is empty, tries in vain for as long:
 * CKR_WRAPPED_KEY_INVALID. Called for each version that is asked.
 */
struct rsa_rest {
    CK_RV (*open)(const struct rsa_rest *rest, const struct secret *given);
    unsigned how; /* less than 2^16; another one may open what this does not */
};

struct rsa_use {
    struct soft_session *session;
    const struct object *key; /* entered for the call */
    enum rsa_task task;
    CK_MECHANISM_TYPE mechanism; /* the application's, which may have another half beside RSA */
    enum rsa_padding padding;
    struct bytes rest; /* what follows RSA's part in the application's blob */
    const struct rsa_rest
        *opening; /* RSA_UNWRAP: and opens as well, or the blob is bad; NULL: nothing does */
};

/*
 * The answer says what the service said, and in `version` which version of its key was used, also where that was
 * done here and nobody was asked.
 */
MUST_USE CK_RV soft_rsa_seal(const struct rsa_use *use, struct bytes plain, struct buffer *ret_blob,
                             struct service_answer *ret_answer);
/*
 * Of any version of the key: see version.h. Under RSAES-PKCS1-v1_5 it first waits while there are more bad blobs than
 * ten a second: CKR_DEVICE_ERROR where that takes longer than the call may.
 */
MUST_USE CK_RV soft_rsa_open(const struct rsa_use *use, struct bytes blob, struct secret *ret_plain,
                             struct service_answer *ret_answer);
/* Whether it would ask just the version that opened such a blob before. */
bool soft_rsa_remembers(const struct rsa_use *use, struct bytes blob);
/*
 * The record (audit.h) of a use of a key of the service, of which the token, the key's identifier and where it was
 * done are filled in. Its result; or CKR_FUNCTION_FAILED, and then what came of it must be wiped.
 */
MUST_USE CK_RV soft_audit_use(const struct soft_token *token, const struct service_key *key,
                              struct audit_use use);

/* A 403 that says no more is about the dates, where these are known to forbid the use. */
MUST_USE CK_RV soft_judge_dates(const struct soft_session *session, struct service_key *key, CK_RV rv,
                                const struct service_answer *answer);
/* soft_rsa_open counts bad blobs itself; this is for one that opened, but to what cannot be a key. */
void soft_rsa_bad_blob(struct soft_token *token, const struct object *key, enum rsa_padding padding);

/*
 * What a symmetric key of the service does (aes_service.c): checks that cost no request, and the request. The
 * bits of the task are filled in. ret_value must be empty.
 */
MUST_USE CK_RV soft_aes_permits(const struct soft_session *session, const struct object *key,
                                const struct mechanism *mechanism, enum aes_verb verb);
MUST_USE CK_RV soft_aes_ask(struct soft_session *session, const struct object *key,
                            const struct mechanism *mechanism, struct aes_task task, struct secret *ret_value,
                            struct aes_extra *ret_extra, struct service_answer *ret_answer);

#endif
