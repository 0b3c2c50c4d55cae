/* Templates that are attributes themselves. */
#include "pkcs11/soft/attribute_list.h"
#include "backends/base/scope.h"
#include <string.h>

enum { MOST_ITEMS = 64, LONGEST_ITEM = 64 * 1024 };

static void list_scoped(struct attribute_list *list)
{
    attribute_list_free(list);
}

void attribute_list_free(struct attribute_list *list)
{
    for (CK_ULONG i = 0; i < list->count; i++) {
        wipe(list->items[i].pValue, list->items[i].ulValueLen);
        free(list->items[i].pValue);
    }
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

static CK_RV add(struct attribute_list *list, const CK_ATTRIBUTE *from)
{
    CK_ATTRIBUTE *to = &list->items[list->count];

    to->type = from->type;
    to->ulValueLen = from->ulValueLen;
    to->pValue = malloc(from->ulValueLen == 0 ? 1 : from->ulValueLen);
    if (to->pValue == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (from->ulValueLen != 0) {
        memcpy(to->pValue, from->pValue, from->ulValueLen);
    }
    list->count++;
    return CKR_OK;
}

static CK_RV check_item(const struct attribute_list *before, const CK_ATTRIBUTE *item)
{
    bool fits = (item->type & CKF_ARRAY_ATTRIBUTE) == 0 && item->ulValueLen <= LONGEST_ITEM &&
                (item->pValue != NULL || item->ulValueLen == 0) &&
                attribute_in(before->items, before->count, item->type) == NULL;

    return fits ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* The value need not be aligned. */
static CK_RV read_items(const unsigned char *from, CK_ULONG count, struct attribute_list *ret_list)
{
    struct attribute_list list SCOPED(list_scoped) = {calloc(count, sizeof *list.items), 0};
    CK_ATTRIBUTE item;
    CK_RV rv = list.items == NULL ? CKR_HOST_MEMORY : CKR_OK;

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        memcpy(&item, from + i * sizeof item, sizeof item);
        rv = check_item(&list, &item);
        if (rv == CKR_OK) {
            rv = add(&list, &item);
        }
    }
    if (rv == CKR_OK) {
        *ret_list = list;
        list = (struct attribute_list){NULL, 0};
    }
    return rv;
}

CK_RV attribute_list_read(const CK_ATTRIBUTE *from, struct attribute_list *ret_list)
{
    CK_ULONG count = from->ulValueLen / sizeof(CK_ATTRIBUTE);

    if (from->ulValueLen % sizeof(CK_ATTRIBUTE) != 0 || count > MOST_ITEMS) {
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return count == 0 ? CKR_OK : read_items(from->pValue, count, ret_list);
}

CK_RV attribute_list_copy(const struct attribute_list *from, struct attribute_list *ret_list)
{
    return from->count == 0 ? CKR_OK : read_items((const unsigned char *)from->items, from->count, ret_list);
}

CK_RV attribute_list_copy_out(const struct attribute_list *list, CK_ATTRIBUTE *to)
{
    CK_ULONG size = list->count * sizeof(CK_ATTRIBUTE);
    struct attribute_value value;
    CK_ATTRIBUTE item;
    CK_RV rv = CKR_OK;

    if (to->pValue != NULL && to->ulValueLen < size) {
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    to->ulValueLen = size;
    for (CK_ULONG i = 0; to->pValue != NULL && i < list->count; i++) {
        unsigned char *at = (unsigned char *)to->pValue + i * sizeof item;

        memcpy(&item, at, sizeof item);
        item.type = list->items[i].type;
        value = attribute_bytes(attribute_content(&list->items[i]));
        rv = attribute_graver(rv, attribute_copy_out(&item, &value));
        memcpy(at, &item, sizeof item);
    }
    return rv;
}

CK_RV attribute_list_merge(const struct attribute_list *with, const CK_ATTRIBUTE *list, CK_ULONG count,
                           CK_ATTRIBUTE **ret_items, CK_ULONG *ret_count)
{
    CK_ATTRIBUTE *items SCOPED(scope_free) = calloc(count + with->count + 1, sizeof *items);
    const CK_ATTRIBUTE *mine;

    if (items == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (count != 0) {
        memcpy(items, list, count * sizeof *items);
    }
    for (CK_ULONG i = 0; i < with->count; i++) {
        mine = attribute_in(items, count, with->items[i].type);
        if (mine != NULL && !bytes_equal(attribute_content(mine), attribute_content(&with->items[i]))) {
            return CKR_TEMPLATE_INCONSISTENT;
        }
        if (mine == NULL) {
            items[count++] = with->items[i];
        }
    }
    *ret_count = count;
    *ret_items = take(items);
    return CKR_OK;
}
