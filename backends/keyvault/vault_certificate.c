/* The vault's certificates. */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_client.h"
#include "backends/keyvault/vault_request.h"

enum { LONGEST_DER = 16 * 1024 };

/* --- Listing --- */

struct listing {
    const struct vault_client *client;
    certificate_name_visitor *visit;
    void *arg;
};

static bool visit_item(void *arg, const struct key_id *id)
{
    const struct listing *listing = arg;

    if (!place_equal(&id->place, listing->client->vault)) {
        log_warning(listing->client->about, "a certificate of another vault in the listing is left out: %s",
                    id->place.host);
        return true;
    }
    return listing->visit(listing->arg, id->name);
}

static CK_RV read_page(struct bytes body, void *arg, struct buffer *ret_next)
{
    return vault_json_read_certificates(body, visit_item, arg, ret_next);
}

CK_RV vault_client_each_certificate(const struct vault_client *client, struct deadline deadline,
                                    certificate_name_visitor *visit, void *arg,
                                    struct service_answer *ret_answer)
{
    struct listing listing = {client, visit, arg};
    struct vault_call call SCOPED(vault_call_done);

    vault_call_init(&call, client, VAULT_LIST_CERTIFICATES, NULL, deadline, ret_answer);
    return vault_request_pages(&call, "certificates", read_page, &listing);
}

/* --- One of them --- */

struct found {
    struct certificate_info info;
    struct buffer der;
};

static void found_done(struct found *found)
{
    buffer_free(&found->der);
}

/* Whose key it is says nothing when it is another vault's. */
static CK_RV read_certificate(struct vault_call *call, struct found *found)
{
    struct key_id id, kid;
    CK_RV rv;

    if (vault_json_read_certificate(buffer_bytes(&call->reply.body), &id, &kid, &found->der) != CKR_OK) {
        return vault_request_no_answer(call, "the answer is no certificate of the service's");
    }
    rv = vault_request_check(call, &id);
    if (rv != CKR_OK) {
        return rv;
    }
    text_copy(bytes_of_text(id.name), found->info.name, sizeof found->info.name);
    if (place_equal(&kid.place, &id.place)) {
        text_copy(bytes_of_text(kid.name), found->info.key_name, sizeof found->info.key_name);
    }
    found->info.der = buffer_bytes(&found->der);
    return CKR_OK;
}

CK_RV vault_client_certificate(const struct vault_client *client, const char *name, struct deadline deadline,
                               certificate_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    const struct key_ref certificate = {name, NULL};
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    struct found found SCOPED(found_done) = {.der = BUFFER_INIT(LONGEST_DER)};
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, VAULT_GET_CERTIFICATE, &certificate, deadline, ret_answer);
    rv = vault_request_url(client, CERTIFICATES, &certificate, "", &url);
    if (rv != CKR_OK) {
        return rv;
    }
    call.url = buffer_text(&url);
    rv = vault_call_ask(&call);
    if (rv == CKR_OK) {
        rv = read_certificate(&call, &found);
    }
    return rv == CKR_OK ? visit(arg, &found.info) : rv;
}
