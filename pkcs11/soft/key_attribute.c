/* What the public and the private object of a service's key answer. */
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/policy.h"
#include <stdio.h>
#include <string.h>

enum {
    PUBLIC = 1,
    PRIVATE = 2,
    PAIR = PUBLIC | PRIVATE,
    SECRET = 4,
    BOTH = PRIVATE | SECRET,
    EVERY = PAIR | SECRET
};

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
    IS_USE,           /* an enum key_use */
    IS_SIZE,          /* of a secret key, in bytes */
    IS_NUMBER,        /* of the public part */
    IS_PRIVATE_NUMBER /* sensitive where keys of this type have it */
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
    {CKA_CLASS, EVERY, IS_CLASS},
    {CKA_KEY_TYPE, EVERY, IS_KEY_TYPE},
    {CKA_TOKEN, EVERY, IS_TRUE},
    {CKA_PRIVATE, PUBLIC, IS_FALSE},
    {CKA_PRIVATE, BOTH, IS_TRUE},
    {CKA_LABEL, EVERY, IS_NAME},
    {CKA_ID, EVERY, IS_NAME},
    {CKA_UNIQUE_ID, EVERY, IS_UNIQUE_ID},
    {CKA_BYOK_KEY_VERSION, EVERY, IS_VERSION},
    {CKA_MODULUS, PAIR, IS_NUMBER},
    {CKA_MODULUS_BITS, PUBLIC, IS_NUMBER},
    {CKA_PUBLIC_EXPONENT, PAIR, IS_NUMBER},
    {CKA_EC_PARAMS, PAIR, IS_NUMBER},
    {CKA_EC_POINT, PAIR, IS_NUMBER},
    {CKA_PUBLIC_KEY_INFO, PAIR, IS_NUMBER},
    {CKA_ENCRYPT, PUBLIC | SECRET, IS_USE, KEY_USE_ENCRYPT},
    {CKA_WRAP, PUBLIC | SECRET, IS_USE, KEY_USE_WRAP},
    {CKA_DECRYPT, BOTH, IS_USE, KEY_USE_DECRYPT},
    {CKA_UNWRAP, BOTH, IS_USE, KEY_USE_UNWRAP},
    {CKA_VERIFY, PUBLIC, IS_USE, KEY_USE_VERIFY},
    {CKA_SIGN, PRIVATE, IS_USE, KEY_USE_SIGN},
    {CKA_SIGN, SECRET, IS_FALSE},
    {CKA_VERIFY, SECRET, IS_FALSE},
    {CKA_VERIFY_RECOVER, PUBLIC, IS_FALSE},
    {CKA_SIGN_RECOVER, PRIVATE, IS_FALSE},
    {CKA_DERIVE, EVERY, IS_FALSE},
    {CKA_TRUSTED, PUBLIC | SECRET, IS_FALSE},
    {CKA_SENSITIVE, BOTH, IS_TRUE},
    {CKA_ALWAYS_SENSITIVE, BOTH, IS_TRUE},
    {CKA_EXTRACTABLE, BOTH, IS_FALSE},
    {CKA_NEVER_EXTRACTABLE, BOTH, IS_TRUE},
    {CKA_ALWAYS_AUTHENTICATE, PRIVATE, IS_FALSE},
    {CKA_WRAP_WITH_TRUSTED, BOTH, IS_FALSE},
    {CKA_LOCAL, EVERY, IS_FALSE}, /* whether the service made it or was given it is not told */
    {CKA_MODIFIABLE, EVERY, IS_FALSE},
    {CKA_COPYABLE, EVERY, IS_FALSE},
    {CKA_DESTROYABLE, EVERY, IS_FALSE},
    {CKA_KEY_GEN_MECHANISM, EVERY, IS_UNAVAILABLE},
    {CKA_ALLOWED_MECHANISMS, EVERY, IS_EMPTY},
    {CKA_SUBJECT, PAIR, IS_EMPTY},
    {CKA_START_DATE, EVERY, IS_EMPTY},
    {CKA_END_DATE, EVERY, IS_EMPTY},
    {CKA_VALUE, SECRET, IS_SENSITIVE},
    {CKA_VALUE, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_VALUE_LEN, SECRET, IS_SIZE},
    {CKA_PRIVATE_EXPONENT, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_PRIME_1, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_PRIME_2, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_EXPONENT_1, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_EXPONENT_2, PRIVATE, IS_PRIVATE_NUMBER},
    {CKA_COEFFICIENT, PRIVATE, IS_PRIVATE_NUMBER},
};

static const struct row *row_of(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
    unsigned object = class == CKO_PUBLIC_KEY ? PUBLIC : class == CKO_PRIVATE_KEY ? PRIVATE : SECRET;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type && (table[i].objects & object) != 0) {
            return &table[i];
        }
    }
    return NULL;
}

static const char *class_word(CK_OBJECT_CLASS class)
{
    return class == CKO_PUBLIC_KEY ? "public" : class == CKO_PRIVATE_KEY ? "private" : "secret";
}

void key_view_init(struct key_view *view, CK_OBJECT_CLASS class, struct service_key *key,
                   const struct key_access *access, const struct public_part *part)
{
    view->class = class;
    view->key = key;
    view->access = access;
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

/* What keys of each type can be used for at all; one of a type that is not known yet counts as RSA. */
static unsigned uses_of(enum key_type type)
{
    switch (type) {
    case KEY_TYPE_EC:
        return KEY_USE_SIGN | KEY_USE_VERIFY;
    case KEY_TYPE_OCT:
        return KEY_USE_ENCRYPT | KEY_USE_DECRYPT | KEY_USE_WRAP | KEY_USE_UNWRAP;
    case KEY_TYPE_RSA:
    case KEY_TYPE_UNKNOWN:
        break;
    }
    return ~0U;
}

bool key_allows(const struct public_part *part, enum key_use use)
{
    if (part == NULL) {
        return true;
    }
    return (uses_of(part->info.type) & (unsigned)use) != 0 &&
           (!part->info.uses_known || (part->info.uses & (unsigned)use) != 0);
}

bool key_permits(const struct key_access *access, const struct public_part *part, enum key_use use)
{
    if (part == NULL && access->strict && (policy_uses(~0U) & (unsigned)use) == 0) {
        return false;
    }
    return key_allows(part, use);
}

static bool use_of(const struct key_view *view, enum key_use use)
{
    return (uses_of(service_key_type(view->key)) & (unsigned)use) != 0 &&
           key_permits(view->access, view->part, use);
}

static CK_KEY_TYPE key_type(const struct key_view *view)
{
    enum key_type type = service_key_type(view->key);

    if (view->class == CKO_SECRET_KEY) {
        return CKK_AES;
    }
    return type == KEY_TYPE_EC ? CKK_EC : CKK_RSA;
}

/* A key's use tells its size, and nothing else does. */
static struct attribute_value size_of(const struct key_view *view)
{
    unsigned bits = atomic_load(&view->key->aes_bits);

    return bits == 0 ? (struct attribute_value){.form = ATTRIBUTE_ABSENT} : attribute_number(bits / 8);
}

static struct attribute_value private_number_of(const struct key_view *view, CK_ATTRIBUTE_TYPE type)
{
    bool has = key_numbers_is_private(key_type(view), type);

    return (struct attribute_value){.form = has ? ATTRIBUTE_SENSITIVE : ATTRIBUTE_ABSENT};
}

static struct attribute_value number_of(const struct key_view *view, CK_ATTRIBUTE_TYPE type)
{
    if (view->part == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    return key_numbers_public(view->part->info.rsa, view->part->info.ec, type);
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
        return attribute_number(key_type(view));
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
        return attribute_flag(use_of(view, row->use));
    case IS_SIZE:
        return size_of(view);
    case IS_PRIVATE_NUMBER:
        return private_number_of(view, type);
    case IS_NUMBER:
        break;
    }
    return number_of(view, type);
}

bool key_attribute_is_public_part(CK_ATTRIBUTE_TYPE type)
{
    return key_numbers_is_public(type);
}

bool key_attribute_is_assumed(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_KEY_TYPE || type == CKA_ENCRYPT || type == CKA_WRAP || type == CKA_DECRYPT ||
           type == CKA_UNWRAP || type == CKA_SIGN || type == CKA_VERIFY;
}

static bool is_either_flag(const CK_ATTRIBUTE *wanted)
{
    bool flag;

    return attribute_read_flag(wanted, &flag) == CKR_OK;
}

static bool is_key_type(CK_OBJECT_CLASS class, const CK_ATTRIBUTE *wanted)
{
    CK_ULONG type;

    if (attribute_read_number(wanted, &type) != CKR_OK) {
        return false;
    }
    return class == CKO_SECRET_KEY ? type == CKK_AES : type == CKK_RSA || type == CKK_EC;
}

bool key_attribute_could_match(CK_OBJECT_CLASS class, const CK_ATTRIBUTE *wanted)
{
    const struct row *row = row_of(class, wanted->type);
    struct key_view view = {.class = class};
    struct attribute_value value;

    if (row == NULL || row->source == IS_SENSITIVE || row->source == IS_PRIVATE_NUMBER) {
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
        return is_key_type(class, wanted);
    case IS_USE:
        return is_either_flag(wanted);
    default:
        return true;
    }
}
