/* How a template becomes a key that lives here. */
#include "backends/base/scope.h"
#include "pkcs11/soft/local_template.h"

enum { LONGEST_TEXT = 64 * 1024 /* label, id */ };

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
    return local_key_takes(key, key->value->secret.size) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
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
        attribute_content(first), attribute_content(second), &key->value->numbers);
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
        rv = local_attribute_read(local_attribute_of(CKO_SECRET_KEY, CKA_TOKEN), NULL, token);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    fits = *ret_class == CKO_SECRET_KEY || (*ret_class == CKO_PUBLIC_KEY && source == LOCAL_CREATED) ||
           (*ret_class == CKO_PRIVATE_KEY && source == LOCAL_UNWRAPPED);
    return fits ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* What was true from the first moment on, which no later change makes true. */
static unsigned history_of(const struct local_key *key)
{
    if (key->source != LOCAL_MADE_HERE) {
        return 0;
    }
    return LOCAL_GENERATED | (local_key_has(key, LOCAL_SENSITIVE) ? LOCAL_ALWAYS_SENSITIVE : 0) |
           (local_key_has(key, LOCAL_EXTRACTABLE) ? 0 : LOCAL_NEVER_EXTRACTABLE);
}

static CK_RV read_all(struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count)
{
    const struct local_attribute *row;
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        row = local_attribute_of(key->class, list[i].type);
        rv = row == NULL ? CKR_ATTRIBUTE_TYPE_INVALID : local_attribute_read(row, key, &list[i]);
    }
    return rv;
}

static struct local_key *blank(enum local_source source, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    static const struct buffer empty = BUFFER_INIT(LONGEST_TEXT);
    struct local_key *key SCOPED(scope_free) = calloc(1, sizeof *key);

    if (key == NULL || (key->value = key_value_new()) == NULL) {
        return NULL;
    }
    key->class = class;
    key->type = type;
    key->source = source;
    key->flags = LOCAL_DESTROYABLE | LOCAL_MODIFIABLE | LOCAL_COPYABLE |
                 (class == CKO_PUBLIC_KEY ? 0 : LOCAL_SENSITIVE | LOCAL_PRIVATE);
    key->made_by = CK_UNAVAILABLE_INFORMATION;
    key->label = key->id = key->subject = key->mechanisms = key->start = key->end = empty;
    return take(key);
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
    rv = read_all(key, list, count);
    if (rv == CKR_OK) {
        rv = check_whole(key, source, list, count);
    }
    if (rv == CKR_OK) {
        key->flags |= history_of(key);
        *ret_key = take(key);
    }
    return rv;
}
