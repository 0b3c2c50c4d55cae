/* Rules for what answers mean. */
#include "tests/truth/conclusions.h"
#include "backends/base/base64url.h"
#include "backends/base/scope.h"
#include <stdlib.h>
#include <string.h>

const char *const ask_words[ASKS] = {
    "list",           "list-versions", "get",  "wrapkey",        "unwrapkey",
    "encrypt",        "decrypt",       "sign", "getrandombytes", "list-certificates",
    "get-certificate"};

/* --- Refusals --- */

static const char no_json[] = "";

/* Status and innermost code to a verdict; codes not named fall to the last row of their status. */
static const struct rule {
    unsigned status;
    const char *code; /* NULL: any; no_json: not the service's own words */
    enum service_verdict verdict;
} rules[] = {
    {400, no_json, VERDICT_UNREACHABLE},
    {400, NULL, VERDICT_BAD_REQUEST},
    {401, NULL, VERDICT_NO_ACCESS},
    {403, "KeyDisabled", VERDICT_DISABLED},
    {403, "KeyOperationForbidden", VERDICT_REFUSED},
    {403, "ForbiddenByPolicy", VERDICT_REFUSED},
    {403, "ForbiddenByRbac", VERDICT_REFUSED},
    {403, "AccessDenied", VERDICT_REFUSED},
    {404, "KeyNotFound", VERDICT_GONE},
};

static enum service_verdict verdict_of(unsigned status, const char *code)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].status == status && (rules[i].code == NULL || strcmp(rules[i].code, code) == 0)) {
            return rules[i].verdict;
        }
    }
    return VERDICT_UNREACHABLE;
}

static CK_RV value_of(enum ask ask, enum service_verdict verdict)
{
    static const CK_RV bad[ASKS] = {[ASK_WRAP] = CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                                    [ASK_UNWRAP] = CKR_WRAPPED_KEY_INVALID,
                                    [ASK_DECRYPT] = CKR_ENCRYPTED_DATA_INVALID};
    static const CK_RV gone[ASKS] = {
        [ASK_WRAP] = CKR_WRAPPING_KEY_HANDLE_INVALID, [ASK_UNWRAP] = CKR_UNWRAPPING_KEY_HANDLE_INVALID};

    switch (verdict) {
    case VERDICT_BAD_BLOB:
    case VERDICT_BAD_REQUEST:
        return bad[ask] == 0 ? CKR_FUNCTION_FAILED : bad[ask];
    case VERDICT_GONE:
        return gone[ask] == 0 ? CKR_KEY_HANDLE_INVALID : gone[ask];
    case VERDICT_DISABLED:
    case VERDICT_REFUSED:
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    case VERDICT_NO_ACCESS:
    case VERDICT_NO_CALLER:
        return CKR_USER_NOT_LOGGED_IN;
    default:
        return CKR_DEVICE_ERROR;
    }
}

struct conclusion conclusion_of(enum ask ask, unsigned status, const cJSON *body)
{
    const char *inner = text_at(body, "error.innererror.code"), *outer = text_at(body, "error.code");
    enum service_verdict verdict = verdict_of(status, *inner != '\0' ? inner : outer);

    if (verdict == VERDICT_BAD_REQUEST && (ask == ASK_UNWRAP || ask == ASK_DECRYPT)) {
        verdict = VERDICT_BAD_BLOB;
    }
    if (verdict == VERDICT_GONE && (ask == ASK_LIST || ask >= ASK_RANDOM)) { /* no key was asked for */
        verdict = VERDICT_UNREACHABLE;
    }
    return (struct conclusion){verdict, value_of(ask, verdict)};
}

/* --- Octets --- */

void decode(const char *encoded, struct buffer *ret_octets)
{
    assert_int_equal(base64url_decode(encoded, ret_octets), CKR_OK);
}

void expect_octets(struct bytes got, const char *encoded)
{
    struct buffer expected SCOPED(buffer_free) = BUFFER_INIT(4096);

    decode(encoded, &expected);
    assert_true(bytes_equal(got, buffer_bytes(&expected)));
}

/* A number: leading zeros say nothing. */
static void expect_number(struct bytes got, const char *encoded)
{
    struct buffer expected SCOPED(buffer_free) = BUFFER_INIT(4096);
    size_t zeros = 0;

    decode(encoded, &expected);
    while (zeros < expected.size && expected.data[zeros] == 0) {
        zeros++;
    }
    assert_true(bytes_equal(got, bytes_of(expected.data + zeros, expected.size - zeros)));
}

/* --- Keys --- */

/* The description of the service: "If it contains 'Purgeable' the key can be permanently deleted". */
static enum told protection_of(const cJSON *attributes)
{
    const char *level = text_at(attributes, "recoveryLevel");

    return *level == '\0' ? NOT_TOLD : strstr(level, "Purgeable") != NULL ? TOLD_NO : TOLD_YES;
}

void expect_item(const struct key_info *info, const cJSON *item)
{
    const cJSON *attributes = item_at(item, "attributes");
    char *name ENDED_BY(free_text) = format("%s/", strstr(text_at(item, "kid"), "/keys/") + 6);

    name[strcspn(name, "/")] = '\0';
    assert_string_equal(info->name, name);
    assert_int_equal(info->enabled, cJSON_IsTrue(item_at(attributes, "enabled")));
    assert_int_equal(info->created, (int64_t)number_at(attributes, "created"));
    assert_int_equal(info->not_before, (int64_t)number_at(attributes, "nbf"));
    assert_int_equal(info->expires, (int64_t)number_at(attributes, "exp"));
    assert_int_equal(info->purge_protected, protection_of(attributes));
}

static unsigned uses_of(const cJSON *operations)
{
    static const char *const words[] = {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"};
    unsigned uses = 0;

    for (unsigned i = 0; i < 6; i++) {
        const cJSON *operation;

        cJSON_ArrayForEach(operation, operations)
        {
            uses |= strcmp(operation->valuestring, words[i]) == 0 ? 1U << i : 0;
        }
    }
    return uses;
}

static enum key_type type_of(const char *kty)
{
    return strncmp(kty, "RSA", 3) == 0  ? KEY_TYPE_RSA
           : strncmp(kty, "EC", 2) == 0 ? KEY_TYPE_EC
                                        : KEY_TYPE_OCT;
}

/* 4, x and y behind the two or three octets of the OCTET STRING; of a curve that PKCS#11 clients use. */
static void expect_ec(const struct key_info *info, const cJSON *key)
{
    const char *crv = text_at(key, "crv");
    struct buffer point SCOPED(buffer_free) = BUFFER_INIT(4096);
    struct bytes got;

    assert_int_equal(info->ec != NULL, info->type == KEY_TYPE_EC && strcmp(crv, "P-256K") != 0);
    if (info->ec == NULL) {
        return;
    }
    assert_int_equal(ec_curve_bits(ec_public_curve(info->ec)), strtol(crv + 2, NULL, 10));
    assert_int_equal(buffer_append(&point, "\x04", 1), CKR_OK);
    decode(text_at(key, "x"), &point);
    decode(text_at(key, "y"), &point);
    got = ec_public_point(info->ec);
    assert_true(got.size > point.size);
    assert_true(bytes_equal(bytes_of(got.data + got.size - point.size, point.size), buffer_bytes(&point)));
}

void expect_key(const struct key_info *info, const cJSON *bundle)
{
    const cJSON *key = item_at(bundle, "key");
    cJSON *item ENDED_BY(free_json) = cJSON_Duplicate(bundle, true);

    cJSON_AddStringToObject(item, "kid", text_at(key, "kid"));
    expect_item(info, item);
    assert_string_equal(info->version, strrchr(text_at(key, "kid"), '/') + 1);
    assert_int_equal(info->type, type_of(text_at(key, "kty")));
    assert_int_equal(info->in_hardware, strstr(text_at(key, "kty"), "-HSM") != NULL ? TOLD_YES : TOLD_NO);
    assert_int_equal(info->uses_known, item_at(key, "key_ops") != NULL);
    assert_int_equal(info->uses, uses_of(item_at(key, "key_ops")));
    assert_int_equal(info->rsa != NULL, info->type == KEY_TYPE_RSA);
    if (info->rsa != NULL) {
        expect_number(rsa_public_modulus(info->rsa), text_at(key, "n"));
        expect_number(rsa_public_exponent(info->rsa), text_at(key, "e"));
    }
    expect_ec(info, key);
}

/* --- Documents by themselves --- */

struct reading {
    const cJSON *items;
    int count;
};

static bool read_item(void *arg, const struct key_id *kid, struct key_info *info)
{
    struct reading *reading = arg;
    const cJSON *item = cJSON_GetArrayItem(reading->items, reading->count++);

    assert_non_null(item);
    expect_item(info, item);
    assert_int_equal(kid->place.port, 443);
    return true;
}

void expect_page(const cJSON *page)
{
    char *text ENDED_BY(free_text) = cJSON_PrintUnformatted(page);
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(8192);
    struct reading reading = {item_at(page, "value"), 0};

    assert_int_equal(vault_json_read_page(bytes_of_text(text), read_item, &reading, &next), CKR_OK);
    assert_int_equal(reading.count, cJSON_GetArraySize(reading.items));
    assert_string_equal(buffer_text(&next), text_at(page, "nextLink"));
}

static void expect_bundle_read(const cJSON *body, bool taken)
{
    char *text ENDED_BY(free_text) = cJSON_PrintUnformatted(body);
    struct key_info info = {.name = ""};
    struct key_id kid;
    CK_RV rv = vault_json_read_key(bytes_of_text(text), &kid, &info);

    assert_int_equal(rv, taken ? CKR_OK : CKR_DATA_INVALID);
    if (taken) {
        expect_key(&info, body);
        key_info_done(&info);
    }
}

static void expect_operation_read(const cJSON *body, bool taken)
{
    char *text ENDED_BY(free_text) = cJSON_PrintUnformatted(body);
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(4096);
    struct aes_extra extra;
    struct key_id kid;
    CK_RV rv = vault_json_read_operation(bytes_of_text(text), &kid, &value, &extra);

    assert_int_equal(rv, taken ? CKR_OK : CKR_DATA_INVALID);
    if (taken) {
        expect_octets(buffer_bytes(&value), text_at(body, "value"));
        assert_string_equal(kid.version, strrchr(text_at(body, "kid"), '/') + 1);
        expect_octets(bytes_of(extra.iv, extra.iv_size), text_at(body, "iv"));
        expect_octets(bytes_of(extra.tag, extra.tag_size), text_at(body, "tag"));
    }
}

void expect_parsers(const cJSON *body)
{
    expect_bundle_read(body, item_at(body, "key.kid") != NULL);
    expect_operation_read(body, item_at(body, "kid") != NULL && cJSON_IsString(item_at(body, "value")));
    if (cJSON_IsArray(item_at(body, "value"))) {
        expect_page(body);
    }
}
