/* C_SessionCancel (PKCS#11 3.0, 5.6.9): ends what the session is in the middle of; what is not running is no error. */
#include "pkcs11/soft/soft.h"

static void cancel_locked(struct soft_session *session, CK_FLAGS operations)
{
    if ((operations & CKF_FIND_OBJECTS) != 0) {
        found_end(&session->found);
    }
    if ((operations & CKF_ENCRYPT) != 0) {
        operation_end(&session->encrypting);
    }
    if ((operations & CKF_DECRYPT) != 0) {
        operation_end(&session->decrypting);
    }
    if ((operations & CKF_SIGN) != 0) {
        signing_end(&session->signing);
    }
    if ((operations & CKF_VERIFY) != 0) {
        signing_end(&session->verifying);
    }
    if ((operations & CKF_DIGEST) != 0) {
        digesting_end(&session->digesting);
    }
    soft_messages_cancel_locked(session, operations);
}

CK_RV soft_session_cancel(struct token_session *base, CK_FLAGS operations)
{
    struct soft_session *session = soft_session_of(base);

    soft_session_lock(session);
    cancel_locked(session, operations);
    soft_session_unlock(session);
    return CKR_OK;
}
