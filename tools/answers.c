/* The table of answers. */
#include "tools/answers.h"
#include "backends/base/result_name.h"
#include <stddef.h>
#include <stdio.h>

const struct answer answers[] = {
    {CKR_KEY_FUNCTION_NOT_PERMITTED,
     "do what the text names: enable the key, allow it this operation, grant the permission, or change the "
     "policy"},
    {CKR_WRAPPING_KEY_HANDLE_INVALID, "create the key, recover it if it was deleted, or correct `keys`"},
    {CKR_UNWRAPPING_KEY_HANDLE_INVALID, "create the key, recover it if it was deleted, or correct `keys`"},
    {CKR_KEY_HANDLE_INVALID, "create the key, recover it if it was deleted, or correct `keys`"},
    {CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
     "name a key of a kind that wraps: RSA, or a symmetric one of a Managed HSM or an HSM"},
    {CKR_KEY_TYPE_INCONSISTENT, "name an RSA key: others do not wrap in this way"},
    {CKR_WRAPPED_KEY_INVALID,
     "see that it was wrapped under this key, by this mechanism, and that the version is among those tried"},
    {CKR_ENCRYPTED_DATA_INVALID, "see that it was encrypted under this key and by this mechanism"},
    {CKR_USER_NOT_LOGGED_IN, "correct the identity: tenant, client-id, its secret, or the PIN of an HSM"},
    {CKR_DEVICE_ERROR, "see network, firewall and the service's state; the text says how far it came"},
    {CKR_TOKEN_NOT_PRESENT, "see that the HSM is connected and its token initialised"},
    {CKR_FUNCTION_CANCELED, "begin again: the key was closed in the middle of an operation"},
    {CKR_MECHANISM_INVALID, "use a mechanism that the token lists"},
    {CKR_MECHANISM_PARAM_INVALID, "use OAEP with one hash for both parts and no label"},
    {CKR_KEY_SIZE_RANGE, "use a larger key, or CKM_RSA_AES_KEY_WRAP for what is longer than an RSA block"},
    {CKR_FUNCTION_FAILED,
     "see the log: the service calls the request bad, or a record of it could not be written"},
    {CKR_TOKEN_WRITE_PROTECTED, "make session objects: CKA_TOKEN false"},
    {CKR_PIN_LOCKED, "unlock the PIN as security officer"},
    {CKR_PIN_INCORRECT, "write the right PIN to the PIN file"},
    {CKR_GENERAL_ERROR, "correct the configuration: the log names file and line"},
    {CKR_HOST_MEMORY, "free memory"},
    {CKR_OK, NULL},
};

const char *answer_name(CK_RV rv)
{
    const char *name = result_name(rv);

    return name == NULL ? "a code of the vendor's own" : name;
}

static const char *advice_of(CK_RV rv)
{
    for (const struct answer *row = answers; row->advice != NULL; row++) {
        if (row->rv == rv) {
            return row->advice;
        }
    }
    return "see byok-pkcs11(7)";
}

void answer_tell(struct diagnosis *diagnosis, enum finding_status status, const char *check,
                 const struct answered *answered)
{
    const char *heard = diagnosis_heard(diagnosis), *key = answered->key, *quote = key[0] == '\0' ? "" : "\"",
               *advice;
    int size = diagnosis_split(diagnosis, &advice);
    char text[DIAGNOSIS_TEXT_SIZE];

    snprintf(text, sizeof text, "%s%s%s%s%s: %s (0x%lx)%s%.*s", answered->what, key[0] == '\0' ? "" : " ",
             quote, key, quote, answer_name(answered->rv), answered->rv, size == 0 ? "" : ": ", size, heard);
    if (advice == NULL) {
        advice = advice_of(answered->rv);
    }
    if (status == FINDING_FAIL) {
        diagnosis_fail(diagnosis, check, advice, "%s", text);
    } else {
        diagnosis_warn(diagnosis, check, advice, "%s", text);
    }
}
