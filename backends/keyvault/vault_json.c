/* Documents of the key service. */
#include "backends/keyvault/vault_json.h"
#include "backends/base/base64url.h"
#include "backends/keyvault/json.h"
#include <string.h>

enum {
    LONGEST_NUMBER = 2049, /* bytes of n: 16384 bits, and a zero that the service puts before some */
    ERROR_NESTING = 8
};

static const char *algorithm_name(enum rsa_padding padding)
{
    switch (padding) {
    case RSA_PADDING_OAEP_SHA1:
        return "RSA-OAEP";
    case RSA_PADDING_OAEP_SHA256:
        return "RSA-OAEP-256";
    case RSA_PADDING_PKCS1:
        break;
    }
    return "RSA1_5";
}

CK_RV vault_json_write_operation(enum rsa_padding padding, struct bytes value, struct buffer *ret_body)
{
    CK_RV rv;

    buffer_clear(ret_body);
    rv = buffer_append_text(ret_body, "{\"alg\":\"");
    if (rv == CKR_OK) {
        rv = buffer_append_text(ret_body, algorithm_name(padding));
    }
    if (rv == CKR_OK) {
        rv = buffer_append_text(ret_body, "\",\"value\":\"");
    }
    if (rv == CKR_OK) {
        rv = base64url_encode(value, ret_body);
    }
    return rv == CKR_OK ? buffer_append_text(ret_body, "\"}") : rv;
}

static CK_RV read_kid(const cJSON *object, struct key_id *ret_kid)
{
    const char *kid = json_text(object, "kid");

    return kid != NULL && key_id_parse(kid, ret_kid) ? CKR_OK : CKR_DATA_INVALID;
}

CK_RV vault_json_read_operation(struct bytes body, struct key_id *ret_kid, struct buffer *ret_value)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const char *value = json_text(answer, "value");
    struct key_id kid;

    if (value == NULL || read_kid(answer, &kid) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    buffer_clear(ret_value);
    if (base64url_decode(value, ret_value) != CKR_OK) {
        buffer_clear(ret_value);
        return CKR_DATA_INVALID;
    }
    *ret_kid = kid;
    return CKR_OK;
}

static void read_key_type(const char *kty, struct key_info *info)
{
    static const struct {
        const char *name;
        enum key_type type;
        bool in_hardware;
    } types[] = {
        {"RSA", KEY_TYPE_RSA, false},  {"RSA-HSM", KEY_TYPE_RSA, true}, {"EC", KEY_TYPE_EC, false},
        {"EC-HSM", KEY_TYPE_EC, true}, {"oct", KEY_TYPE_OCT, false},    {"oct-HSM", KEY_TYPE_OCT, true},
    };

    for (size_t i = 0; kty != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(kty, types[i].name) == 0) {
            info->type = types[i].type;
            info->in_hardware = types[i].in_hardware;
        }
    }
}

static void read_uses(const cJSON *operations, struct key_info *info)
{
    static const struct {
        const char *name;
        enum key_use use;
    } uses[] = {{"encrypt", KEY_USE_ENCRYPT}, {"decrypt", KEY_USE_DECRYPT}, {"sign", KEY_USE_SIGN},
                {"verify", KEY_USE_VERIFY},   {"wrapKey", KEY_USE_WRAP},    {"unwrapKey", KEY_USE_UNWRAP}};
    const cJSON *operation;

    info->uses_known = cJSON_IsArray(operations);
    if (!info->uses_known) {
        return;
    }
    cJSON_ArrayForEach(operation, operations)
    {
        for (size_t i = 0; cJSON_IsString(operation) && i < sizeof uses / sizeof uses[0]; i++) {
            if (strcmp(operation->valuestring, uses[i].name) == 0) {
                info->uses |= uses[i].use;
            }
        }
    }
}

static int64_t read_time(const cJSON *attributes, const char *name)
{
    int64_t seconds;

    return json_whole(attributes, name, &seconds) && seconds > 0 ? seconds : 0;
}

static void read_attributes(const cJSON *attributes, struct key_info *info)
{
    info->enabled = !cJSON_IsFalse(json_member(attributes, "enabled"));
    info->created = read_time(attributes, "created");
    info->not_before = read_time(attributes, "nbf");
    info->expires = read_time(attributes, "exp");
}

static void read_names(const struct key_id *kid, struct key_info *info)
{
    memcpy(info->name, kid->name, sizeof info->name);
    memcpy(info->version, kid->version, sizeof info->version);
}

static CK_RV read_rsa(const cJSON *key, struct rsa_public **ret_rsa)
{
    struct buffer n SCOPED(buffer_free) = BUFFER_INIT(LONGEST_NUMBER);
    struct buffer e SCOPED(buffer_free) = BUFFER_INIT(LONGEST_NUMBER);
    const char *n_text = json_text(key, "n");
    const char *e_text = json_text(key, "e");

    if (n_text == NULL || e_text == NULL || base64url_decode(n_text, &n) != CKR_OK ||
        base64url_decode(e_text, &e) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    return rsa_public_new(buffer_bytes(&n), buffer_bytes(&e), ret_rsa);
}

CK_RV vault_json_read_key(struct bytes body, struct key_id *ret_kid, struct key_info *ret_info)
{
    cJSON *bundle SCOPED(json_free_scoped) = json_parse(body);
    const cJSON *key = json_member(bundle, "key");
    struct key_info info = {.enabled = true};
    struct key_id kid;

    if (read_kid(key, &kid) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    read_names(&kid, &info);
    read_key_type(json_text(key, "kty"), &info);
    read_uses(json_member(key, "key_ops"), &info);
    read_attributes(json_member(bundle, "attributes"), &info);
    if (info.type == KEY_TYPE_RSA) {
        CK_RV rv = read_rsa(key, &info.rsa);

        if (rv != CKR_OK) {
            return rv;
        }
    }
    *ret_kid = kid;
    *ret_info = info;
    return CKR_OK;
}

static bool visit_item(const cJSON *item, vault_item_visitor *visit, void *arg)
{
    struct key_info info = {.enabled = true};
    struct key_id kid;

    if (read_kid(item, &kid) != CKR_OK) {
        return true;
    }
    read_names(&kid, &info);
    read_attributes(json_member(item, "attributes"), &info);
    return visit(arg, &kid, &info);
}

CK_RV vault_json_read_page(struct bytes body, vault_item_visitor *visit, void *arg, struct buffer *ret_next)
{
    cJSON *page SCOPED(json_free_scoped) = json_parse(body);
    const cJSON *items = json_member(page, "value");
    const char *next = json_text(page, "nextLink");
    const cJSON *item;
    bool more = true;

    buffer_clear(ret_next);
    if (!cJSON_IsArray(items) && !cJSON_IsNull(items)) {
        return CKR_DATA_INVALID;
    }
    cJSON_ArrayForEach(item, items)
    {
        if (!visit_item(item, visit, arg)) {
            more = false;
            break;
        }
    }
    return more && next != NULL ? buffer_append_text(ret_next, next) : CKR_OK;
}

static void copy_text(const char *from, char *to, size_t room)
{
    text_copy(bytes_of_text(from), to, room);
}

/* The service writes innererror; some of its clients print innerError. */
static const cJSON *inner_error(const cJSON *error)
{
    const cJSON *inner = json_member(error, "innererror");

    return inner != NULL ? inner : json_member(error, "innerError");
}

bool vault_json_read_error(struct bytes body, struct vault_error *ret_error)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    const cJSON *error = json_member(answer, "error");

    memset(ret_error, 0, sizeof *ret_error);
    if (json_text(error, "code") == NULL) {
        return false;
    }
    copy_text(json_text(error, "code"), ret_error->code, sizeof ret_error->code);
    copy_text(json_text(error, "message"), ret_error->message, sizeof ret_error->message);
    error = inner_error(error);
    for (int depth = 0; error != NULL && depth < ERROR_NESTING; depth++) {
        if (json_text(error, "code") != NULL) {
            copy_text(json_text(error, "code"), ret_error->inner, sizeof ret_error->inner);
        }
        error = inner_error(error);
    }
    return true;
}
