/* How a template becomes a key that lives here. */
#include "pkcs11/soft/local_template.h"
#include "backends/base/scope.h"
#include <stddef.h>
#include <string.h>

enum {
    LONGEST_TEXT = 64 * 1024, /* label, id */
    DATE_SIZE = 8             /* CK_DATE */
};

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
    return secret_copy(attribute_content(from), &key->value);
}

static CK_RV read_size(struct local_key *key, const CK_ATTRIBUTE *from)
{
    CK_RV rv = attribute_read_number(from, &key->wanted_size);

    return rv == CKR_OK && key->wanted_size == 0 ? CKR_ATTRIBUTE_VALUE_INVALID : rv;
}

static CK_RV read_bytes(struct buffer *to, const CK_ATTRIBUTE *from)
{
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
    {CKA_CLASS, EVERY, read_class, 0},
    {CKA_KEY_TYPE, EVERY, read_type, 0},
    {CKA_TOKEN, EVERY, read_token, 0},
    {CKA_LABEL, EVERY, read_text, 0},
    {CKA_ID, EVERY, read_text, 0},
    {CKA_SUBJECT, PRIVATE | PUBLIC, read_text, 0},
    {CKA_VALUE, SECRET, read_value, 0},
    {CKA_VALUE_LEN, SECRET, read_size, 0},
    {CKA_ALLOWED_MECHANISMS, EVERY, read_mechanisms, 0},
    {CKA_START_DATE, EVERY, read_date, 0},
    {CKA_END_DATE, EVERY, read_date, 0},
    {CKA_TRUSTED, SECRET | PUBLIC, read_trusted, 0},
    {CKA_MODIFIABLE, EVERY, read_false, 0},
    {CKA_COPYABLE, EVERY, read_false, 0},
    {CKA_ALWAYS_AUTHENTICATE, PRIVATE, read_false, 0},
    {CKA_UNIQUE_ID, EVERY, read_read_only, 0},
    {CKA_KEY_GEN_MECHANISM, EVERY, read_read_only, 0},
    {CKA_BYOK_KEY_VERSION, SECRET | PRIVATE, read_read_only, 0},
    {CKA_LOCAL, EVERY, read_read_only, LOCAL_GENERATED},
    {CKA_PRIVATE, EVERY, NULL, LOCAL_PRIVATE},
    {CKA_SENSITIVE, SECRET | PRIVATE, NULL, LOCAL_SENSITIVE},
    {CKA_ALWAYS_SENSITIVE, SECRET | PRIVATE, read_read_only, 0},
    {CKA_EXTRACTABLE, SECRET | PRIVATE, NULL, LOCAL_EXTRACTABLE},
    {CKA_NEVER_EXTRACTABLE, SECRET | PRIVATE, read_read_only, 0},
    {CKA_ENCRYPT, SECRET | PUBLIC, NULL, LOCAL_ENCRYPT},
    {CKA_DECRYPT, SECRET | PRIVATE, NULL, LOCAL_DECRYPT},
    {CKA_WRAP, SECRET | PUBLIC, NULL, LOCAL_WRAP},
    {CKA_UNWRAP, SECRET | PRIVATE, NULL, LOCAL_UNWRAP},
    {CKA_SIGN, SECRET | PRIVATE, NULL, LOCAL_SIGN},
    {CKA_SIGN_RECOVER, PRIVATE, NULL, LOCAL_SIGN_RECOVER},
    {CKA_VERIFY, SECRET | PUBLIC, NULL, LOCAL_VERIFY},
    {CKA_VERIFY_RECOVER, PUBLIC, NULL, LOCAL_VERIFY_RECOVER},
    {CKA_DERIVE, EVERY, NULL, LOCAL_DERIVE},
    {CKA_WRAP_WITH_TRUSTED, SECRET | PRIVATE, NULL, LOCAL_WRAP_WITH_TRUSTED},
    {CKA_DESTROYABLE, EVERY, NULL, LOCAL_DESTROYABLE},
    {CKA_MODULUS, PRIVATE | PUBLIC, read_later, 0},
    {CKA_PUBLIC_EXPONENT, PRIVATE | PUBLIC, read_later, 0},
    {CKA_MODULUS_BITS, PUBLIC, read_read_only, 0},
    {CKA_EC_PARAMS, PRIVATE | PUBLIC, read_later, 0},
    {CKA_EC_POINT, PRIVATE | PUBLIC, read_later, 0},
    {CKA_PUBLIC_KEY_INFO, PRIVATE | PUBLIC, read_read_only, 0},
    {CKA_VALUE, PRIVATE, read_never, 0},
    {CKA_PRIVATE_EXPONENT, PRIVATE, read_never, 0},
    {CKA_PRIME_1, PRIVATE, read_never, 0},
    {CKA_PRIME_2, PRIVATE, read_never, 0},
    {CKA_EXPONENT_1, PRIVATE, read_never, 0},
    {CKA_EXPONENT_2, PRIVATE, read_never, 0},
    {CKA_COEFFICIENT, PRIVATE, read_never, 0},
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

static CK_RV read_one(struct local_key *key, const CK_ATTRIBUTE *from)
{
    const struct local_attribute *row = local_attribute_of(key->class, from->type);
    bool flag;
    CK_RV rv;

    if (row == NULL) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (row->read != NULL) {
        return row->read(key, from);
    }
    rv = attribute_read_flag(from, &flag);
    if (rv == CKR_OK) {
        key->flags = flag ? key->flags | row->flag : key->flags & ~row->flag;
    }
    return rv;
}

/* PKCS#11 2.40, 4.10 table 26: which of the two attributes of a value goes with which way to make a key. */
static CK_RV check_value(const struct local_key *key, enum local_source source, const CK_ATTRIBUTE *list,
                         CK_ULONG count)
{
    bool given = attribute_in(list, count, CKA_VALUE) != NULL;

    if (source != LOCAL_CREATED) {
        if (given) {
            return CKR_TEMPLATE_INCONSISTENT;
        }
        if (source == LOCAL_MADE_HERE && key->wanted_size == 0) {
            return CKR_TEMPLATE_INCOMPLETE;
        }
        return key->wanted_size == 0 || local_key_takes(key, key->wanted_size) ? CKR_OK
                                                                               : CKR_ATTRIBUTE_VALUE_INVALID;
    }
    if (!given) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    return local_key_takes(key, key->value.size) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* The two numbers that make a public key, and none of the other type's. */
static CK_RV complete_public(struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count)
{
    static const CK_ATTRIBUTE_TYPE rsa[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT};
    static const CK_ATTRIBUTE_TYPE ec[] = {CKA_EC_PARAMS, CKA_EC_POINT};
    const CK_ATTRIBUTE_TYPE *mine = key->type == CKK_RSA ? rsa : ec, *other = key->type == CKK_RSA ? ec : rsa;
    const CK_ATTRIBUTE *first = attribute_in(list, count, mine[0]);
    const CK_ATTRIBUTE *second = attribute_in(list, count, mine[1]);

    if (attribute_in(list, count, other[0]) != NULL || attribute_in(list, count, other[1]) != NULL) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    if (first == NULL || second == NULL) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    return (key->type == CKK_RSA ? key_numbers_from_rsa : key_numbers_from_ec)(
        attribute_content(first), attribute_content(second), &key->numbers);
}

static CK_RV check_whole(struct local_key *key, enum local_source source, const CK_ATTRIBUTE *list,
                         CK_ULONG count)
{
    if (key->type == CK_UNAVAILABLE_INFORMATION) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (key->class == CKO_PUBLIC_KEY) {
        return complete_public(key, list, count);
    }
    return key->class == CKO_SECRET_KEY ? check_value(key, source, list, count) : CKR_OK;
}

/* Numbers of private keys come in wrapped alone, and public keys never do. */
static CK_RV class_for(enum local_source source, const CK_ATTRIBUTE *list, CK_ULONG count,
                       CK_OBJECT_CLASS *ret_class)
{
    const CK_ATTRIBUTE *token = attribute_in(list, count, CKA_TOKEN);
    const CK_ATTRIBUTE *class = attribute_in(list, count, CKA_CLASS);
    bool fits;
    CK_RV rv;

    *ret_class = CKO_SECRET_KEY;
    if (class == NULL) {
        return source == LOCAL_MADE_HERE ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
    }
    rv = attribute_read_number(class, ret_class);
    if (rv == CKR_OK && token != NULL) {
        rv = read_token(NULL, token);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    fits = *ret_class == CKO_SECRET_KEY || (*ret_class == CKO_PUBLIC_KEY && source == LOCAL_CREATED) ||
           (*ret_class == CKO_PRIVATE_KEY && source == LOCAL_UNWRAPPED);
    return fits ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static struct local_key *blank(enum local_source source, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    static const struct buffer empty = BUFFER_INIT(LONGEST_TEXT);
    struct local_key *key = calloc(1, sizeof *key);

    if (key != NULL) {
        key->class = class;
        key->type = type;
        key->flags = LOCAL_DESTROYABLE | (class == CKO_PUBLIC_KEY ? 0 : LOCAL_SENSITIVE | LOCAL_PRIVATE);
        key->flags |= source == LOCAL_MADE_HERE ? LOCAL_GENERATED : 0;
        key->made_by = CK_UNAVAILABLE_INFORMATION;
        key->label = key->id = key->subject = key->mechanisms = key->start = key->end = empty;
    }
    return key;
}

CK_RV local_key_new(enum local_source source, CK_KEY_TYPE type, const CK_ATTRIBUTE *list, CK_ULONG count,
                    struct local_key **ret_key)
{
    struct local_key *key SCOPED(local_key_free_scoped) = NULL;
    CK_OBJECT_CLASS class;
    CK_RV rv = attribute_check_template(list, count);

    if (rv == CKR_OK) {
        rv = class_for(source, list, count, &class);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    key = blank(source, class, type);
    if (key == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        rv = read_one(key, &list[i]);
    }
    if (rv == CKR_OK) {
        rv = check_whole(key, source, list, count);
    }
    if (rv == CKR_OK) {
        *ret_key = take(key);
    }
    return rv;
}
