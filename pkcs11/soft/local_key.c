/* Secret keys: how a template becomes one, and what one answers. */
#include "pkcs11/soft/local_key.h"
#include "backends/base/scope.h"
#include <stddef.h>
#include <string.h>

enum {
    LONGEST_SECRET = 4096,    /* bytes of a generic secret, as the table of mechanisms says */
    LONGEST_TEXT = 64 * 1024, /* label, id */
    DATE_SIZE = 8             /* CK_DATE */
};

static CK_RV read_class(struct local_key *key, const CK_ATTRIBUTE *from)
{
    CK_ULONG class;
    CK_RV rv = attribute_read_number(from, &class);

    (void)key;
    return rv != CKR_OK || class == CKO_SECRET_KEY ? rv : CKR_TEMPLATE_INCONSISTENT;
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
    if (type != CKK_AES && type != CKK_GENERIC_SECRET) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
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

static CK_RV read_label(struct local_key *key, const CK_ATTRIBUTE *from)
{
    return read_bytes(&key->label, from);
}

static CK_RV read_id(struct local_key *key, const CK_ATTRIBUTE *from)
{
    return read_bytes(&key->id, from);
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

/* The attributes of secret keys. A row with a flag is that flag; one with neither is answered by answer(). */
struct local_attribute {
    CK_ATTRIBUTE_TYPE type;
    CK_RV (*read)(struct local_key *key, const CK_ATTRIBUTE *from);
    unsigned flag;
};

static const struct local_attribute table[] = {
    {CKA_CLASS, read_class, 0},
    {CKA_KEY_TYPE, read_type, 0},
    {CKA_TOKEN, read_token, 0},
    {CKA_LABEL, read_label, 0},
    {CKA_ID, read_id, 0},
    {CKA_VALUE, read_value, 0},
    {CKA_VALUE_LEN, read_size, 0},
    {CKA_ALLOWED_MECHANISMS, read_mechanisms, 0},
    {CKA_START_DATE, read_date, 0},
    {CKA_END_DATE, read_date, 0},
    {CKA_TRUSTED, read_trusted, 0},
    {CKA_MODIFIABLE, read_false, 0},
    {CKA_COPYABLE, read_false, 0},
    {CKA_UNIQUE_ID, read_read_only, 0},
    {CKA_KEY_GEN_MECHANISM, read_read_only, 0},
    {CKA_BYOK_KEY_VERSION, read_read_only, 0},
    {CKA_LOCAL, read_read_only, LOCAL_GENERATED},
    {CKA_PRIVATE, NULL, LOCAL_PRIVATE},
    {CKA_SENSITIVE, NULL, LOCAL_SENSITIVE},
    {CKA_ALWAYS_SENSITIVE, read_read_only, 0},
    {CKA_EXTRACTABLE, NULL, LOCAL_EXTRACTABLE},
    {CKA_NEVER_EXTRACTABLE, read_read_only, 0},
    {CKA_ENCRYPT, NULL, LOCAL_ENCRYPT},
    {CKA_DECRYPT, NULL, LOCAL_DECRYPT},
    {CKA_WRAP, NULL, LOCAL_WRAP},
    {CKA_UNWRAP, NULL, LOCAL_UNWRAP},
    {CKA_SIGN, NULL, LOCAL_SIGN},
    {CKA_VERIFY, NULL, LOCAL_VERIFY},
    {CKA_DERIVE, NULL, LOCAL_DERIVE},
    {CKA_WRAP_WITH_TRUSTED, NULL, LOCAL_WRAP_WITH_TRUSTED},
    {CKA_DESTROYABLE, NULL, LOCAL_DESTROYABLE},
};

static const struct local_attribute *row_of(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type) {
            return &table[i];
        }
    }
    return NULL;
}

static CK_RV read_one(struct local_key *key, const CK_ATTRIBUTE *from)
{
    const struct local_attribute *row = row_of(from->type);
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

static CK_RV check_whole(const struct local_key *key, enum local_source source, const CK_ATTRIBUTE *list,
                         CK_ULONG count)
{
    if (key->type == CK_UNAVAILABLE_INFORMATION) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    if (source != LOCAL_MADE_HERE && attribute_in(list, count, CKA_CLASS) == NULL) {
        return CKR_TEMPLATE_INCOMPLETE;
    }
    return check_value(key, source, list, count);
}

static struct local_key *blank(enum local_source source, CK_KEY_TYPE type)
{
    static const struct buffer empty = BUFFER_INIT(LONGEST_TEXT);
    struct local_key *key = calloc(1, sizeof *key);

    if (key != NULL) {
        key->type = type;
        key->flags = LOCAL_SENSITIVE | LOCAL_PRIVATE | LOCAL_DESTROYABLE;
        key->flags |= source == LOCAL_MADE_HERE ? LOCAL_GENERATED : 0;
        key->made_by = CK_UNAVAILABLE_INFORMATION;
        key->label = key->id = key->mechanisms = key->start = key->end = empty;
    }
    return key;
}

CK_RV local_key_new(enum local_source source, CK_KEY_TYPE type, const CK_ATTRIBUTE *list, CK_ULONG count,
                    struct local_key **ret_key)
{
    struct local_key *key SCOPED(local_key_free_scoped) = NULL;
    CK_RV rv = attribute_check_template(list, count);

    if (rv != CKR_OK) {
        return rv;
    }
    key = blank(source, type);
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

void local_key_free(struct local_key *key)
{
    if (key == NULL) {
        return;
    }
    secret_free(&key->value);
    buffer_free(&key->label);
    buffer_free(&key->id);
    buffer_free(&key->mechanisms);
    buffer_free(&key->start);
    buffer_free(&key->end);
    free(key);
}

bool local_key_takes(const struct local_key *key, size_t size)
{
    if (key->wanted_size != 0 && key->wanted_size != size) {
        return false;
    }
    if (key->type == CKK_AES) {
        return size == 16 || size == 24 || size == 32;
    }
    return size != 0 && size <= LONGEST_SECRET;
}

/* Neither a sensitive value nor one that is not extractable is ever told. */
static struct attribute_value value_of(const struct local_key *key)
{
    if ((key->flags & LOCAL_SENSITIVE) != 0 || (key->flags & LOCAL_EXTRACTABLE) == 0) {
        return (struct attribute_value){.form = ATTRIBUTE_SENSITIVE};
    }
    return attribute_bytes(secret_bytes(&key->value));
}

static bool has(const struct local_key *key, unsigned flags)
{
    return (key->flags & flags) == flags;
}

static struct attribute_value answer(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_CLASS:
        return attribute_number(CKO_SECRET_KEY);
    case CKA_KEY_TYPE:
        return attribute_number(key->type);
    case CKA_LABEL:
        return attribute_bytes(buffer_bytes(&key->label));
    case CKA_ID:
        return attribute_bytes(buffer_bytes(&key->id));
    case CKA_UNIQUE_ID:
        return attribute_bytes(bytes_of_text(key->unique_id));
    case CKA_VALUE:
        return value_of(key);
    case CKA_VALUE_LEN:
        return attribute_number(key->value.size);
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
    case CKA_ALWAYS_SENSITIVE:
        return attribute_flag(has(key, LOCAL_GENERATED | LOCAL_SENSITIVE));
    case CKA_NEVER_EXTRACTABLE:
        return attribute_flag(has(key, LOCAL_GENERATED) && !has(key, LOCAL_EXTRACTABLE));
    default: /* TOKEN, TRUSTED, MODIFIABLE, COPYABLE */
        return attribute_flag(false);
    }
}

struct attribute_value local_key_attribute(const struct local_key *key, CK_ATTRIBUTE_TYPE type)
{
    const struct local_attribute *row = row_of(type);

    if (row == NULL) {
        return (struct attribute_value){.form = ATTRIBUTE_ABSENT};
    }
    return row->flag != 0 ? attribute_flag(has(key, row->flag)) : answer(key, type);
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
