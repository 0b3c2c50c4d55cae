/*
 * Templates that are attributes themselves (CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE): an owned list of attributes,
 * none of which is a template again.
 */
#ifndef BYOK_PKCS11_SOFT_ATTRIBUTE_LIST_H
#define BYOK_PKCS11_SOFT_ATTRIBUTE_LIST_H

#include "pkcs11/soft/attribute.h"

struct attribute_list {
    CK_ATTRIBUTE *items; /* the values are owned, too */
    CK_ULONG count;
};

/*
 * Copies the list that an attribute's value is. `ret_list` must hold nothing. CKR_ATTRIBUTE_VALUE_INVALID where
 * it is no list of attributes, or one that names an attribute twice.
 */
MUST_USE CK_RV attribute_list_read(const CK_ATTRIBUTE *from, struct attribute_list *ret_list);
MUST_USE CK_RV attribute_list_copy(const struct attribute_list *from, struct attribute_list *ret_list);
/* Wiped and freed. */
void attribute_list_free(struct attribute_list *list);

/* C_GetAttributeValue for such an attribute: the room for the list, then each of its own (2.40, 5.7). */
MUST_USE CK_RV attribute_list_copy_out(const struct attribute_list *list, CK_ATTRIBUTE *to);

/*
 * `list` and what of `with` it lacks. The items alone are owned by the result, to be freed with free(); values
 * are lent by both. CKR_TEMPLATE_INCONSISTENT where they differ on an attribute.
 */
MUST_USE CK_RV attribute_list_merge(const struct attribute_list *with, const CK_ATTRIBUTE *list,
                                    CK_ULONG count, CK_ATTRIBUTE **ret_items, CK_ULONG *ret_count);

#endif
