/* Certificates and lists of them (certificates.json of the service's description). */
#include "backends/base/base64url.h"
#include "backends/keyvault/vault_json_private.h"
#include <string.h>

enum { LONGEST_CERTIFICATE = 24 * 1024 /* characters */ };

/* Standard base64 with its padding, unlike all else that the service writes. */
static CK_RV read_der(const cJSON *bundle, struct buffer *ret_der)
{
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(LONGEST_CERTIFICATE);
    const char *cer = json_text(bundle, "cer");

    buffer_clear(ret_der);
    if (cer == NULL || strlen(cer) % 4 != 0 || strpbrk(cer, "-_") != NULL ||
        buffer_append_text(&text, cer) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    for (int i = 0; i < 2 && text.size > 0 && text.data[text.size - 1] == '='; i++) {
        text.data[--text.size] = 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    }
    if (text.size != 0 && base64url_decode(buffer_text(&text), ret_der) == CKR_OK) {
        return CKR_OK;
    }
    buffer_clear(ret_der);
    return CKR_DATA_INVALID;
}

CK_RV vault_json_read_certificate(struct bytes body, struct key_id *ret_id, struct key_id *ret_kid,
                                  struct buffer *ret_der)
{
    cJSON *bundle SCOPED(json_free_scoped) = json_parse(body);
    struct key_id id, kid = {.name = ""};

    if (vault_json_id(bundle, "id", CERTIFICATES, &id) != CKR_OK || read_der(bundle, ret_der) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    *ret_id = id;
    *ret_kid = vault_json_id(bundle, "kid", KEYS, &kid) == CKR_OK ? kid : (struct key_id){.name = ""};
    return CKR_OK;
}

struct walk {
    vault_certificate_visitor *visit;
    void *arg;
};

static bool visit_item(void *arg, const cJSON *item)
{
    const struct walk *walk = arg;
    struct key_id id;

    return vault_json_id(item, "id", CERTIFICATES, &id) != CKR_OK || walk->visit(walk->arg, &id);
}

CK_RV vault_json_read_certificates(struct bytes body, vault_certificate_visitor *visit, void *arg,
                                   struct buffer *ret_next)
{
    struct walk walk = {visit, arg};

    return vault_json_walk(body, visit_item, &walk, ret_next);
}
