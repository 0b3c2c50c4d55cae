/*
 * Which token of which module, and where its PIN is: the option `uri`, a PKCS#11 URI (RFC 7512) with
 * `module-path` and, where the module is to log in by itself, `pin-source` of file:PATH or env:NAME.
 */
#ifndef BYOK_BACKENDS_HSM_HSM_URI_H
#define BYOK_BACKENDS_HSM_HSM_URI_H

#include "backends/base/settings.h"

enum hsm_pin_place { HSM_PIN_NOWHERE, HSM_PIN_FILE, HSM_PIN_ENVIRONMENT };

struct hsm_uri {
    struct p11_kit_uri *parsed;
    const char *text;        /* as written; the settings' */
    const char *module_path; /* absolute, or from p11-kit's module folder; parsed's */
    enum hsm_pin_place pin_place;
    const char *pin_name; /* path or variable; parsed's; NULL for nowhere */
};

/* CKR_GENERAL_ERROR with `file:line: ...` in the log for everything that cannot work. */
MUST_USE CK_RV hsm_uri_read(const struct settings *section, struct hsm_uri *ret_uri);
void hsm_uri_done(struct hsm_uri *uri);

bool hsm_uri_fits_module(const struct hsm_uri *uri, const CK_INFO *info);
bool hsm_uri_fits_slot(const struct hsm_uri *uri, CK_SLOT_ID slot, const CK_SLOT_INFO *info);
bool hsm_uri_fits_token(const struct hsm_uri *uri, const CK_TOKEN_INFO *info);

/* What the URI says of its token and slot, blank-padded; blank where it says nothing. The rest is untouched.
 */
void hsm_uri_describe_token(const struct hsm_uri *uri, CK_TOKEN_INFO *info);
void hsm_uri_describe_slot(const struct hsm_uri *uri, CK_SLOT_INFO *info);

#endif
