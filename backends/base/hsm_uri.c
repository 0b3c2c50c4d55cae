/* PKCS#11 URIs, read with p11-kit, checked, and held against what a module shows. */
#include "backends/base/hsm_uri.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <p11-kit/uri.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

struct reading {
    const char *option;
    struct buffer *problem;
};

static CK_RV __attribute__((format(printf, 2, 3))) refuse(const struct reading *from, const char *format, ...)
{
    char words[HSM_URI_PROBLEM_LIMIT];
    va_list arguments;
    CK_RV rv;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    rv = buffer_printf(from->problem, "`%s` %s", from->option, words);
    return rv == CKR_OK ? CKR_DATA_INVALID : rv;
}

static CK_RV read_pin_source(const struct reading *from, struct hsm_uri *uri)
{
    const char *source = p11_kit_uri_get_pin_source(uri->parsed);

    if (p11_kit_uri_get_pin_value(uri->parsed) != NULL) {
        return refuse(
            from,
            "has a `pin-value`, which would leave the PIN in this file; put it in a file of its own and "
            "write pin-source=file:PATH");
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
        return refuse(from, "has a `pin-source` that needs an absolute path: file:/PATH");
    }
    if (uri->pin_place == HSM_PIN_NOWHERE || uri->pin_name[0] == '\0') {
        return refuse(from,
                      "has a `pin-source` that is not file:PATH or env:NAME; commands are not run for a PIN");
    }
    return CKR_OK;
}

static CK_RV read_module(const struct reading *from, struct hsm_uri *uri)
{
    uri->module_path = p11_kit_uri_get_module_path(uri->parsed);
    if (uri->module_path == NULL || uri->module_path[0] == '\0') {
        return refuse(from, "lacks the HSM's library: ...?module-path=/PATH.so%s",
                      p11_kit_uri_get_module_name(uri->parsed) == NULL ? "" : " (not module-name)");
    }
    return CKR_OK;
}

static CK_RV check_object(const struct reading *from, const struct hsm_uri *uri, enum hsm_uri_names names)
{
    CK_ULONG attributes = 0;

    p11_kit_uri_get_attributes(uri->parsed, &attributes);
    if (names == HSM_URI_OBJECT && p11_kit_uri_get_attribute(uri->parsed, CKA_LABEL) == NULL &&
        p11_kit_uri_get_attribute(uri->parsed, CKA_ID) == NULL) {
        return refuse(from, "names no object in the token: add object=LABEL or id=%%01");
    }
    return names == HSM_URI_OBJECT || attributes == 0
               ? CKR_OK
               : buffer_printf(from->problem, "`%s` names an object, which is ignored: it chooses a token",
                               from->option);
}

static CK_RV parse(const struct reading *from, const char *text, struct hsm_uri *uri)
{
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri->parsed);

    if (result != P11_KIT_URI_OK) {
        return refuse(from, "is no PKCS#11 URI (RFC 7512): %s", p11_kit_uri_message(result));
    }
    if (p11_kit_uri_any_unrecognized(uri->parsed)) {
        return refuse(from,
                      "has an attribute that is not known; a token is chosen by token, serial, manufacturer, "
                      "model, slot-id, slot-description, library-manufacturer");
    }
    return CKR_OK;
}

/* Two URIs of the same token with the same PIN differ at most in the object that they name. */
static CK_RV describe_whose_pin(const char *text, struct hsm_uri *uri)
{
    P11KitUri *copy = p11_kit_uri_new();
    bool described = copy != NULL && p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, copy) == P11_KIT_URI_OK;

    if (described) {
        p11_kit_uri_clear_attributes(copy);
        described = p11_kit_uri_format(copy, P11_KIT_URI_FOR_ANY, &uri->token) == P11_KIT_URI_OK;
    }
    p11_kit_uri_free(copy);
    return described ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV hsm_uri_parse(const char *option, const char *text, enum hsm_uri_names names,
                    struct buffer *ret_problem, struct hsm_uri *ret_uri)
{
    struct hsm_uri uri = {.parsed = p11_kit_uri_new()};
    const struct reading from = {option, ret_problem};
    CK_RV rv = uri.parsed == NULL ? CKR_HOST_MEMORY : parse(&from, text, &uri);

    if (rv == CKR_OK) {
        rv = check_object(&from, &uri, names);
    }
    if (rv == CKR_OK) {
        rv = read_module(&from, &uri);
    }
    if (rv == CKR_OK) {
        rv = read_pin_source(&from, &uri);
    }
    if (rv == CKR_OK) {
        rv = describe_whose_pin(text, &uri);
    }
    if (rv != CKR_OK) {
        hsm_uri_done(&uri);
        return rv;
    }
    *ret_uri = uri;
    return CKR_OK;
}

CK_RV hsm_uri_read(const struct settings *section, const char *option, enum hsm_uri_names names,
                   struct hsm_uri *ret_uri)
{
    struct buffer problem SCOPED(buffer_free) = BUFFER_INIT(2 * HSM_URI_PROBLEM_LIMIT);
    const char *text = settings_text(section, option);
    CK_RV rv;

    if (text == NULL) {
        return settings_refuse(section, NULL,
                               "an HSM needs `%s`: \"pkcs11:token=LABEL?module-path=/PATH.so\"", option);
    }
    rv = hsm_uri_parse(option, text, names, &problem, ret_uri);
    if (rv == CKR_DATA_INVALID) {
        return settings_refuse(section, option, "%s", buffer_text(&problem));
    }
    if (rv == CKR_OK && problem.size != 0) {
        log_warning(settings_title(section), "%s", buffer_text(&problem));
    }
    return rv;
}

void hsm_uri_done(struct hsm_uri *uri)
{
    p11_kit_uri_free(uri->parsed);
    free(uri->token);
    uri->parsed = NULL;
    uri->token = NULL;
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
