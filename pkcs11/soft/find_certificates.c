/*
 * Certificates in a find. One that names a certificate asks for that one at most; one that does not, for the list
 * of names; and what is in a certificate is asked for where the template names it.
 */
#include "backends/base/scope.h"
#include "pkcs11/soft/certificate_attribute.h"
#include "pkcs11/soft/find.h"

static bool could_match(const struct search *search)
{
    for (CK_ULONG i = 0; i < search->count; i++) {
        if (!certificate_attribute_could_match(&search->template[i])) {
            return false;
        }
    }
    return true;
}

static bool asks_content(const struct search *search)
{
    for (CK_ULONG i = 0; i < search->count; i++) {
        if (certificate_attribute_is_content(search->template[i].type)) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct search *search, const struct certificate_view *view, bool with_content)
{
    struct attribute_value value;
    CK_ATTRIBUTE_TYPE type;

    for (CK_ULONG i = 0; i < search->count; i++) {
        type = search->template[i].type;
        if (!with_content && certificate_attribute_is_content(type)) {
            continue;
        }
        value = certificate_attribute(view, type);
        if (!attribute_matches(&search->template[i], &value)) {
            return false;
        }
    }
    return true;
}

static bool matches_content(struct search *search, struct held_certificate *held)
{
    struct certificates *certificates = &search->session->token->certificates;
    struct certificate *content SCOPED(certificate_free_scoped) = NULL;
    struct service_answer answer = {VERDICT_NONE};
    struct certificate_view view;
    CK_RV rv = certificates_content(certificates, held, search->deadline, &content, &answer);

    search_note(search, rv, &answer);
    if (rv != CKR_OK) {
        search->rv = rv;
        return false;
    }
    certificate_view_init(&view, certificates, held, content);
    return matches(search, &view, true);
}

static void add_matching(struct search *search)
{
    struct certificates *certificates = &search->session->token->certificates;
    bool asks = asks_content(search), shown;
    struct held_certificate *held;
    struct certificate_view view;

    for (size_t i = 0; search->rv == CKR_OK; i++) {
        held = certificates_at(certificates, i, &shown);
        if (held == NULL) {
            return;
        }
        certificate_view_init(&view, certificates, held, NULL);
        if (shown && matches(search, &view, false) && (!asks || matches_content(search, held))) {
            search_add(search, held->handle);
        }
    }
}

void find_certificates(struct search *search)
{
    struct certificates *certificates = &search->session->token->certificates;
    struct service_answer answer = {VERDICT_NONE};

    if (certificates->place == CERTIFICATES_NONE || !could_match(search)) {
        return;
    }
    search->rv = certificates_learn(certificates, search_name(search), search->deadline, &answer);
    search_note(search, search->rv, &answer);
    add_matching(search);
}
