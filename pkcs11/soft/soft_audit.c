/* Records of what keys of the service were used for, and of what happened to them. */
#include "pkcs11/soft/soft_audit.h"
#include "pkcs11/soft/soft.h"

static void identify(struct key_service *service, const char *name, const char *version,
                     char ret_text[KEY_TEXT_SIZE])
{
    const struct key_ref ref = {name, version == NULL || version[0] == 0 ? NULL : version};

    service->ops->identify(service, &ref, ret_text);
}

/* Of the version that did it, or was asked for. */
CK_RV soft_audit_use(const struct soft_token *token, const struct service_key *key, struct audit_use use)
{
    const char *version = use.answer->version[0] != 0 ? use.answer->version : key->ref.version;
    char text[KEY_TEXT_SIZE];

    if (!audit_wanted()) {
        return use.rv;
    }
    identify(token->service, key->ref.name, version, text);
    use.token = token->label;
    use.backend = token->service->ops->name;
    use.key = text;
    use.place = use.answer->tries != 0 ? AUDIT_SERVICE : AUDIT_HERE;
    CK_RV rv = audit_use(&use);

    return rv == CKR_OK ? use.rv : rv;
}

void soft_audit_event(enum audit_event event, const struct key_access *access, const char *name,
                      const char *version, const char *reason, const struct service_answer *answer)
{
    char text[KEY_TEXT_SIZE];

    if (audit_wanted()) {
        identify(access->service, name, version, text);
        audit_event(event, access->label, access->service->ops->name, text, reason, answer);
    }
}
