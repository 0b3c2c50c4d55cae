/* Documents of the key service: operations and errors. */
#include "backends/base/base64url.h"
#include "backends/keyvault/vault_json_private.h"
#include <string.h>

enum { ERROR_NESTING = 8 };

CK_RV vault_json_id(const cJSON *object, const char *name, const char *collection, struct key_id *ret_id)
{
    const char *id = json_text(object, name);

    return id != NULL && key_id_parse_in(id, collection, ret_id) ? CKR_OK : CKR_DATA_INVALID;
}

/* --- Operations --- */

static CK_RV write_bytes(const char *before, struct bytes bytes, struct buffer *body)
{
    CK_RV rv = buffer_append_text(body, before);

    return rv == CKR_OK ? base64url_encode(bytes, body) : rv;
}

CK_RV vault_json_write_operation(const struct vault_parameters *parameters, struct buffer *ret_body)
{
    const struct {
        const char *before;
        struct bytes bytes;
    } rest[] = {{"\",\"iv\":\"", parameters->iv},
                {"\",\"aad\":\"", parameters->aad},
                {"\",\"tag\":\"", parameters->tag}};
    CK_RV rv;

    buffer_clear(ret_body);
    rv = buffer_append_text(ret_body, "{\"alg\":\"");
    if (rv == CKR_OK) {
        rv = buffer_append_text(ret_body, parameters->algorithm);
    }
    if (rv == CKR_OK) {
        rv = write_bytes("\",\"value\":\"", parameters->value, ret_body);
    }
    for (size_t i = 0; rv == CKR_OK && i < sizeof rest / sizeof rest[0]; i++) {
        if (rest[i].bytes.size != 0) {
            rv = write_bytes(rest[i].before, rest[i].bytes, ret_body);
        }
    }
    return rv == CKR_OK ? buffer_append_text(ret_body, "\"}") : rv;
}

CK_RV vault_json_bytes(const cJSON *object, const char *name, struct buffer *ret_value)
{
    const char *text = json_text(object, name);

    buffer_clear(ret_value);
    if (text != NULL && base64url_decode(text, ret_value) == CKR_OK) {
        return CKR_OK;
    }
    buffer_clear(ret_value);
    return CKR_DATA_INVALID;
}

/* What is not there is empty. */
static CK_RV read_small(const cJSON *answer, const char *name, unsigned char *ret_data, size_t room,
                        size_t *ret_size)
{
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(room);
    const cJSON *item = json_member(answer, name);

    *ret_size = 0;
    if (item == NULL || cJSON_IsNull(item)) {
        return CKR_OK;
    }
    if (vault_json_bytes(answer, name, &value) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    if (value.size != 0) {
        memcpy(ret_data, value.data, value.size);
    }
    *ret_size = value.size;
    return CKR_OK;
}

CK_RV vault_json_read_operation(struct bytes body, struct key_id *ret_kid, struct buffer *ret_value,
                                struct aes_extra *ret_extra)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);
    struct aes_extra extra = {.key_bits = 0};
    struct key_id kid;

    if (vault_json_id(answer, "kid", KEYS, &kid) != CKR_OK ||
        read_small(answer, "iv", extra.iv, sizeof extra.iv, &extra.iv_size) != CKR_OK ||
        read_small(answer, "tag", extra.tag, sizeof extra.tag, &extra.tag_size) != CKR_OK ||
        vault_json_bytes(answer, "value", ret_value) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    *ret_kid = kid;
    *ret_extra = extra;
    return CKR_OK;
}

CK_RV vault_json_read_random(struct bytes body, struct buffer *ret_value)
{
    cJSON *answer SCOPED(json_free_scoped) = json_parse(body);

    return vault_json_bytes(answer, "value", ret_value);
}

/* --- Lists --- */

CK_RV vault_json_walk(struct bytes body, json_item_visitor *visit, void *arg, struct buffer *ret_next)
{
    cJSON *page SCOPED(json_free_scoped) = json_parse(body);
    const cJSON *items = json_member(page, "value");
    const char *next = json_text(page, "nextLink");
    const cJSON *item;

    buffer_clear(ret_next);
    if (!cJSON_IsArray(items) && !cJSON_IsNull(items)) {
        return CKR_DATA_INVALID;
    }
    cJSON_ArrayForEach(item, items)
    {
        if (!visit(arg, item)) {
            return CKR_OK;
        }
    }
    return next != NULL ? buffer_append_text(ret_next, next) : CKR_OK;
}

/* --- Errors --- */

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
