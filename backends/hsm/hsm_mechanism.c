/* What the HSM can do, and what can be made of that. The HSM is asked each time: it may be another one by now. */
#include "backends/hsm/hsm_mechanism.h"
#include "backends/base/scope.h"
#include <string.h>

enum {
    TRIES = 3,
    MOST = 65536 /* a module that says more is not believed */
};

const char *const hsm_rfc5649_words[] = {"auto", "pad", "kwp", NULL};

enum hsm_rfc5649 hsm_rfc5649_of(const struct settings *section)
{
    const char *word = settings_text(section, "rfc5649");

    if (strcmp(word, "auto") == 0) {
        return HSM_RFC5649_AUTO;
    }
    return strcmp(word, "pad") == 0 ? HSM_RFC5649_PAD : HSM_RFC5649_KWP;
}

static bool is_in(CK_MECHANISM_TYPE type, const CK_MECHANISM_TYPE *list, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (list[i] == type) {
            return true;
        }
    }
    return false;
}

/* False: the HSM lacks it. Some write a line each time they are asked for what they lack: libtpm2-pkcs11 does. */
static bool ask(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    return (of->list == NULL || is_in(type, of->list, of->count)) &&
           of->functions->C_GetMechanismInfo(of->slot, type, ret_info) == CKR_OK;
}

static bool can(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type, CK_FLAGS use,
                CK_MECHANISM_INFO *ret_info)
{
    return ask(of, type, ret_info) && (ret_info->flags & use) == use;
}

static bool rfc5649_info(const struct hsm_mechanisms *of, CK_FLAGS use, CK_MECHANISM_TYPE *ret_type,
                         CK_MECHANISM_INFO *ret_info)
{
    if (of->rfc5649 != HSM_RFC5649_PAD && can(of, CKM_AES_KEY_WRAP_KWP, use, ret_info)) {
        *ret_type = CKM_AES_KEY_WRAP_KWP;
        return true;
    }
    if (of->rfc5649 != HSM_RFC5649_KWP && can(of, CKM_AES_KEY_WRAP_PAD, use, ret_info)) {
        *ret_type = CKM_AES_KEY_WRAP_PAD;
        return true;
    }
    return false;
}

bool hsm_mechanism_rfc5649(const struct hsm_mechanisms *of, CK_FLAGS use, CK_MECHANISM_TYPE *ret_type)
{
    CK_MECHANISM_INFO info;

    return rfc5649_info(of, use, ret_type, &info);
}

/* Composed of OAEP and RFC 5649, and to wrap, of a new AES key. CKF_HW only where all parts have it. */
static CK_FLAGS rsa_aes_flags(const struct hsm_mechanisms *of, CK_FLAGS use, const CK_MECHANISM_INFO *oaep)
{
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO wrap, generate = {.flags = CKF_HW};

    if ((oaep->flags & use) == 0 || !rfc5649_info(of, use, &type, &wrap) ||
        (use == CKF_WRAP && !can(of, CKM_AES_KEY_GEN, CKF_GENERATE, &generate))) {
        return 0;
    }
    return use | (oaep->flags & wrap.flags & generate.flags & CKF_HW);
}

static bool rsa_aes_info(const struct hsm_mechanisms *of, CK_MECHANISM_INFO *ret_info)
{
    CK_MECHANISM_INFO oaep;

    if (!ask(of, CKM_RSA_PKCS_OAEP, &oaep)) {
        return false;
    }
    CK_FLAGS wrap = rsa_aes_flags(of, CKF_WRAP, &oaep);
    CK_FLAGS unwrap = rsa_aes_flags(of, CKF_UNWRAP, &oaep);
    CK_FLAGS uses = (wrap | unwrap) & (CKF_WRAP | CKF_UNWRAP);

    oaep.flags = uses | (wrap == 0 ? unwrap : unwrap == 0 ? wrap : wrap & unwrap & CKF_HW);
    *ret_info = oaep;
    return uses != 0;
}

/* One name of RFC 5649 where the HSM has the other: for wrapping, where vendors agree on what it does. */
static bool alias_info(const struct hsm_mechanisms *of, CK_MECHANISM_INFO *ret_info)
{
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO info;

    if (!rfc5649_info(of, CKF_WRAP, &type, &info) && !rfc5649_info(of, CKF_UNWRAP, &type, &info)) {
        return false;
    }
    info.flags &= CKF_WRAP | CKF_UNWRAP | CKF_HW;
    *ret_info = info;
    return true;
}

typedef bool composition(const struct hsm_mechanisms *of, CK_MECHANISM_INFO *ret_info);

static const struct {
    CK_MECHANISM_TYPE type;
    composition *info;
} composed[] = {
    {CKM_RSA_AES_KEY_WRAP, rsa_aes_info},
    {CKM_AES_KEY_WRAP_KWP, alias_info},
    {CKM_AES_KEY_WRAP_PAD, alias_info},
};

enum { COMPOSED = sizeof composed / sizeof composed[0] };

static composition *composition_of(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < COMPOSED; i++) {
        if (composed[i].type == type) {
            return composed[i].info;
        }
    }
    return NULL;
}

CK_RV hsm_mechanism_info(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    CK_RV rv = of->functions->C_GetMechanismInfo(of->slot, type, ret_info);
    composition *info = rv == CKR_MECHANISM_INVALID ? composition_of(type) : NULL;

    return info != NULL && info(of, ret_info) ? CKR_OK : rv;
}

bool hsm_mechanism_is_composed(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type, CK_FLAGS use)
{
    composition *composed_info = composition_of(type);
    CK_MECHANISM_INFO info;

    return composed_info != NULL &&
           of->functions->C_GetMechanismInfo(of->slot, type, &info) == CKR_MECHANISM_INVALID &&
           composed_info(of, &info) && (info.flags & use) != 0;
}

/* All that the HSM lists, and room for what is composed. */
static CK_RV list_below(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE **ret_list, CK_ULONG *ret_count)
{
    CK_RV rv = CKR_BUFFER_TOO_SMALL;

    for (int i = 0; i < TRIES && rv == CKR_BUFFER_TOO_SMALL; i++) {
        CK_ULONG count = 0;

        rv = of->functions->C_GetMechanismList(of->slot, NULL, &count);
        if (rv != CKR_OK) {
            return rv;
        }
        CK_MECHANISM_TYPE *list = count > MOST ? NULL : calloc(count + COMPOSED, sizeof *list);

        if (list == NULL) {
            return CKR_HOST_MEMORY;
        }
        rv = of->functions->C_GetMechanismList(of->slot, list, &count);
        if (rv == CKR_OK) {
            *ret_list = list;
            *ret_count = count;
            return CKR_OK;
        }
        free(list);
    }
    return rv;
}

CK_RV hsm_mechanism_list(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE *ret_list, CK_ULONG *count)
{
    CK_MECHANISM_TYPE *list SCOPED(scope_free) = NULL;
    CK_MECHANISM_INFO info;
    CK_ULONG room = *count;
    CK_ULONG all = 0;
    CK_RV rv = list_below(of, &list, &all);

    if (rv != CKR_OK) {
        return rv;
    }
    struct hsm_mechanisms listed = {of->functions, of->slot, of->rfc5649, list, all};

    for (size_t i = 0; i < COMPOSED; i++) {
        if (!is_in(composed[i].type, list, listed.count) && composed[i].info(&listed, &info)) {
            list[all++] = composed[i].type;
        }
    }
    *count = all;
    if (ret_list == NULL) {
        return CKR_OK;
    }
    if (room < all) {
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(ret_list, list, all * sizeof *list);
    return CKR_OK;
}
