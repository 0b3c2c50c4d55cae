/* Keys that live here are changed (C_SetAttributeValue) and copied (C_CopyObject). PKCS#11 2.40, 5.7. */
#include "backends/base/scope.h"
#include "pkcs11/soft/local_template.h"

/* What a key was is kept until it is destroyed; whoever changes it without end is stopped here. */
enum { MOST_CHANGES = 10 * 1000 };

/* A flag that has the value already is no change. */
static bool may_be_set(const struct local_attribute *row, const struct local_key *key, bool to, bool in_copy)
{
    if (local_key_has(key, row->flag) == to && row->change != CHANGE_NEVER) {
        return true;
    }
    switch (row->change) {
    case CHANGE_FREELY:
        return true;
    case CHANGE_TO_TRUE:
        return to;
    case CHANGE_TO_FALSE:
        return !to;
    case CHANGE_IN_COPY:
        return in_copy;
    case CHANGE_IN_COPY_TO_TRUE:
        return in_copy && to;
    case CHANGE_NEVER:
        break;
    }
    return false;
}

static CK_RV apply(struct local_key *key, const CK_ATTRIBUTE *from, bool in_copy)
{
    const struct local_attribute *row = local_attribute_of(key->class, from->type);
    bool to, may;
    CK_RV rv;

    if (row == NULL) {
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (row->read != NULL) {
        may = row->change == CHANGE_FREELY || (row->change == CHANGE_IN_COPY && in_copy);
        return may ? row->read(key, from) : CKR_ATTRIBUTE_READ_ONLY;
    }
    rv = attribute_read_flag(from, &to);
    if (rv != CKR_OK) {
        return rv;
    }
    return may_be_set(row, key, to, in_copy) ? local_attribute_read(row, key, from) : CKR_ATTRIBUTE_READ_ONLY;
}

static CK_RV apply_all(struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count, bool in_copy)
{
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        rv = apply(key, &list[i], in_copy);
    }
    return rv;
}

static CK_RV copy_text(const struct buffer *from, struct buffer *to)
{
    *to = (struct buffer)BUFFER_INIT(from->limit);
    return buffer_append(to, from->data, from->size);
}

/* Everything but the value, of which it has none. */
static CK_RV copy_rest(const struct local_key *key, struct local_key **ret_key)
{
    struct local_key *copy SCOPED(local_key_free_scoped) = malloc(sizeof *copy);
    const struct buffer *from[] = {&key->label,      &key->id,    &key->subject,
                                   &key->mechanisms, &key->start, &key->end};
    CK_RV rv = CKR_OK;

    if (copy == NULL) {
        return CKR_HOST_MEMORY;
    }
    *copy = *key;
    copy->before = NULL;
    copy->value = NULL;
    copy->wrap_template = copy->unwrap_template = (struct attribute_list){NULL, 0};
    struct buffer *to[] = {&copy->label,      &copy->id,    &copy->subject,
                           &copy->mechanisms, &copy->start, &copy->end};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        CK_RV copied = copy_text(from[i], to[i]);

        rv = rv == CKR_OK ? copied : rv;
    }
    if (rv == CKR_OK) {
        rv = attribute_list_copy(&key->wrap_template, &copy->wrap_template);
    }
    if (rv == CKR_OK) {
        rv = attribute_list_copy(&key->unwrap_template, &copy->unwrap_template);
    }
    if (rv == CKR_OK) {
        *ret_key = take(copy);
    }
    return rv;
}

CK_RV local_key_change(struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count,
                       struct local_key **ret_key)
{
    struct local_key *changed SCOPED(local_key_free_scoped) = NULL;
    CK_RV rv = attribute_check_template(list, count);

    if (rv == CKR_OK && !local_key_has(key, LOCAL_MODIFIABLE)) {
        rv = CKR_ACTION_PROHIBITED;
    }
    if (rv == CKR_OK && key->changes >= MOST_CHANGES) {
        rv = CKR_DEVICE_MEMORY;
    }
    if (rv == CKR_OK) {
        rv = copy_rest(key, &changed);
    }
    if (rv == CKR_OK) {
        rv = apply_all(changed, list, count, false);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    changed->value = key->value;
    changed->before = key;
    changed->changes = key->changes + 1;
    *ret_key = take(changed);
    return CKR_OK;
}

CK_RV local_key_copy(const struct local_key *key, const CK_ATTRIBUTE *list, CK_ULONG count,
                     struct local_key **ret_key)
{
    struct local_key *copy SCOPED(local_key_free_scoped) = NULL;
    CK_RV rv = attribute_check_template(list, count);

    if (rv == CKR_OK && !local_key_has(key, LOCAL_COPYABLE)) {
        rv = CKR_ACTION_PROHIBITED;
    }
    if (rv == CKR_OK) {
        rv = copy_rest(key, &copy);
    }
    if (rv == CKR_OK) {
        rv = apply_all(copy, list, count, true);
    }
    if (rv == CKR_OK) {
        copy->changes = 0;
        copy->value = key_value_hold(key->value);
        *ret_key = take(copy);
    }
    return rv;
}

CK_RV local_key_unwrap_template(const struct local_key *kek, const CK_ATTRIBUTE *list, CK_ULONG count,
                                CK_ATTRIBUTE **ret_items, CK_ULONG *ret_count)
{
    CK_RV rv = attribute_check_template(list, count);

    return rv == CKR_OK ? attribute_list_merge(&kek->unwrap_template, list, count, ret_items, ret_count) : rv;
}

bool local_key_may_wrap(const struct local_key *kek, const struct local_key *target)
{
    struct attribute_value value;

    for (CK_ULONG i = 0; i < kek->wrap_template.count; i++) {
        value = local_key_attribute(target, kek->wrap_template.items[i].type);
        if (!attribute_matches(&kek->wrap_template.items[i], &value)) {
            return false;
        }
    }
    return true;
}
