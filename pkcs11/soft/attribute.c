/* Lists of CK_ATTRIBUTE, whoever made them. */
#include "pkcs11/soft/attribute.h"
#include <string.h>

/* Twice what PKCS#11 has names for; more is a count that somebody computed wrongly. */
enum { MOST_ATTRIBUTES = 512, LONGEST_VALUE = 1 << 20 };

struct attribute_value attribute_flag(bool flag)
{
    return (struct attribute_value){.form = ATTRIBUTE_FLAG, .flag = flag ? CK_TRUE : CK_FALSE};
}

struct attribute_value attribute_number(CK_ULONG number)
{
    return (struct attribute_value){.form = ATTRIBUTE_NUMBER, .number = number};
}

struct attribute_value attribute_bytes(struct bytes bytes)
{
    return (struct attribute_value){.form = ATTRIBUTE_BYTES, .bytes = bytes};
}

CK_RV attribute_check_count(const CK_ATTRIBUTE *list, CK_ULONG count)
{
    return (list == NULL && count != 0) || count > MOST_ATTRIBUTES ? CKR_ARGUMENTS_BAD : CKR_OK;
}

CK_RV attribute_check_list(const CK_ATTRIBUTE *list, CK_ULONG count)
{
    if (attribute_check_count(list, count) != CKR_OK) {
        return CKR_ARGUMENTS_BAD;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (list[i].ulValueLen > LONGEST_VALUE || (list[i].pValue == NULL && list[i].ulValueLen != 0)) {
            return CKR_ATTRIBUTE_VALUE_INVALID;
        }
    }
    return CKR_OK;
}

CK_RV attribute_check_template(const CK_ATTRIBUTE *list, CK_ULONG count)
{
    CK_RV rv = attribute_check_list(list, count);

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        if (attribute_in(list, i, list[i].type) != NULL) {
            rv = CKR_TEMPLATE_INCONSISTENT;
        }
    }
    return rv;
}

const CK_ATTRIBUTE *attribute_in(const CK_ATTRIBUTE *list, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (list[i].type == type) {
            return &list[i];
        }
    }
    return NULL;
}

CK_RV attribute_read_flag(const CK_ATTRIBUTE *attribute, bool *ret_flag)
{
    const unsigned char *value = attribute->pValue;

    if (attribute->ulValueLen != sizeof(CK_BBOOL) || value == NULL || *value > CK_TRUE) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    *ret_flag = *value == CK_TRUE;
    return CKR_OK;
}

CK_RV attribute_read_number(const CK_ATTRIBUTE *attribute, CK_ULONG *ret_number)
{
    if (attribute->ulValueLen != sizeof(CK_ULONG) || attribute->pValue == NULL) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    memcpy(ret_number, attribute->pValue, sizeof(CK_ULONG));
    return CKR_OK;
}

static struct bytes value_bytes(const struct attribute_value *value)
{
    switch (value->form) {
    case ATTRIBUTE_FLAG:
        return bytes_of(&value->flag, sizeof value->flag);
    case ATTRIBUTE_NUMBER:
        return bytes_of(&value->number, sizeof value->number);
    case ATTRIBUTE_BYTES:
        return value->bytes;
    case ATTRIBUTE_ABSENT:
    case ATTRIBUTE_SENSITIVE:
    case ATTRIBUTE_LIST:
        break;
    }
    return bytes_of(NULL, 0);
}

bool attribute_matches(const CK_ATTRIBUTE *wanted, const struct attribute_value *value)
{
    if (value->form == ATTRIBUTE_ABSENT || value->form == ATTRIBUTE_SENSITIVE ||
        value->form == ATTRIBUTE_LIST) {
        return false;
    }
    return bytes_equal(attribute_content(wanted), value_bytes(value));
}

CK_RV attribute_copy_out(CK_ATTRIBUTE *to, const struct attribute_value *value)
{
    struct bytes bytes = value_bytes(value);

    if (value->form == ATTRIBUTE_SENSITIVE || value->form == ATTRIBUTE_ABSENT) { /* cases 1 and 2 */
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return value->form == ATTRIBUTE_SENSITIVE ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (to->pValue != NULL && to->ulValueLen < bytes.size) { /* case 5 */
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (to->pValue != NULL && bytes.size != 0) { /* case 4 */
        memcpy(to->pValue, bytes.data, bytes.size);
    }
    to->ulValueLen = bytes.size; /* case 3, too */
    return CKR_OK;
}

static int gravity(CK_RV rv)
{
    switch (rv) {
    case CKR_OK:
        return 0;
    case CKR_BUFFER_TOO_SMALL:
        return 1;
    case CKR_ATTRIBUTE_TYPE_INVALID:
        return 2;
    case CKR_ATTRIBUTE_SENSITIVE:
        return 3;
    default:
        return 4;
    }
}

CK_RV attribute_graver(CK_RV a, CK_RV b)
{
    return gravity(b) > gravity(a) ? b : a;
}
