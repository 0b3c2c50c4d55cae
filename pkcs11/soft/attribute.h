/*
 * Lists of CK_ATTRIBUTE as applications hand them over: look one up, read it, compare it, copy a value out.
 * Their pointers need not be aligned and their sizes need not make sense.
 */
#ifndef BYOK_PKCS11_SOFT_ATTRIBUTE_H
#define BYOK_PKCS11_SOFT_ATTRIBUTE_H

#include "backends/base/buffer.h"
#include "backends/base/cryptoki.h"

enum attribute_form {
    ATTRIBUTE_ABSENT,    /* such an object has no such attribute, or it is not to be had */
    ATTRIBUTE_SENSITIVE, /* it has, and tells nobody */
    ATTRIBUTE_FLAG,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_BYTES,
    ATTRIBUTE_LIST /* of attributes; told by who has it, and matched by no find */
};

/* What an object answers for one attribute. The bytes are lent by the object. */
struct attribute_value {
    enum attribute_form form;
    CK_BBOOL flag;
    CK_ULONG number;
    struct bytes bytes;
};

struct attribute_value attribute_flag(bool flag);
struct attribute_value attribute_number(CK_ULONG number);
struct attribute_value attribute_bytes(struct bytes bytes);

/* CKR_ARGUMENTS_BAD where it is NULL, or longer than anybody needs: then its size may have overflowed. */
MUST_USE CK_RV attribute_check_count(const CK_ATTRIBUTE *list, CK_ULONG count);
/*
 * Whether the list can be walked: CKR_ARGUMENTS_BAD where it is NULL or longer than anybody needs,
 * CKR_ATTRIBUTE_VALUE_INVALID where a value is NULL and yet has a length, or no sane one.
 */
MUST_USE CK_RV attribute_check_list(const CK_ATTRIBUTE *list, CK_ULONG count);
/* The same, and CKR_TEMPLATE_INCONSISTENT where a type stands there twice: for lists that make an object. */
MUST_USE CK_RV attribute_check_template(const CK_ATTRIBUTE *list, CK_ULONG count);

const CK_ATTRIBUTE *attribute_in(const CK_ATTRIBUTE *list, CK_ULONG count, CK_ATTRIBUTE_TYPE type);
static inline struct bytes attribute_content(const CK_ATTRIBUTE *attribute)
{
    return bytes_of(attribute->pValue, attribute->ulValueLen);
}
/* CKR_ATTRIBUTE_VALUE_INVALID where it is not one byte of 0 or 1, or not a CK_ULONG. */
MUST_USE CK_RV attribute_read_flag(const CK_ATTRIBUTE *attribute, bool *ret_flag);
MUST_USE CK_RV attribute_read_number(const CK_ATTRIBUTE *attribute, CK_ULONG *ret_number);

/* For a find: only a value that may be seen matches. */
bool attribute_matches(const CK_ATTRIBUTE *wanted, const struct attribute_value *value);

/* C_GetAttributeValue for one attribute: the five cases of PKCS#11 2.40, section 5.7. */
CK_RV attribute_copy_out(CK_ATTRIBUTE *to, const struct attribute_value *value);
/* Which of two results a call with several attributes returns. */
CK_RV attribute_graver(CK_RV a, CK_RV b);

#endif
