/* Keys and lists of keys. */
#include "backends/keyvault/vault_json_private.h"
#include <string.h>

enum {
    LONGEST_NUMBER = 2049,   /* bytes of n: 16384 bits, and a zero that the service puts before some */
    LONGEST_COORDINATE = 128 /* of P-521 66, and zeros */
};

static void read_key_type(const char *kty, struct key_info *info)
{
    static const struct {
        const char *name;
        enum key_type type;
        enum told in_hardware;
    } types[] = {
        {"RSA", KEY_TYPE_RSA, TOLD_NO}, {"RSA-HSM", KEY_TYPE_RSA, TOLD_YES},
        {"EC", KEY_TYPE_EC, TOLD_NO},   {"EC-HSM", KEY_TYPE_EC, TOLD_YES},
        {"oct", KEY_TYPE_OCT, TOLD_NO}, {"oct-HSM", KEY_TYPE_OCT, TOLD_YES},
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

/* The deletion recovery levels. "+Purgeable" lets a privileged caller end a deleted key at once. */
static void read_recovery(const char *level, struct key_info *info)
{
    static const struct {
        const char *level;
        enum told recoverable, purge_protected;
    } levels[] = {
        {"Purgeable", TOLD_NO, TOLD_NO},
        {"Recoverable+Purgeable", TOLD_YES, TOLD_NO},
        {"CustomizedRecoverable+Purgeable", TOLD_YES, TOLD_NO},
        {"Recoverable", TOLD_YES, TOLD_YES},
        {"CustomizedRecoverable", TOLD_YES, TOLD_YES},
        {"Recoverable+ProtectedSubscription", TOLD_YES, TOLD_YES},
        {"CustomizedRecoverable+ProtectedSubscription", TOLD_YES, TOLD_YES},
    };

    for (size_t i = 0; level != NULL && i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(level, levels[i].level) == 0) {
            info->recoverable = levels[i].recoverable;
            info->purge_protected = levels[i].purge_protected;
            return;
        }
    }
    if (level != NULL && strstr(level, "Purgeable") != NULL) { /* of a level that is not known yet */
        info->purge_protected = TOLD_NO;
    }
}

/* hsmPlatform: "0" is software, "1" FIPS 140-2 level 2, "2" FIPS 140-3 level 3; since api-version 7.5. */
static enum told read_platform(const char *platform)
{
    if (platform == NULL) {
        return NOT_TOLD;
    }
    return strcmp(platform, "1") == 0 || strcmp(platform, "2") == 0 ? TOLD_YES
           : strcmp(platform, "0") == 0                             ? TOLD_NO
                                                                    : NOT_TOLD;
}

/* Beside the type, which tells it, too: whoever says yes is right. */
static void read_hardware(const cJSON *attributes, struct key_info *info)
{
    enum told platform = read_platform(json_text(attributes, "hsmPlatform"));

    if (platform == TOLD_YES || info->in_hardware == NOT_TOLD) {
        info->in_hardware = platform;
    }
}

static void read_attributes(const cJSON *attributes, struct key_info *info)
{
    info->enabled = !cJSON_IsFalse(json_member(attributes, "enabled"));
    info->created = read_time(attributes, "created");
    info->not_before = read_time(attributes, "nbf");
    info->expires = read_time(attributes, "exp");
    read_recovery(json_text(attributes, "recoveryLevel"), info);
    read_hardware(attributes, info);
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

    if (vault_json_bytes(key, "n", &n) != CKR_OK || vault_json_bytes(key, "e", &e) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    return rsa_public_new(buffer_bytes(&n), buffer_bytes(&e), ret_rsa);
}

/* False: none that we know (P-256K, say). */
static bool read_curve(const char *crv, enum ec_curve *ret_curve)
{
    static const char *const names[EC_CURVES] = {
        [EC_P256] = "P-256", [EC_P384] = "P-384", [EC_P521] = "P-521"};

    for (unsigned i = 0; crv != NULL && i < EC_CURVES; i++) {
        if (strcmp(crv, names[i]) == 0) {
            *ret_curve = (enum ec_curve)i;
            return true;
        }
    }
    return false;
}

static CK_RV read_ec(const cJSON *key, struct ec_public **ret_ec)
{
    struct buffer x SCOPED(buffer_free) = BUFFER_INIT(LONGEST_COORDINATE);
    struct buffer y SCOPED(buffer_free) = BUFFER_INIT(LONGEST_COORDINATE);
    enum ec_curve curve;

    if (!read_curve(json_text(key, "crv"), &curve)) {
        return CKR_OK;
    }
    if (vault_json_bytes(key, "x", &x) != CKR_OK || vault_json_bytes(key, "y", &y) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    return ec_public_new(curve, buffer_bytes(&x), buffer_bytes(&y), ret_ec);
}

static CK_RV read_public(const cJSON *key, struct key_info *info)
{
    return info->type == KEY_TYPE_RSA  ? read_rsa(key, &info->rsa)
           : info->type == KEY_TYPE_EC ? read_ec(key, &info->ec)
                                       : CKR_OK;
}

CK_RV vault_json_read_key(struct bytes body, struct key_id *ret_kid, struct key_info *ret_info)
{
    cJSON *bundle SCOPED(json_free_scoped) = json_parse(body);
    const cJSON *key = json_member(bundle, "key");
    struct key_info info = {.enabled = true};
    struct key_id kid;
    CK_RV rv;

    if (vault_json_id(key, "kid", KEYS, &kid) != CKR_OK) {
        return CKR_DATA_INVALID;
    }
    read_names(&kid, &info);
    read_key_type(json_text(key, "kty"), &info);
    read_uses(json_member(key, "key_ops"), &info);
    read_attributes(json_member(bundle, "attributes"), &info);
    rv = read_public(key, &info);
    if (rv != CKR_OK) {
        return rv;
    }
    *ret_kid = kid;
    *ret_info = info;
    return CKR_OK;
}

struct walk {
    vault_item_visitor *visit;
    void *arg;
};

static bool visit_item(void *arg, const cJSON *item)
{
    const struct walk *walk = arg;
    struct key_info info = {.enabled = true};
    struct key_id kid;

    if (vault_json_id(item, "kid", KEYS, &kid) != CKR_OK) {
        return true;
    }
    read_names(&kid, &info);
    read_attributes(json_member(item, "attributes"), &info);
    return walk->visit(walk->arg, &kid, &info);
}

CK_RV vault_json_read_page(struct bytes body, vault_item_visitor *visit, void *arg, struct buffer *ret_next)
{
    struct walk walk = {visit, arg};

    return vault_json_walk(body, visit_item, &walk, ret_next);
}
