/* C_FindObjects: all is found when it begins; certificates come first, and the order is stable. */
#include "pkcs11/soft/find.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/profile.h"
#include <string.h>

struct bytes search_name(const struct search *search)
{
    const CK_ATTRIBUTE *label = attribute_in(search->template, search->count, CKA_LABEL);
    const CK_ATTRIBUTE *id = attribute_in(search->template, search->count, CKA_ID);
    const CK_ATTRIBUTE *unique = attribute_in(search->template, search->count, CKA_UNIQUE_ID);

    if (label != NULL || id != NULL) {
        return attribute_content(label != NULL ? label : id);
    }
    return unique != NULL
               ? key_name_of_unique_id(&search->session->token->catalogue.access, attribute_content(unique))
               : bytes_of(NULL, 0);
}

/* It is told to those who ask for it, as hardware features are (2.40, 4.3): others would not know what it is. */
static bool matches_profile(const struct search *search)
{
    struct attribute_value value;

    if (attribute_in(search->template, search->count, CKA_CLASS) == NULL &&
        attribute_in(search->template, search->count, CKA_PROFILE_ID) == NULL) {
        return false;
    }
    for (CK_ULONG i = 0; i < search->count; i++) {
        value = profile_attribute(search->template[i].type);
        if (!attribute_matches(&search->template[i], &value)) {
            return false;
        }
    }
    return true;
}

static void find_profile(struct search *search)
{
    if (matches_profile(search)) {
        search_add(search, search->session->token->store.profile);
    }
}

static void match_local(const struct object *object, void *arg)
{
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct search *search = arg;
    struct attribute_value value;
    bool open = value_look_in(object->local->value, &entered);

    for (CK_ULONG i = 0; i < search->count; i++) {
        if (!open && search->template[i].type == CKA_VALUE) {
            return;
        }
        value = local_key_attribute(object->local, search->template[i].type);
        if (!attribute_matches(&search->template[i], &value)) {
            return;
        }
    }
    search_add(search, object->handle);
}

static CK_RV search_run(struct search *search)
{
    for (CK_ULONG i = 0; i < search->count; i++) {
        CK_ATTRIBUTE_TYPE type = search->template[i].type;

        search->named |= type == CKA_LABEL || type == CKA_ID || type == CKA_UNIQUE_ID;
    }
    find_certificates(search);
    find_keys(search);
    object_store_each_local(&search->session->token->store, match_local, search);
    find_profile(search);
    return search->rv;
}

static CK_RV find_init_locked(struct soft_session *session, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct search search = {.session = session, .template = template, .count = count};
    CK_ULONG logouts = atomic_load(&session->token->logouts);
    CK_RV rv;

    if (session->found.active && session->found.began == logouts) {
        return CKR_OPERATION_ACTIVE;
    }
    found_end(&session->found);
    search.deadline = soft_deadline(session->token);
    rv = search_run(&search);
    if (rv != CKR_OK) {
        found_end(&session->found);
        return rv;
    }
    session->found.active = true;
    session->found.began = logouts;
    return CKR_OK;
}

CK_RV soft_find_objects_init(struct token_session *base, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv = attribute_check_list(template, count);

    if (rv != CKR_OK) {
        return rv;
    }
    soft_session_lock(session);
    rv = find_init_locked(session, template, count);
    soft_session_unlock(session);
    return rv;
}

static bool is_finding_locked(struct soft_session *session)
{
    if (session->found.active && session->found.began != atomic_load(&session->token->logouts)) {
        found_end(&session->found);
    }
    return session->found.active;
}

CK_RV soft_find_objects(struct token_session *base, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most,
                        CK_ULONG *ret_count)
{
    struct soft_session *session = soft_session_of(base);
    struct found *found = &session->found;
    CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;
    size_t left;

    if (ret_count == NULL || (ret_objects == NULL && most != 0)) {
        return CKR_ARGUMENTS_BAD;
    }
    soft_session_lock(session);
    if (is_finding_locked(session)) {
        left = found->count - found->next;
        *ret_count = left < most ? left : most;
        if (*ret_count != 0) {
            memcpy(ret_objects, found->handles + found->next, *ret_count * sizeof *ret_objects);
        }
        found->next += *ret_count;
        rv = CKR_OK;
    }
    soft_session_unlock(session);
    return rv;
}

CK_RV soft_find_objects_final(struct token_session *base)
{
    struct soft_session *session = soft_session_of(base);
    CK_RV rv;

    soft_session_lock(session);
    rv = is_finding_locked(session) ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    found_end(&session->found);
    soft_session_unlock(session);
    return rv;
}
