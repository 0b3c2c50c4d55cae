/* What the public and the private object of a service's key answer. */
#include "pkcs11/soft/key_attribute.h"
#include <stdio.h>
#include <string.h>

enum { PUBLIC = 1, PRIVATE = 2, BOTH = PUBLIC | PRIVATE };

enum source {
    IS_CLASS,
    IS_KEY_TYPE,
    IS_TRUE,
    IS_FALSE,
    IS_EMPTY,
    IS_UNAVAILABLE, /* CK_UNAVAILABLE_INFORMATION */
    IS_SENSITIVE,
    IS_NAME,
    IS_UNIQUE_ID,
    IS_VERSION,
    IS_USE, /* an enum key_use */
    IS_MODULUS,
    IS_MODULUS_BITS,
    IS_EXPONENT,
    IS_PUBLIC_INFO
};

/*
 * Which object has it, and where the answer comes from.
 * An attribute without a row is CKR_ATTRIBUTE_TYPE_INVALID.
 */
static const struct row {
    CK_ATTRIBUTE_TYPE type;
    unsigned objects;
    enum source source;
    enum key_use use;
} table[] = {
    {CKA_CLASS, BOTH, IS_CLASS},
    {CKA_KEY_TYPE, BOTH, IS_KEY_TYPE},
    {CKA_TOKEN, BOTH, IS_TRUE},
    {CKA_PRIVATE, PUBLIC, IS_FALSE},
    {CKA_PRIVATE, PRIVATE, IS_TRUE},
    {CKA_LABEL, BOTH, IS_NAME},
    {CKA_ID, BOTH, IS_NAME},
    {CKA_UNIQUE_ID, BOTH, IS_UNIQUE_ID},
    {CKA_BYOK_KEY_VERSION, BOTH, IS_VERSION},
    {CKA_MODULUS, BOTH, IS_MODULUS},
    {CKA_MODULUS_BITS, PUBLIC, IS_MODULUS_BITS},
    {CKA_PUBLIC_EXPONENT, BOTH, IS_EXPONENT},
    {CKA_PUBLIC_KEY_INFO, BOTH, IS_PUBLIC_INFO},
    {CKA_ENCRYPT, PUBLIC, IS_USE, KEY_USE_ENCRYPT},
    {CKA_WRAP, PUBLIC, IS_USE, KEY_USE_WRAP},
    {CKA_DECRYPT, PRIVATE, IS_USE, KEY_USE_DECRYPT},
    {CKA_UNWRAP, PRIVATE, IS_USE, KEY_USE_UNWRAP},
    {CKA_VERIFY, PUBLIC, IS_FALSE},
    {CKA_VERIFY_RECOVER, PUBLIC, IS_FALSE},
    {CKA_SIGN, PRIVATE, IS_FALSE},
    {CKA_SIGN_RECOVER, PRIVATE, IS_FALSE},
    {CKA_DERIVE, BOTH, IS_FALSE},
    {CKA_TRUSTED, PUBLIC, IS_FALSE},
    {CKA_SENSITIVE, PRIVATE, IS_TRUE},
    {CKA_ALWAYS_SENSITIVE, PRIVATE, IS_TRUE},
    {CKA_EXTRACTABLE, PRIVATE, IS_FALSE},
    {CKA_NEVER_EXTRACTABLE, PRIVATE, IS_TRUE},
    {CKA_ALWAYS_AUTHENTICATE, PRIVATE, IS_FALSE},
    {CKA_WRAP_WITH_TRUSTED, PRIVATE, IS_FALSE},
    {CKA_LOCAL, BOTH, IS_FALSE}, /* whether the service made it or was given it is not told */
    {CKA_MODIFIABLE, BOTH, IS_FALSE},
    {CKA_COPYABLE, BOTH, IS_FALSE},
    {CKA_DESTROYABLE, BOTH, IS_FALSE},
    {CKA_KEY_GEN_MECHANISM, BOTH, IS_UNAVAILABLE},
    {CKA_ALLOWED_MECHANISMS, BOTH, IS_EMPTY},
    {CKA_SUBJECT, BOTH, IS_EMPTY},
    {CKA_START_DATE, BOTH, IS_EMPTY},
    {CKA_END_DATE, BOTH, IS_EMPTY},
    {CKA_PRIVATE_EXPONENT, PRIVATE, IS_SENSITIVE},
    {CKA_PRIME_1, PRIVATE, IS_SENSITIVE},
    {CKA_PRIME_2, PRIVATE, IS_SENSITIVE},
    {CKA_EXPONENT_1, PRIVATE, IS_SENSITIVE},
    {CKA_EXPONENT_2, PRIVATE, IS_SENSITIVE},
    {CKA_COEFFICIENT, PRIVATE, IS_SENSITIVE},
};

static const struct row *row_of(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
    unsigned object = class == CKO_PUBLIC_KEY ? PUBLIC : PRIVATE;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type && (table[i].objects & object) != 0) {
            return &table[i];
        }
    }
    return NULL;
}

static const char *class_word(CK_OBJECT_CLASS class)
{
    return class == CKO_PUBLIC_KEY ? "public" : "private";
}

void key_view_init(struct key_view *view, CK_OBJECT_CLASS class, struct service_key *key,
                   const struct key_access *access, const struct public_part *part)
{
    view->class = class;
    view->key = key;
    view->part = part;
    service_key_version(key, view->version);
    snprintf(view->unique_id, sizeof view->unique_id, "%s:%s/%s;%s", access->service->ops->name,
             access->service->serial, key->text, class_word(class));
}

struct bytes key_name_of_unique_id(const struct key_access *access, struct bytes unique_id)
{
    const unsigned char *from, *to;
    char prefix[64];
    int length;

    length = snprintf(prefix, sizeof prefix, "%s:%s/", access->service->ops->name, access->service->serial);
    to = unique_id.size == 0 ? NULL : memrchr(unique_id.data, ';', unique_id.size);
    if (to == NULL || length < 0 || unique_id.size <= (size_t)length ||
        memcmp(unique_id.data, prefix, (size_t)length) != 0) {
        return bytes_of(NULL, 0);
    }
    from = unique_id.data + length;
    return to > from ? bytes_of(from, (size_t)(to - from)) : bytes_of(NULL, 0);
}

bool key_allows(const struct public_part *part, enum key_use use)
{
    return part == NULL || !part->info.uses_known || (part->info.uses & (unsigned)use) != 0;
}

static struct attribute_value key_type(const struct key_view *view)
{
    return attribute_number(service_key_type(view->key) == KEY_TYPE_EC ? CKK_EC : CKK_RSA);
}

static struct attribute_value from_rsa(const struct key_view *view, enum source source)
{
    const struct rsa_public *rsa = view->part == NULL ? NULL : view->part->info.rsa;

    if (rsa == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    switch (source) {
    case IS_MODULUS:
        return attribute_bytes(rsa_public_modulus(rsa));
    case IS_EXPONENT:
        return attribute_bytes(rsa_public_exponent(rsa));
    case IS_MODULUS_BITS:
        return attribute_number(rsa_public_bits(rsa));
    default:
        return attribute_bytes(rsa_public_info(rsa));
    }
}

struct attribute_value key_attribute(const struct key_view *view, CK_ATTRIBUTE_TYPE type)
{
    const struct row *row = row_of(view->class, type);

    if (row == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    switch (row->source) {
    case IS_CLASS:
        return attribute_number(view->class);
    case IS_KEY_TYPE:
        return key_type(view);
    case IS_TRUE:
        return attribute_flag(true);
    case IS_FALSE:
        return attribute_flag(false);
    case IS_EMPTY:
        return attribute_bytes(bytes_of(NULL, 0));
    case IS_UNAVAILABLE:
        return attribute_number(CK_UNAVAILABLE_INFORMATION);
    case IS_SENSITIVE:
        return (struct attribute_value){.form = ATTRIBUTE_SENSITIVE};
    case IS_NAME:
        return attribute_bytes(bytes_of_text(view->key->text));
    case IS_UNIQUE_ID:
        return attribute_bytes(bytes_of_text(view->unique_id));
    case IS_VERSION:
        return attribute_bytes(bytes_of_text(view->version));
    case IS_USE:
        return attribute_flag(key_allows(view->part, row->use));
    default:
        return from_rsa(view, row->source);
    }
}

bool key_attribute_is_public_part(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_MODULUS || type == CKA_MODULUS_BITS || type == CKA_PUBLIC_EXPONENT ||
           type == CKA_PUBLIC_KEY_INFO;
}

bool key_attribute_is_assumed(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_KEY_TYPE || type == CKA_ENCRYPT || type == CKA_WRAP || type == CKA_DECRYPT ||
           type == CKA_UNWRAP;
}

static bool is_either_flag(const CK_ATTRIBUTE *wanted)
{
    bool flag;

    return attribute_read_flag(wanted, &flag) == CKR_OK;
}

/* Keys that are not RSA are not shown, so every key of the service that a find can meet is RSA. */
bool key_attribute_could_match(CK_OBJECT_CLASS class, const CK_ATTRIBUTE *wanted)
{
    const struct row *row = row_of(class, wanted->type);
    struct key_view view = {.class = class};
    struct attribute_value value;

    if (row == NULL || row->source == IS_SENSITIVE) {
        return false;
    }
    switch (row->source) {
    case IS_CLASS:
    case IS_TRUE:
    case IS_FALSE:
    case IS_EMPTY:
    case IS_UNAVAILABLE:
        value = key_attribute(&view, wanted->type);
        return attribute_matches(wanted, &value);
    case IS_KEY_TYPE:
        value = attribute_number(CKK_RSA);
        return attribute_matches(wanted, &value);
    case IS_USE:
        return is_either_flag(wanted);
    default:
        return true;
    }
}
