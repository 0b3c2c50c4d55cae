/* Keys that live here: their life, and what they answer. */
#include "pkcs11/soft/local_key.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/local_template.h"
#include <string.h>

/* Sizes of a secret key's value in bytes: from, to, in steps of. */
static const struct secret_type {
    CK_KEY_TYPE type;
    size_t least, most, step;
} secret_types[] = {
    {CKK_AES, 16, 32, 8},
    {CKK_GENERIC_SECRET, 1, LONGEST_SECRET, 1},
    {CKK_SHA_1_HMAC, 1, LONGEST_SECRET, 1},
    {CKK_SHA256_HMAC, 1, LONGEST_SECRET, 1},
    {CKK_SHA384_HMAC, 1, LONGEST_SECRET, 1},
    {CKK_SHA512_HMAC, 1, LONGEST_SECRET, 1},
};

static const struct secret_type *secret_type_of(CK_KEY_TYPE type)
{
    for (size_t i = 0; i < sizeof secret_types / sizeof secret_types[0]; i++) {
        if (secret_types[i].type == type) {
            return &secret_types[i];
        }
    }
    return NULL;
}

bool local_key_knows_type(CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    return class == CKO_SECRET_KEY ? secret_type_of(type) != NULL : type == CKK_RSA || type == CKK_EC;
}

/* All but what is shared with what it was before. */
static void free_texts(struct local_key *key)
{
    attribute_list_free(&key->wrap_template);
    attribute_list_free(&key->unwrap_template);
    buffer_free(&key->label);
    buffer_free(&key->id);
    buffer_free(&key->subject);
    buffer_free(&key->mechanisms);
    buffer_free(&key->start);
    buffer_free(&key->end);
}

void local_key_free(struct local_key *key)
{
    struct local_key *before;

    if (key == NULL) {
        return;
    }
    key_value_unhold(key->value);
    while (key != NULL) {
        before = key->before;
        free_texts(key);
        free(key);
        key = before;
    }
}

void local_key_unchange(struct local_key *key)
{
    free_texts(key);
    free(key);
}

bool local_key_takes(const struct local_key *key, size_t size)
{
    const struct secret_type *type = secret_type_of(key->type);

    if (key->wanted_size != 0 && key->wanted_size != size) {
        return false;
    }
    if (key->class != CKO_SECRET_KEY || type == NULL) {
        return key->class == CKO_PRIVATE_KEY && size != 0;
    }
    return size >= type->least && size <= type->most && size % type->step == 0;
}

static CK_RV complete_private(struct local_key *key)
{
    CK_RV rv = key_numbers_from_pkcs8(secret_bytes(&key->value->secret), &key->value->numbers);

    if (rv == CKR_OK && key->type != (key->value->numbers.rsa != NULL ? CKK_RSA : CKK_EC)) {
        rv = CKR_DATA_INVALID;
    }
    return rv == CKR_DATA_INVALID ? CKR_WRAPPED_KEY_INVALID : rv;
}

CK_RV local_key_complete(struct local_key *key)
{
    if (!local_key_takes(key, key->value->secret.size)) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    return key->class == CKO_PRIVATE_KEY ? complete_private(key) : CKR_OK;
}

EVP_PKEY *local_key_pkey(const struct local_key *key)
{
    return key->value->numbers.pkey;
}

bool local_key_has(const struct local_key *key, unsigned flags)
{
    return (key->flags & flags) == flags;
}

bool local_key_allows(const struct local_key *key, CK_MECHANISM_TYPE mechanism)
{
    for (size_t at = 0; at < key->mechanisms.size; at += sizeof mechanism) {
        if (memcmp(key->mechanisms.data + at, &mechanism, sizeof mechanism) == 0) {
            return true;
        }
    }
    return key->mechanisms.size == 0;
}

/* Neither a sensitive value nor one that is not extractable is ever told. */
static bool tells_value(const struct local_key *key)
{
    return local_key_has(key, LOCAL_EXTRACTABLE) && !local_key_has(key, LOCAL_SENSITIVE);
}

bool local_key_is_secret(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    if (key->class == CKO_PRIVATE_KEY) {
        return tells_value(key) && key_numbers_is_private(key->type, type);
    }
    return key->class == CKO_SECRET_KEY && type == CKA_VALUE && tells_value(key);
}

static const struct attribute_value absent = {.form = ATTRIBUTE_ABSENT};
static const struct attribute_value sensitive = {.form = ATTRIBUTE_SENSITIVE};

static struct attribute_value of_numbers(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    if (key_numbers_is_public(type)) {
        return key_numbers_public(key->value->numbers.rsa, key->value->numbers.ec, type);
    }
    return key->class == CKO_PRIVATE_KEY && key_numbers_is_private(key->type, type) ? sensitive : absent;
}

static struct attribute_value answer(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_CLASS:
        return attribute_number(key->class);
    case CKA_KEY_TYPE:
        return attribute_number(key->type);
    case CKA_LABEL:
        return attribute_bytes(buffer_bytes(&key->label));
    case CKA_ID:
        return attribute_bytes(buffer_bytes(&key->id));
    case CKA_SUBJECT:
        return attribute_bytes(buffer_bytes(&key->subject));
    case CKA_UNIQUE_ID:
        return attribute_bytes(bytes_of_text(key->unique_id));
    case CKA_VALUE_LEN:
        return attribute_number(key_value_size(key->value));
    case CKA_ALLOWED_MECHANISMS:
        return attribute_bytes(buffer_bytes(&key->mechanisms));
    case CKA_START_DATE:
        return attribute_bytes(buffer_bytes(&key->start));
    case CKA_END_DATE:
        return attribute_bytes(buffer_bytes(&key->end));
    case CKA_KEY_GEN_MECHANISM:
        return attribute_number(key->made_by);
    case CKA_BYOK_KEY_VERSION:
        return attribute_bytes(bytes_of_text(key->opened_by));
    case CKA_WRAP_TEMPLATE:
    case CKA_UNWRAP_TEMPLATE:
        return (struct attribute_value){.form = ATTRIBUTE_LIST};
    case CKA_TOKEN:
    case CKA_TRUSTED:
    case CKA_ALWAYS_AUTHENTICATE:
        return attribute_flag(false);
    default:
        return of_numbers(key, type);
    }
}

struct attribute_value local_key_attribute(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    const struct local_attribute *row = local_attribute_of(key->class, type);

    if (row == NULL) {
        return absent;
    }
    if (type == CKA_VALUE && key->class == CKO_SECRET_KEY) {
        return tells_value(key) ? attribute_bytes(secret_bytes(&key->value->secret)) : sensitive;
    }
    return row->flag != 0 ? attribute_flag(local_key_has(key, row->flag)) : answer(key, type);
}

CK_RV local_key_copy_out(const struct local_key *key, CK_ATTRIBUTE *to)
{
    struct secret number SCOPED(secret_free) = SECRET_INIT;
    struct attribute_value value = local_key_attribute(key, to->type);
    CK_RV rv;

    if (value.form == ATTRIBUTE_LIST) {
        return attribute_list_copy_out(
            to->type == CKA_WRAP_TEMPLATE ? &key->wrap_template : &key->unwrap_template, to);
    }
    if (value.form == ATTRIBUTE_SENSITIVE && key->class == CKO_PRIVATE_KEY && tells_value(key)) {
        rv = key_numbers_private(&key->value->numbers, to->type, &number);
        if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID) {
            return rv;
        }
        value = rv == CKR_OK ? attribute_bytes(secret_bytes(&number)) : absent;
    }
    return attribute_copy_out(to, &value);
}
