/* The attributes of keys that live here, and how each is read. */
#include "pkcs11/soft/local_template.h"
#include "backends/base/scope.h"
#include <stddef.h>
#include <string.h>

enum { DATE_SIZE = 8 /* CK_DATE */ };

static CK_RV read_class(struct local_key *key, const CK_ATTRIBUTE *from)
{
    CK_ULONG class;
    CK_RV rv = attribute_read_number(from, &class);

    return rv != CKR_OK || class == key->class ? rv : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV read_type(struct local_key *key, const CK_ATTRIBUTE *from)
{
    CK_ULONG type;
    CK_RV rv = attribute_read_number(from, &type);

    if (rv != CKR_OK) {
        return rv;
    }
    if (key->type != CK_UNAVAILABLE_INFORMATION) {
        return key->type == type ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
    }
    if (!local_key_knows_type(key->class, type)) {
        return local_key_knows_type(CKO_SECRET_KEY, type) || local_key_knows_type(CKO_PRIVATE_KEY, type)
                   ? CKR_TEMPLATE_INCONSISTENT /* a type of another class */
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    }
    key->type = type;
    return CKR_OK;
}

static CK_RV read_token(struct local_key *key, const CK_ATTRIBUTE *from)
{
    bool token;
    CK_RV rv = attribute_read_flag(from, &token);

    (void)key;
    return rv == CKR_OK && token ? CKR_TOKEN_WRITE_PROTECTED : rv;
}

/* For what a token of this kind cannot promise: true is refused, false is what it is. */
static CK_RV read_false(struct local_key *key, const CK_ATTRIBUTE *from)
{
    bool flag;
    CK_RV rv = attribute_read_flag(from, &flag);

    (void)key;
    return rv == CKR_OK && flag ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

/* Only a security officer could say so, and this token has none. */
static CK_RV read_trusted(struct local_key *key, const CK_ATTRIBUTE *from)
{
    bool trusted;
    CK_RV rv = attribute_read_flag(from, &trusted);

    (void)key;
    return rv == CKR_OK && trusted ? CKR_ATTRIBUTE_READ_ONLY : rv;
}

static CK_RV read_read_only(struct local_key *key, const CK_ATTRIBUTE *from)
{
    (void)key;
    (void)from;
    return CKR_ATTRIBUTE_READ_ONLY;
}

/* The value of a private key comes as a whole. */
static CK_RV read_never(struct local_key *key, const CK_ATTRIBUTE *from)
{
    (void)key;
    (void)from;
    return CKR_TEMPLATE_INCONSISTENT;
}

/* Read with the others that it makes a key with: complete_public(). */
static CK_RV read_later(struct local_key *key, const CK_ATTRIBUTE *from)
{
    (void)from;
    return key->class == CKO_PUBLIC_KEY ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV read_value(struct local_key *key, const CK_ATTRIBUTE *from)
{
    if (from->ulValueLen == 0 || from->ulValueLen > LONGEST_SECRET) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return secret_copy(attribute_content(from), &key->value->secret);
}

static CK_RV read_size(struct local_key *key, const CK_ATTRIBUTE *from)
{
    CK_RV rv = attribute_read_number(from, &key->wanted_size);

    return rv == CKR_OK && key->wanted_size == 0 ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

static CK_RV read_bytes(struct buffer *to, const CK_ATTRIBUTE *from)
{
    buffer_clear(to);
    return buffer_append(to, from->pValue, from->ulValueLen) == CKR_HOST_MEMORY ? CKR_HOST_MEMORY
           : to->size == from->ulValueLen                                       ? CKR_OK
                                                                                : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV read_text(struct local_key *key, const CK_ATTRIBUTE *from)
{
    return read_bytes(from->type == CKA_LABEL ? &key->label
                      : from->type == CKA_ID  ? &key->id
                                              : &key->subject,
                      from);
}

static CK_RV read_mechanisms(struct local_key *key, const CK_ATTRIBUTE *from)
{
    if (from->ulValueLen % sizeof(CK_MECHANISM_TYPE) != 0) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return read_bytes(&key->mechanisms, from);
}

static CK_RV read_template(struct local_key *key, const CK_ATTRIBUTE *from)
{
    return attribute_list_read(from,
                               from->type == CKA_WRAP_TEMPLATE ? &key->wrap_template : &key->unwrap_template);
}

static CK_RV read_date(struct local_key *key, const CK_ATTRIBUTE *from)
{
    if (from->ulValueLen != 0 && from->ulValueLen != DATE_SIZE) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return read_bytes(from->type == CKA_START_DATE ? &key->start : &key->end, from);
}

enum { SECRET = 1, PRIVATE = 2, PUBLIC = 4, EVERY = SECRET | PRIVATE | PUBLIC };

/* A row with neither a reader nor a flag does not exist; one without a flag is answered by local_key.c. */
static const struct local_attribute table[] = {
    {CKA_CLASS, EVERY, read_class, 0, CHANGE_IN_COPY},
    {CKA_KEY_TYPE, EVERY, read_type, 0, CHANGE_IN_COPY},
    {CKA_TOKEN, EVERY, read_token, 0, CHANGE_IN_COPY},
    {CKA_LABEL, EVERY, read_text, 0, CHANGE_FREELY},
    {CKA_ID, EVERY, read_text, 0, CHANGE_FREELY},
    {CKA_SUBJECT, PRIVATE | PUBLIC, read_text, 0, CHANGE_FREELY},
    {CKA_START_DATE, EVERY, read_date, 0, CHANGE_FREELY},
    {CKA_END_DATE, EVERY, read_date, 0, CHANGE_FREELY},
    {CKA_ENCRYPT, SECRET | PUBLIC, NULL, LOCAL_ENCRYPT, CHANGE_FREELY},
    {CKA_DECRYPT, SECRET | PRIVATE, NULL, LOCAL_DECRYPT, CHANGE_FREELY},
    {CKA_WRAP, SECRET | PUBLIC, NULL, LOCAL_WRAP, CHANGE_FREELY},
    {CKA_UNWRAP, SECRET | PRIVATE, NULL, LOCAL_UNWRAP, CHANGE_FREELY},
    {CKA_SIGN, SECRET | PRIVATE, NULL, LOCAL_SIGN, CHANGE_FREELY},
    {CKA_SIGN_RECOVER, PRIVATE, NULL, LOCAL_SIGN_RECOVER, CHANGE_FREELY},
    {CKA_VERIFY, SECRET | PUBLIC, NULL, LOCAL_VERIFY, CHANGE_FREELY},
    {CKA_VERIFY_RECOVER, PUBLIC, NULL, LOCAL_VERIFY_RECOVER, CHANGE_FREELY},
    {CKA_DERIVE, EVERY, NULL, LOCAL_DERIVE, CHANGE_FREELY},
    {CKA_SENSITIVE, SECRET | PRIVATE, NULL, LOCAL_SENSITIVE, CHANGE_TO_TRUE},
    {CKA_EXTRACTABLE, SECRET | PRIVATE, NULL, LOCAL_EXTRACTABLE, CHANGE_TO_FALSE},
    {CKA_WRAP_WITH_TRUSTED, SECRET | PRIVATE, NULL, LOCAL_WRAP_WITH_TRUSTED, CHANGE_TO_TRUE},
    {CKA_COPYABLE, EVERY, NULL, LOCAL_COPYABLE, CHANGE_TO_FALSE},
    {CKA_MODIFIABLE, EVERY, NULL, LOCAL_MODIFIABLE, CHANGE_IN_COPY},
    {CKA_DESTROYABLE, EVERY, NULL, LOCAL_DESTROYABLE, CHANGE_IN_COPY},
    {CKA_PRIVATE, EVERY, NULL, LOCAL_PRIVATE, CHANGE_IN_COPY_TO_TRUE},
    {CKA_VALUE, SECRET, read_value, 0, CHANGE_NEVER},
    {CKA_VALUE_LEN, SECRET, read_size, 0, CHANGE_NEVER},
    {CKA_ALLOWED_MECHANISMS, EVERY, read_mechanisms, 0, CHANGE_NEVER},
    {CKA_WRAP_TEMPLATE, SECRET | PUBLIC, read_template, 0, CHANGE_NEVER},
    {CKA_UNWRAP_TEMPLATE, SECRET | PRIVATE, read_template, 0, CHANGE_NEVER},
    {CKA_TRUSTED, SECRET | PUBLIC, read_trusted, 0, CHANGE_NEVER},
    {CKA_ALWAYS_AUTHENTICATE, PRIVATE, read_false, 0, CHANGE_NEVER},
    {CKA_UNIQUE_ID, EVERY, read_read_only, 0, CHANGE_NEVER},
    {CKA_KEY_GEN_MECHANISM, EVERY, read_read_only, 0, CHANGE_NEVER},
    {CKA_BYOK_KEY_VERSION, SECRET | PRIVATE, read_read_only, 0, CHANGE_NEVER},
    {CKA_LOCAL, EVERY, read_read_only, LOCAL_GENERATED, CHANGE_NEVER},
    {CKA_ALWAYS_SENSITIVE, SECRET | PRIVATE, read_read_only, LOCAL_ALWAYS_SENSITIVE, CHANGE_NEVER},
    {CKA_NEVER_EXTRACTABLE, SECRET | PRIVATE, read_read_only, LOCAL_NEVER_EXTRACTABLE, CHANGE_NEVER},
    {CKA_MODULUS, PRIVATE | PUBLIC, read_later, 0, CHANGE_NEVER},
    {CKA_PUBLIC_EXPONENT, PRIVATE | PUBLIC, read_later, 0, CHANGE_NEVER},
    {CKA_MODULUS_BITS, PUBLIC, read_read_only, 0, CHANGE_NEVER},
    {CKA_EC_PARAMS, PRIVATE | PUBLIC, read_later, 0, CHANGE_NEVER},
    {CKA_EC_POINT, PRIVATE | PUBLIC, read_later, 0, CHANGE_NEVER},
    {CKA_PUBLIC_KEY_INFO, PRIVATE | PUBLIC, read_read_only, 0, CHANGE_NEVER},
    {CKA_VALUE, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_PRIVATE_EXPONENT, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_PRIME_1, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_PRIME_2, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_EXPONENT_1, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_EXPONENT_2, PRIVATE, read_never, 0, CHANGE_NEVER},
    {CKA_COEFFICIENT, PRIVATE, read_never, 0, CHANGE_NEVER},
};

const struct local_attribute *local_attribute_of(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
    unsigned bit = class == CKO_SECRET_KEY ? SECRET : class == CKO_PRIVATE_KEY ? PRIVATE : PUBLIC;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type && (table[i].classes & bit) != 0) {
            return &table[i];
        }
    }
    return NULL;
}

CK_RV local_attribute_read(const struct local_attribute *row, struct local_key *key, const CK_ATTRIBUTE *from)
{
    bool flag;
    CK_RV rv;

    if (row->read != NULL) {
        return row->read(key, from);
    }
    rv = attribute_read_flag(from, &flag);
    if (rv == CKR_OK) {
        key->flags = flag ? key->flags | row->flag : key->flags & ~row->flag;
    }
    return rv;
}
