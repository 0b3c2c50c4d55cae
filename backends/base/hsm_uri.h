/*
 * Which token of which module, perhaps which object in it, and where its PIN is: a PKCS#11 URI (RFC 7512)
 * with `module-path` and, where the module is to log in by itself, `pin-source` of file:PATH or env:NAME.
 */
#ifndef BYOK_BASE_HSM_URI_H
#define BYOK_BASE_HSM_URI_H

#include "backends/base/buffer.h"
#include "backends/base/settings.h"

enum hsm_pin_place { HSM_PIN_NOWHERE, HSM_PIN_FILE, HSM_PIN_ENVIRONMENT };

/* What it is to name. */
enum hsm_uri_names { HSM_URI_TOKEN, HSM_URI_OBJECT };

struct hsm_uri {
    struct p11_kit_uri *parsed;
    char *token;             /* what it says of module, token and PIN, in one spelling */
    const char *module_path; /* absolute, or from p11-kit's module folder; parsed's */
    enum hsm_pin_place pin_place;
    const char *pin_name; /* path or variable; parsed's; NULL for nowhere */
};

enum { HSM_URI_PROBLEM_LIMIT = 512 };

/*
 * CKR_DATA_INVALID for everything that cannot work, with words that begin with the name of the option; they
 * are appended to ret_problem. Words of a CKR_OK are a warning. CKR_HOST_MEMORY.
 */
MUST_USE CK_RV hsm_uri_parse(const char *option, const char *text, enum hsm_uri_names names,
                             struct buffer *ret_problem, struct hsm_uri *ret_uri);
/* The same of an option, which must be there: CKR_GENERAL_ERROR with `file:line: ...` in the log. */
MUST_USE CK_RV hsm_uri_read(const struct settings *section, const char *option, enum hsm_uri_names names,
                            struct hsm_uri *ret_uri);
void hsm_uri_done(struct hsm_uri *uri);

bool hsm_uri_fits_module(const struct hsm_uri *uri, const CK_INFO *info);
bool hsm_uri_fits_slot(const struct hsm_uri *uri, CK_SLOT_ID slot, const CK_SLOT_INFO *info);
bool hsm_uri_fits_token(const struct hsm_uri *uri, const CK_TOKEN_INFO *info);

/*
 * What the URI says of its token and slot, blank-padded;
 * blank where it says nothing. The rest is untouched.
 */
void hsm_uri_describe_token(const struct hsm_uri *uri, CK_TOKEN_INFO *info);
void hsm_uri_describe_slot(const struct hsm_uri *uri, CK_SLOT_INFO *info);

#endif
