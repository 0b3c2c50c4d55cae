/* An answer of a vault, read as each kind that it could be. */
#include "backends/keyvault/vault_json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool visit(void *arg, const struct key_id *kid, struct key_info *info)
{
    (void)arg;
    if (!key_name_valid(kid->name) || strcmp(kid->name, info->name) != 0 || info->rsa != NULL) {
        abort();
    }
    return info->enabled;
}

static void read_key(struct bytes body)
{
    struct key_info info;
    struct key_id kid;

    if (vault_json_read_key(body, &kid, &info) == CKR_OK) {
        if ((info.rsa != NULL) != (info.type == KEY_TYPE_RSA) || !key_name_valid(info.name) ||
            (info.ec != NULL && info.type != KEY_TYPE_EC)) {
            abort();
        }
        key_info_done(&info);
    }
}

static bool visit_certificate(void *arg, const struct key_id *id)
{
    (void)arg;
    if (!key_name_valid(id->name)) {
        abort();
    }
    return id->version[0] == 0;
}

static void read_certificates(struct bytes body)
{
    struct buffer value = BUFFER_INIT(4096);
    struct key_id id, kid;

    if (vault_json_read_certificate(body, &id, &kid, &value) == CKR_OK &&
        (!key_name_valid(id.name) || (kid.name[0] != 0 && !key_name_valid(kid.name)))) {
        abort();
    }
    if (vault_json_read_certificates(body, visit_certificate, NULL, &value) != CKR_OK && value.size != 0) {
        abort();
    }
    buffer_free(&value);
}

static void read_others(struct bytes body)
{
    struct buffer value = BUFFER_INIT(512);
    struct vault_error error;
    struct aes_extra extra;
    struct key_id kid;

    if (vault_json_read_operation(body, &kid, &value, &extra) == CKR_OK &&
        (!key_name_valid(kid.name) || extra.iv_size > sizeof extra.iv || extra.tag_size > sizeof extra.tag)) {
        abort();
    }
    if (vault_json_read_random(body, &value) != CKR_OK && value.size != 0) {
        abort();
    }
    if (vault_json_read_page(body, visit, NULL, &value) != CKR_OK && value.size != 0) {
        abort();
    }
    if (vault_json_read_error(body, &error) && memchr(error.code, 0, sizeof error.code) == NULL) {
        abort();
    }
    buffer_free(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_key(bytes_of(data, size));
    read_others(bytes_of(data, size));
    read_certificates(bytes_of(data, size));
    return 0;
}
