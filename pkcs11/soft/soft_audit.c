/* Records of what keys of the service were used for. */
#include "pkcs11/soft/soft.h"

/* Which version did it, or was asked for. */
static void identify(const struct soft_token *token, const struct service_key *key,
                     const struct service_answer *answer, char ret_text[KEY_TEXT_SIZE])
{
    struct key_ref ref = key->ref;

    if (answer->version[0] != 0) {
        ref.version = answer->version;
    }
    token->service->ops->identify(token->service, &ref, ret_text);
}

CK_RV soft_audit_use(const struct soft_token *token, const struct service_key *key, struct audit_use use)
{
    char text[KEY_TEXT_SIZE];

    if (!audit_wanted()) {
        return use.rv;
    }
    identify(token, key, use.answer, text);
    use.token = token->label;
    use.backend = token->service->ops->name;
    use.key = text;
    use.place = use.answer->tries != 0 ? AUDIT_SERVICE : AUDIT_HERE;
    CK_RV rv = audit_use(&use);

    return rv == CKR_OK ? use.rv : rv;
}
