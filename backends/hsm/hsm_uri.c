/* The option `uri`: read with p11-kit, checked, and held against what a module shows. */
#include "backends/hsm/hsm_uri.h"
#include "backends/base/log.h"
#include <p11-kit/uri.h>
#include <string.h>

#define FILE_WORD        "file:"
#define ENVIRONMENT_WORD "env:"

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* file:/path and file:///path are the same file. */
static const char *path_of(const char *text)
{
    return starts_with(text, "///") ? text + 2 : text;
}

static CK_RV read_pin_source(const struct settings *section, struct hsm_uri *uri)
{
    const char *source = p11_kit_uri_get_pin_source(uri->parsed);

    if (p11_kit_uri_get_pin_value(uri->parsed) != NULL) {
        return settings_refuse(section, "uri",
                               "`pin-value` would leave the PIN in this file; put it in a "
                               "file of its own and write pin-source=file:PATH");
    }
    if (source == NULL) {
        return CKR_OK;
    }
    if (starts_with(source, FILE_WORD)) {
        uri->pin_place = HSM_PIN_FILE;
        uri->pin_name = path_of(source + strlen(FILE_WORD));
    } else if (starts_with(source, ENVIRONMENT_WORD)) {
        uri->pin_place = HSM_PIN_ENVIRONMENT;
        uri->pin_name = source + strlen(ENVIRONMENT_WORD);
    }
    if (uri->pin_place == HSM_PIN_FILE && uri->pin_name[0] != '/') {
        return settings_refuse(section, "uri", "`pin-source` needs an absolute path: file:/PATH");
    }
    if (uri->pin_place == HSM_PIN_NOWHERE || uri->pin_name[0] == '\0') {
        return settings_refuse(section, "uri",
                               "`pin-source` is file:PATH or env:NAME; commands are not run for a PIN");
    }
    return CKR_OK;
}

static CK_RV read_module(const struct settings *section, struct hsm_uri *uri)
{
    uri->module_path = p11_kit_uri_get_module_path(uri->parsed);
    if (uri->module_path == NULL || uri->module_path[0] == '\0') {
        return settings_refuse(section, "uri", "`uri` lacks the HSM's library: ...?module-path=/PATH.so%s",
                               p11_kit_uri_get_module_name(uri->parsed) == NULL ? "" : " (not module-name)");
    }
    return CKR_OK;
}

static CK_RV parse(const struct settings *section, struct hsm_uri *uri)
{
    CK_ULONG attributes = 0;
    int result = p11_kit_uri_parse(uri->text, P11_KIT_URI_FOR_ANY, uri->parsed);

    if (result != P11_KIT_URI_OK) {
        return settings_refuse(section, "uri", "`uri` is no PKCS#11 URI (RFC 7512): %s",
                               p11_kit_uri_message(result));
    }
    if (p11_kit_uri_any_unrecognized(uri->parsed)) {
        return settings_refuse(
            section, "uri",
            "`uri` has an attribute that is not known; a token is chosen by token, serial, "
            "manufacturer, model, slot-id, slot-description, library-manufacturer");
    }
    p11_kit_uri_get_attributes(uri->parsed, &attributes);
    if (attributes != 0) {
        log_warning(settings_title(section), "`uri` names an object, which is ignored: it chooses a token");
    }
    return CKR_OK;
}

CK_RV hsm_uri_read(const struct settings *section, struct hsm_uri *ret_uri)
{
    struct hsm_uri uri = {.text = settings_text(section, "uri")};
    CK_RV rv;

    if (uri.text == NULL) {
        return settings_refuse(section, NULL,
                               "an HSM needs `uri`: \"pkcs11:token=LABEL?module-path=/PATH.so\"");
    }
    uri.parsed = p11_kit_uri_new();
    if (uri.parsed == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = parse(section, &uri);
    if (rv == CKR_OK) {
        rv = read_module(section, &uri);
    }
    if (rv == CKR_OK) {
        rv = read_pin_source(section, &uri);
    }
    if (rv != CKR_OK) {
        hsm_uri_done(&uri);
        return rv;
    }
    *ret_uri = uri;
    return CKR_OK;
}

void hsm_uri_done(struct hsm_uri *uri)
{
    p11_kit_uri_free(uri->parsed);
    uri->parsed = NULL;
}

bool hsm_uri_fits_module(const struct hsm_uri *uri, const CK_INFO *info)
{
    return p11_kit_uri_match_module_info(uri->parsed, info) != 0;
}

bool hsm_uri_fits_slot(const struct hsm_uri *uri, CK_SLOT_ID slot, const CK_SLOT_INFO *info)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri->parsed);

    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
           p11_kit_uri_match_slot_info(uri->parsed, info) != 0;
}

bool hsm_uri_fits_token(const struct hsm_uri *uri, const CK_TOKEN_INFO *info)
{
    return p11_kit_uri_match_token_info(uri->parsed, info) != 0;
}

/* p11-kit leaves zeros where the URI says nothing. */
static void describe(CK_UTF8CHAR *to, const CK_UTF8CHAR *said, size_t size)
{
    if (said[0] != 0) {
        memcpy(to, said, size);
    } else {
        memset(to, ' ', size);
    }
}

void hsm_uri_describe_token(const struct hsm_uri *uri, CK_TOKEN_INFO *info)
{
    const CK_TOKEN_INFO *said = p11_kit_uri_get_token_info(uri->parsed);

    describe(info->label, said->label, sizeof info->label);
    describe(info->manufacturerID, said->manufacturerID, sizeof info->manufacturerID);
    describe(info->model, said->model, sizeof info->model);
    describe(info->serialNumber, said->serialNumber, sizeof info->serialNumber);
}

void hsm_uri_describe_slot(const struct hsm_uri *uri, CK_SLOT_INFO *info)
{
    const CK_SLOT_INFO *said = p11_kit_uri_get_slot_info(uri->parsed);

    describe(info->slotDescription, said->slotDescription, sizeof info->slotDescription);
    describe(info->manufacturerID, said->manufacturerID, sizeof info->manufacturerID);
}
