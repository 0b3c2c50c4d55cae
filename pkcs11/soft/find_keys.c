/*
 * Keys of the service in a find. What it costs is decided by its template: nothing where it names a known key or
 * excludes all keys of the service, a listing where it does neither, and the public parts of those keys that match
 * on all else where it asks for what only these tell.
 */
#include "backends/base/scope.h"
#include "pkcs11/soft/find.h"
#include "pkcs11/soft/key_attribute.h"
#include <string.h>

/* A find that names an unknown key lists again after this time at the latest: it may be new. In ms. */
enum { MISS_AGE = 10 * 1000 };

static struct key_access *access_of(const struct search *search)
{
    return &search->session->token->catalogue.access;
}

static bool could_match(const struct search *search, CK_OBJECT_CLASS class)
{
    for (CK_ULONG i = 0; i < search->count; i++) {
        if (!key_attribute_could_match(class, &search->template[i])) {
            return false;
        }
    }
    return true;
}

static bool matches_key(const struct search *search, const struct key_view *view, bool with_part)
{
    struct attribute_value value;
    CK_ATTRIBUTE_TYPE type;

    for (CK_ULONG i = 0; i < search->count; i++) {
        type = search->template[i].type;
        if (!with_part && (key_attribute_is_public_part(type) || key_attribute_is_assumed(type))) {
            continue;
        }
        value = key_attribute(view, type);
        /* A version that stands beside its key, and a pinned one, are also found as name/version. */
        if ((type == CKA_LABEL || type == CKA_ID) &&
            catalogue_find(&search->session->token->catalogue, attribute_content(&search->template[i])) ==
                view->key) {
            continue;
        }
        if (!attribute_matches(&search->template[i], &value)) {
            return false;
        }
    }
    return true;
}

static CK_RV get_part(const struct search *search, struct service_key *key, struct public_part **ret_part)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = service_key_public(key, access_of(search), search->deadline, ret_part, &answer);

    search_note(search, rv, &answer);
    return answer.verdict == VERDICT_GONE ? CKR_KEY_HANDLE_INVALID : rv;
}

/* A key is a pair until it is known to be symmetric. */
static bool is_of_class(struct service_key *key, CK_OBJECT_CLASS class)
{
    return (service_key_type(key) == KEY_TYPE_OCT) == (class == CKO_SECRET_KEY);
}

/* Whether the type, if it is not known, has to be asked for: a find that wants secret keys alone. */
static bool asks_type(const struct search *search, struct service_key *key)
{
    return service_key_type(key) == KEY_TYPE_UNKNOWN && !search->wants_public && !search->wants_private;
}

/* CKR_KEY_HANDLE_INVALID: the service has it no longer, which is no failure of a find. */
static CK_RV add_if(struct search *search, struct service_key *key, CK_OBJECT_CLASS class,
                    CK_OBJECT_HANDLE handle)
{
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(key);
    struct key_view view;
    CK_RV rv = CKR_OK;

    key_view_init(&view, class, key, access_of(search), part);
    if ((!is_of_class(key, class) && !asks_type(search, key)) || !matches_key(search, &view, false)) {
        return CKR_OK;
    }
    if (search->asks_part || asks_type(search, key)) {
        public_part_free(take(part));
        rv = get_part(search, key, &part);
        if (rv != CKR_OK) {
            return rv == CKR_KEY_HANDLE_INVALID ? CKR_OK : rv;
        }
        key_view_init(&view, class, key, access_of(search), part);
    }
    if (!is_of_class(key, class) || (search->asks_part && !matches_key(search, &view, true))) {
        return CKR_OK;
    }
    return found_add(&search->session->found, handle);
}

static void add_key(struct search *search, struct service_key *key, bool with_private)
{
    if (search->rv == CKR_OK && search->wants_public) {
        search->rv = add_if(search, key, CKO_PUBLIC_KEY, key->public_handle);
    }
    if (search->rv == CKR_OK && search->wants_private && with_private) {
        search->rv = add_if(search, key, CKO_PRIVATE_KEY, key->private_handle);
    }
    if (search->rv == CKR_OK && search->wants_secret && key->secret_handle != 0) {
        search->rv = add_if(search, key, CKO_SECRET_KEY, key->secret_handle);
    }
}

static CK_RV list(const struct search *search, int64_t age)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = catalogue_list(&search->session->token->catalogue, age, search->deadline, &answer);

    search_note(search, rv, &answer);
    return rv;
}

static CK_RV find_version(const struct search *search, struct bytes name, struct service_key **ret_key)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv;

    rv = catalogue_find_version(&search->session->token->catalogue, name, search->deadline, ret_key, &answer);
    search_note(search, rv, &answer);
    return rv;
}

static void search_named(struct search *search)
{
    struct catalogue *catalogue = &search->session->token->catalogue;
    int64_t age = access_of(search)->refresh < MISS_AGE ? access_of(search)->refresh : MISS_AGE;
    struct bytes name = search_name(search);
    struct service_key *key = catalogue_find(catalogue, name);

    if (name.size == 0) {
        return; /* no key of a service has an empty name */
    }
    if (key == NULL && memchr(name.data, '/', name.size) != NULL) {
        search->rv = find_version(search, name, &key);
    } else if (key == NULL) {
        search->rv = list(search, age);
        key = catalogue_find(catalogue, name);
    }
    if (search->rv == CKR_OK && key != NULL) {
        add_key(search, key, true);
    }
}

/*
 * A private key whose public part is not to be had stays out of a find that does not name it: clients crash
 * on one without a modulus. Whether the service gives public parts at all is tried with one key.
 */
static bool shows_private(struct search *search, struct service_key *key)
{
    struct key_access *access = access_of(search);
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(key);
    int64_t refused = atomic_load(&access->get_refused);
    bool lately = refused != 0 && clock_now() - refused < access->refresh;
    CK_RV rv;

    if (part != NULL || !search->wants_private || !service_key_tells(key, access) ||
        service_key_type(key) == KEY_TYPE_OCT) {
        return part != NULL;
    }
    if (atomic_load(&access->get_works) && !lately) {
        return true;
    }
    if (lately && access->public_keys == NULL) {
        return false;
    }
    rv = get_part(search, key, &part);
    if (rv != CKR_OK && rv != CKR_KEY_HANDLE_INVALID) {
        search->rv = rv;
    }
    return part != NULL;
}

static void search_all(struct search *search)
{
    struct service_key *key;
    bool shown, with_private;

    search->rv = list(search, access_of(search)->refresh);
    for (size_t i = 0; search->rv == CKR_OK; i++) {
        key = catalogue_at(&search->session->token->catalogue, i, &shown);
        if (key == NULL) {
            return;
        }
        if (shown) {
            with_private = shows_private(search, key);
            add_key(search, key, with_private);
        }
    }
}

static void plan(struct search *search)
{
    CK_ATTRIBUTE_TYPE type;

    search->wants_public = could_match(search, CKO_PUBLIC_KEY);
    search->wants_private = could_match(search, CKO_PRIVATE_KEY);
    search->wants_secret =
        access_of(search)->service->ops->aes != NULL && could_match(search, CKO_SECRET_KEY);
    for (CK_ULONG i = 0; i < search->count; i++) {
        type = search->template[i].type;
        search->asks_part |= key_attribute_is_public_part(type) || key_attribute_is_assumed(type);
    }
}

void find_keys(struct search *search)
{
    plan(search);
    if (search->rv == CKR_OK && (search->wants_public || search->wants_private || search->wants_secret)) {
        search->named ? search_named(search) : search_all(search);
    }
}
