/* Objects: create, destroy, size, attributes (PKCS#11 2.40, section 5.7). */
#include "backends/base/scope.h"
#include "pkcs11/soft/certificate_attribute.h"
#include "pkcs11/soft/key_attribute.h"
#include "pkcs11/soft/profile.h"
#include "pkcs11/soft/service_key_version.h"
#include "pkcs11/soft/soft.h"

CK_RV soft_create_object(struct token_session *base, CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *ret_object)
{
    struct soft_session *session = soft_session_of(base);
    struct local_key *key;
    CK_RV rv;

    if (ret_object == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    rv = local_key_new(LOCAL_CREATED, CK_UNAVAILABLE_INFORMATION, template, count, &key);
    return rv == CKR_OK ? object_store_add_local(&session->token->store, &session->objects, key, ret_object)
                        : rv;
}

CK_RV soft_destroy_object(struct token_session *base, CK_OBJECT_HANDLE handle)
{
    struct soft_token *token = soft_session_of(base)->token;
    struct object *object SCOPED(object_leave_scoped) = object_enter(&token->store, handle);

    if (object == NULL) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (object->local == NULL || (object->local->flags & LOCAL_DESTROYABLE) == 0) {
        return CKR_ACTION_PROHIBITED;
    }
    return object_store_destroy(&token->store, handle);
}

static CK_ULONG size_of(const struct object *object)
{
    if (object->local != NULL) {
        return sizeof *object->local + key_value_size(object->local->value);
    }
    return object->key != NULL ? sizeof *object->key : CK_UNAVAILABLE_INFORMATION;
}

CK_RV soft_get_object_size(struct token_session *base, CK_OBJECT_HANDLE handle, CK_ULONG *ret_size)
{
    struct soft_token *token = soft_session_of(base)->token;
    struct object *object SCOPED(object_leave_scoped) = object_enter(&token->store, handle);

    if (ret_size == NULL) {
        return CKR_ARGUMENTS_BAD;
    }
    if (object == NULL) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    *ret_size = size_of(object);
    return CKR_OK;
}

static bool asks_secret(const struct local_key *key, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (local_key_is_secret(key, template[i].type)) {
            return true;
        }
    }
    return false;
}

/* Of a key that is closed what is not secret is filled in all the same. */
static CK_RV copy_local(struct soft_session *session, const struct object *object, CK_ATTRIBUTE *template,
                        CK_ULONG count)
{
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    const struct local_key *key = object->local;
    CK_RV rv = CKR_OK, closed = CKR_OK;

    if (asks_secret(key, template, count)) {
        closed = soft_value_enter(session, object, &entered);
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (closed != CKR_OK && local_key_is_secret(key, template[i].type)) {
            template[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
        } else {
            rv = attribute_graver(rv, local_key_copy_out(key, &template[i]));
        }
    }
    return closed != CKR_OK ? closed : rv;
}

static bool asks_public_part(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (key_attribute_is_public_part(template[i].type)) {
            return true;
        }
    }
    return false;
}

static bool asks_version(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (template[i].type == CKA_BYOK_KEY_VERSION) {
            return true;
        }
    }
    return false;
}

/* RSA is assumed only where the service does not tell: clients go by the type to what they ask next. */
static bool asks_type(struct service_key *key, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (template[i].type == CKA_KEY_TYPE) {
            return service_key_type(key) == KEY_TYPE_UNKNOWN;
        }
    }
    return false;
}

/* Where the service could not be asked, what needs no answer is filled in all the same. */
static CK_RV copy_key(struct soft_session *session, const struct object *object, CK_ATTRIBUTE *template,
                      CK_ULONG count)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    struct key_access *access = &session->token->catalogue.access;
    struct service_answer answer = {VERDICT_NONE};
    struct attribute_value value;
    struct key_view view;
    CK_RV rv = CKR_OK;

    if (asks_version(template, count)) {
        service_key_learn_version(object->key, access, soft_deadline(session->token));
    }
    if (asks_public_part(template, count)) {
        rv = service_key_public(object->key, access, soft_deadline(session->token), &part, &answer);
        soft_session_note(session, rv, &answer);
    } else if (!asks_type(object->key, template, count) ||
               service_key_public(object->key, access, soft_deadline(session->token), &part, NULL) !=
                   CKR_OK) {
        part = service_key_known(object->key);
    }
    key_view_init(&view, object->class, object->key, access, part);
    for (CK_ULONG i = 0; i < count; i++) {
        value = key_attribute(&view, template[i].type);
        rv = attribute_graver(rv, attribute_copy_out(&template[i], &value));
    }
    return rv;
}

static bool asks_content(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (certificate_attribute_is_content(template[i].type)) {
            return true;
        }
    }
    return false;
}

static CK_RV copy_certificate(struct soft_session *session, struct held_certificate *held,
                              CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct certificate *content SCOPED(certificate_free_scoped) = NULL;
    struct certificates *certificates = &session->token->certificates;
    struct service_answer answer = {VERDICT_NONE};
    struct certificate_view view;
    struct attribute_value value;
    CK_RV rv = CKR_OK;

    if (asks_content(template, count)) {
        rv = certificates_content(certificates, held, soft_deadline(session->token), &content, &answer);
        soft_session_note(session, rv, &answer);
    }
    certificate_view_init(&view, certificates, held, content);
    for (CK_ULONG i = 0; i < count; i++) {
        value = certificate_attribute(&view, template[i].type);
        rv = attribute_graver(rv, attribute_copy_out(&template[i], &value));
    }
    return rv;
}

static CK_RV copy_profile(CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct attribute_value value;
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++) {
        value = profile_attribute(template[i].type);
        rv = attribute_graver(rv, attribute_copy_out(&template[i], &value));
    }
    return rv;
}

static CK_RV copy_any(struct soft_session *session, const struct object *object, CK_ATTRIBUTE *template,
                      CK_ULONG count)
{
    if (object->local != NULL) {
        return copy_local(session, object, template, count);
    }
    if (object->certificate != NULL) {
        return copy_certificate(session, object->certificate, template, count);
    }
    return object->key != NULL ? copy_key(session, object, template, count) : copy_profile(template, count);
}

CK_RV soft_get_attribute_value(struct token_session *base, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
                               CK_ULONG count)
{
    struct soft_session *session = soft_session_of(base);
    struct object *object SCOPED(object_leave_scoped) = object_enter(&session->token->store, handle);

    if (attribute_check_count(template, count) != CKR_OK) {
        return CKR_ARGUMENTS_BAD;
    }
    if (object == NULL) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    return copy_any(session, object, template, count);
}

/* Under a strict policy what a key may do depends on its value. */
static CK_RV enter_for_policy(struct soft_session *session, const struct object *object,
                              struct key_value **ret_entered)
{
    return session->token->policy.strict ? soft_value_enter(session, object, ret_entered) : CKR_OK;
}

/* What is the service's stays as it is, as CKA_MODIFIABLE and CKA_COPYABLE say. */
CK_RV soft_set_attribute_value(struct token_session *base, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
                               CK_ULONG count)
{
    struct soft_session *session = soft_session_of(base);
    struct object *object SCOPED(object_leave_scoped) = NULL;
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    CK_RV rv = attribute_check_list(template, count);

    if (rv != CKR_OK) {
        return rv;
    }
    object = object_enter(&session->token->store, handle);
    if (object == NULL) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (object->local == NULL) {
        return CKR_ACTION_PROHIBITED;
    }
    rv = enter_for_policy(session, object, &entered);
    return rv == CKR_OK ? object_change(object, template, count) : rv;
}

CK_RV soft_copy_object(struct token_session *base, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
                       CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    struct soft_session *session = soft_session_of(base);
    struct object *object SCOPED(object_leave_scoped) = NULL;
    struct key_value *entered SCOPED(value_leave_scoped) = NULL;
    struct local_key *copy;
    CK_RV rv = ret_object == NULL ? CKR_ARGUMENTS_BAD : attribute_check_list(template, count);

    if (rv != CKR_OK) {
        return rv;
    }
    object = object_enter(&session->token->store, handle);
    if (object == NULL) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    if (object->local == NULL) {
        return CKR_ACTION_PROHIBITED;
    }
    rv = enter_for_policy(session, object, &entered);
    if (rv == CKR_OK) {
        rv = local_key_copy(object->local, template, count, &copy);
    }
    return rv == CKR_OK ? object_store_add_local(&session->token->store, &session->objects, copy, ret_object)
                        : rv;
}
