/*
 * Mechanisms that an HSM token has beyond the HSM's own: made of those that the HSM has, inside it
 * (hsm_compose.c), where it has the parts and lacks the whole.
 */
#ifndef BYOK_BACKENDS_HSM_HSM_MECHANISM_H
#define BYOK_BACKENDS_HSM_HSM_MECHANISM_H

#include "backends/base/settings.h"

/*
 * By which name the HSM knows RFC 5649: the option `rfc5649`. CKM_AES_KEY_WRAP_KWP (3.0) is nothing else; of
 * CKM_AES_KEY_WRAP_PAD vendors have made that, and also RFC 3394 over PKCS#7 padding.
 */
enum hsm_rfc5649 {
    HSM_RFC5649_AUTO, /* KWP where the HSM has it, else PAD */
    HSM_RFC5649_PAD,
    HSM_RFC5649_KWP
};

extern const char *const hsm_rfc5649_words[];
enum hsm_rfc5649 hsm_rfc5649_of(const struct settings *section);

/* A module and a slot of it, and how to take its names. */
struct hsm_mechanisms {
    const CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    enum hsm_rfc5649 rfc5649;
    const CK_MECHANISM_TYPE
        *list; /* the HSM's own, if it is known: of others it is not asked; NULL: it is not */
    CK_ULONG count;
};

/* C_GetMechanismList and C_GetMechanismInfo, with what is composed. */
MUST_USE CK_RV hsm_mechanism_list(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE *ret_list,
                                  CK_ULONG *count);
MUST_USE CK_RV hsm_mechanism_info(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type,
                                  CK_MECHANISM_INFO *ret_info);

/* True: C_WrapKey or C_UnwrapKey (`use`: CKF_WRAP or CKF_UNWRAP) with it is to be composed. */
bool hsm_mechanism_is_composed(const struct hsm_mechanisms *of, CK_MECHANISM_TYPE type, CK_FLAGS use);

/* The HSM's name of RFC 5649, in *ret_type. False: it has none for this use. */
bool hsm_mechanism_rfc5649(const struct hsm_mechanisms *of, CK_FLAGS use, CK_MECHANISM_TYPE *ret_type);

#endif
