/* What is in an HSM's token: how many keys of which kind, and the mechanisms that wrapping needs. */
#include "backends/hsm/hsm_diagnose.h"
#include <stdio.h>

enum { AT_ONCE = 64, MOST = 100000 };

static CK_RV count_found(const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session, unsigned *ret_count)
{
    CK_OBJECT_HANDLE found[AT_ONCE];
    CK_ULONG got = AT_ONCE;
    unsigned count = 0;
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && got != 0 && count < MOST) {
        rv = functions->C_FindObjects(session, found, AT_ONCE, &got);
        count += rv == CKR_OK ? (unsigned)got : 0;
    }
    *ret_count = count;
    return rv;
}

static CK_RV count_of_class(const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session,
                            CK_OBJECT_CLASS class, unsigned *ret_count)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    CK_RV rv = functions->C_FindObjectsInit(session, template, 1);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = count_found(functions, session, ret_count);
    functions->C_FindObjectsFinal(session);
    return rv;
}

static void examine_keys(const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session,
                         struct diagnosis *diagnosis)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY};
    unsigned count[3] = {0};
    CK_RV rv = CKR_OK;

    for (size_t i = 0; i < 3 && rv == CKR_OK; i++) {
        rv = count_of_class(functions, session, classes[i], &count[i]);
    }
    if (rv != CKR_OK) {
        diagnosis_fail(diagnosis, "hsm-keys", "see the library's own log",
                       "the HSM does not list its objects (0x%lx)", rv);
    } else if (count[0] + count[1] + count[2] == 0) {
        diagnosis_warn(diagnosis, "hsm-keys",
                       "generate a key-encryption key there, or see that this is the right token and user",
                       "there is no key in the token");
    } else {
        diagnosis_ok(diagnosis, "hsm-keys", "%u private, %u public, %u secret keys", count[0], count[1],
                     count[2]);
    }
}

static const struct {
    CK_MECHANISM_TYPE type;
    const char *name, *use;
} wanted[] = {
    {CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP", "wrapping under an RSA key"},
    {CKM_RSA_AES_KEY_WRAP, "CKM_RSA_AES_KEY_WRAP", "wrapping what is longer than an RSA block"},
    {CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD", "wrapping under an AES key"},
};

static void examine_mechanism(const struct hsm_mechanisms *of, size_t row, struct diagnosis *diagnosis)
{
    CK_MECHANISM_INFO info;
    const char *name = wanted[row].name;

    if (hsm_mechanism_info(of, wanted[row].type, &info) != CKR_OK ||
        (info.flags & (CKF_WRAP | CKF_UNWRAP)) == 0) {
        diagnosis_warn(diagnosis, "hsm-mechanism", "use another mechanism, or ask the vendor",
                       "%s (%s) is not there and cannot be composed", name, wanted[row].use);
        return;
    }
    bool composed = hsm_mechanism_is_composed(of, wanted[row].type, CKF_WRAP) ||
                    hsm_mechanism_is_composed(of, wanted[row].type, CKF_UNWRAP);

    diagnosis_ok(diagnosis, "hsm-mechanism", "%s: %s%s%s", name,
                 composed ? "composed of what the HSM has" : "the HSM's own",
                 (info.flags & CKF_WRAP) == 0 ? ", to unwrap only" : "",
                 (info.flags & CKF_UNWRAP) == 0 ? ", to wrap only" : "");
}

void hsm_diagnose_content(const struct hsm_mechanisms *of, CK_SESSION_HANDLE session,
                          struct diagnosis *diagnosis)
{
    examine_keys(of->functions, session, diagnosis);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        examine_mechanism(of, i, diagnosis);
    }
}
