/* THE table of refusals. */
#include "backends/keyvault/vault_error.h"
#include <string.h>

enum { ANY_VERB = -1 };

static const char any_code[] = "*";    /* any code, but the service's own JSON; NULL: whatever the body */
static const char lacks_grant[] = "-"; /* one of three */

#define GRANT                                                                                                \
    "Grant the caller this permission on keys (access policy) or a role that has it: Key Vault Crypto "      \
    "Service Encryption User (list, get, wrapKey, unwrapKey) or Key Vault Crypto User (all); on a Managed "  \
    "HSM Managed HSM Crypto Service Encryption User or Managed HSM Crypto User. Management roles such as "   \
    "Contributor or Owner give no access to keys. A new grant takes minutes to be known."
#define GRANT_RANDOM                                                                                           \
    "Give the caller a role of the Managed HSM that has this action: Managed HSM Crypto User; or set random "  \
    "to local. Management roles such as Contributor or Owner do not have it. A new grant takes minutes to be " \
    "known."
#define GRANT_CERTIFICATES                                                                                   \
    "Grant the caller this permission on certificates (access policy) or a role that has it: Key Vault "     \
    "Reader, Key Vault Certificate User or Key Vault Certificates Officer; or set certificates to none. "    \
    "Management roles such as Contributor or Owner do not have it. A new grant takes minutes to be known."
#define GONE                                                                                                 \
    "There is no such key or version, or it was deleted; a deleted key can be recovered while soft delete "  \
    "keeps it."
#define SIGN_IN                                                                                              \
    "The vault refuses the token: check tenant, authority and audience; the vault's directory must be that " \
    "of the tenant."

#define CERTIFICATE_GONE                                                                                     \
    "There is no such certificate, or it was deleted; a deleted one can be recovered while soft delete keeps it."

enum { HUNDREDS = 10, REDIRECTS = 3, CERTIFICATE_VERBS = VAULT_LIST_CERTIFICATES | VAULT_GET_CERTIFICATE };

/* The first row that fits. */
static const struct {
    unsigned status; /* 0: any; below HUNDREDS: all that begin so */
    const char *code;
    int verbs;
    enum service_verdict verdict;
    CK_RV rv;
    const char *advice;
    bool of_version;
} rows[] = {
    /* One value for every cause, so that no caller learns why a blob does not open. */
    {400, any_code, VAULT_UNWRAP, VERDICT_BAD_BLOB, CKR_WRAPPED_KEY_INVALID,
     "The wrapped key was not made by this key version and mechanism, or it was changed."},
    {400, any_code, VAULT_DECRYPT, VERDICT_BAD_BLOB, CKR_ENCRYPTED_DATA_INVALID,
     "The data was not encrypted by this key version and mechanism, or it was changed."},
    {400, any_code, VAULT_WRAP, VERDICT_BAD_REQUEST, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
     "The key may be of another type than the mechanism's, or too small for what is wrapped; see also "
     "api-version."},
    {400, any_code, VAULT_SIGN | VAULT_ENCRYPT, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED,
     "The key may be of another type, curve or size than the mechanism's; see also api-version."},
    {400, any_code, ANY_VERB, VERDICT_BAD_REQUEST, CKR_FUNCTION_FAILED, "See api-version."},

    {401, NULL, ANY_VERB, VERDICT_NO_ACCESS, CKR_USER_NOT_LOGGED_IN, SIGN_IN},

    {403, "KeyDisabled", ANY_VERB, VERDICT_DISABLED, CKR_KEY_FUNCTION_NOT_PERMITTED,
     "The key is disabled; its owner can enable it."},
    {403, "KeyOperationForbidden", ANY_VERB, VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED,
     "The key's own list of permitted operations (key_ops) lacks this one. An EC key only signs: to wrap takes an "
     "RSA key.",
     true},
    {403, lacks_grant, VAULT_RANDOM, VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED, GRANT_RANDOM},
    {403, lacks_grant, CERTIFICATE_VERBS, VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED,
     GRANT_CERTIFICATES},
    {403, lacks_grant, ANY_VERB, VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED, GRANT},
    {403, "ForbiddenByFirewall", ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "The vault's firewall refuses this machine's address: add it, or use a private endpoint."},
    {403, "ForbiddenByConnection", ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "The vault takes connections from private endpoints only: its name must resolve to a private address "
     "here."},
    {403, any_code, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "Look at the key's dates (not before, expires) and the vault's network rules."},
    {403, NULL, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "This answer is not the key service's own: look for a proxy or firewall on the way."},

    /* no key was asked for that could be gone */
    {404, any_code, VAULT_LIST, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "A vault has a list of keys, however short: check `vault`."},
    {404, any_code, VAULT_LIST_CERTIFICATES, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "A vault has a list of certificates, however short; a Managed HSM has none: check `vault`."},
    {404, any_code, VAULT_RANDOM, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "Only a Managed HSM gives random bytes, since api-version 7.3: check `vault`."},
    {404, "CertificateNotFound", VAULT_GET_CERTIFICATE, VERDICT_GONE, CKR_OBJECT_HANDLE_INVALID,
     CERTIFICATE_GONE},
    {404, "KeyNotFound", VAULT_WRAP, VERDICT_GONE, CKR_WRAPPING_KEY_HANDLE_INVALID, GONE},
    {404, "KeyNotFound", VAULT_UNWRAP, VERDICT_GONE, CKR_UNWRAPPING_KEY_HANDLE_INVALID, GONE},
    {404, "KeyNotFound", ~VAULT_GET_CERTIFICATE, VERDICT_GONE, CKR_KEY_HANDLE_INVALID, GONE},
    {404, NULL, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "This is not an answer about a key: check `vault` and what stands on the way to it."},

    {429, NULL, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "The vault's limit of requests is reached; it frees itself within seconds when fewer are made."},
    {REDIRECTS, NULL, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR,
     "It sends us elsewhere, which is not followed: check `vault`, and whether a proxy wants somebody to log in."},
    {0, NULL, ANY_VERB, VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, "Try again; see the service's health."},
};

static bool is_lack_of_grant(const char *code)
{
    return strcmp(code, "ForbiddenByPolicy") == 0 || strcmp(code, "ForbiddenByRbac") == 0 ||
           strcmp(code, "AccessDenied") == 0;
}

static bool code_fits(const char *wanted, const struct vault_error *error, bool inner)
{
    const char *code;

    if (wanted == NULL) {
        return true;
    }
    if (error == NULL) {
        return false;
    }
    code = inner ? error->inner : error->code;
    return wanted == any_code || (wanted == lacks_grant ? is_lack_of_grant(code) : strcmp(wanted, code) == 0);
}

static bool status_fits(unsigned wanted, unsigned status)
{
    return wanted == 0 || wanted == status || (wanted < HUNDREDS && wanted == status / 100);
}

/*
 * Codes that a row names are looked for in the inner place first,
 * for the outer one may be as wide as Forbidden.
 */
struct vault_ruling vault_error_judge(enum vault_verb verb, unsigned status, const struct vault_error *error)
{
    bool has_inner = error != NULL && error->inner[0] != 0;
    struct vault_ruling ruling = {VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, "", false};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (status_fits(rows[i].status, status) && (rows[i].verbs & (int)verb) != 0 &&
            ((has_inner && code_fits(rows[i].code, error, true)) || code_fits(rows[i].code, error, false))) {
            ruling = (struct vault_ruling){rows[i].verdict, rows[i].rv, rows[i].advice, rows[i].of_version};
            break;
        }
    }
    return ruling;
}
