/* The REST verbs for keys: listing, asking for one, and what RSA does. */
#include "backends/keyvault/vault_client.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_algorithm.h"
#include "backends/keyvault/vault_request.h"
#include <stdio.h>

enum { LONGEST_VALUE = 512 /* bytes: a block of RSA-4096 */ };

CK_RV vault_client_get(const struct vault_client *client, const struct key_ref *key, struct deadline deadline,
                       struct key_info *ret_info, struct service_answer *ret_answer)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    struct vault_call call SCOPED(vault_call_done);
    struct key_info info;
    struct key_id kid;
    CK_RV rv;

    vault_call_init(&call, client, VAULT_GET, key, deadline, ret_answer);
    rv = vault_request_url(client, KEYS, key, "", &url);
    if (rv != CKR_OK) {
        return rv;
    }
    call.url = buffer_text(&url);
    rv = vault_call_ask(&call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (vault_json_read_key(buffer_bytes(&call.reply.body), &kid, &info) != CKR_OK) {
        return vault_request_no_answer(&call, "the answer is no key of the service's");
    }
    rv = vault_request_check(&call, &kid);
    if (rv != CKR_OK) {
        key_info_done(&info);
        return rv;
    }
    *ret_info = info;
    return CKR_OK;
}

CK_RV vault_client_seal(const struct vault_client *client, enum vault_verb verb, const struct key_ref *key,
                        enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                        struct buffer *ret_blob, struct service_answer *ret_answer)
{
    const struct vault_parameters parameters = {.algorithm = vault_algorithm_of_padding(padding),
                                                .value = plain};
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_VALUE);
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, verb, key, deadline, ret_answer);
    rv = vault_request_operate(&call, &parameters, &blob, NULL);
    if (rv != CKR_OK) {
        return rv;
    }
    if (!vault_request_is_rsa_block(blob.size)) {
        return vault_call_fault(&call, "the ciphertext has a length that no RSA key of the service gives",
                                "");
    }
    buffer_clear(ret_blob);
    return buffer_append(ret_blob, blob.data, blob.size);
}

CK_RV vault_client_open(const struct vault_client *client, enum vault_verb verb, const struct key_ref *key,
                        enum rsa_padding padding, struct bytes blob, struct deadline deadline,
                        struct secret *ret_plain, struct service_answer *ret_answer)
{
    const struct vault_parameters parameters = {.algorithm = vault_algorithm_of_padding(padding),
                                                .value = blob};
    struct buffer plain SCOPED(buffer_free) = BUFFER_INIT(LONGEST_VALUE);
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, verb, key, deadline, ret_answer);
    rv = vault_request_operate(&call, &parameters, &plain, NULL);
    if (rv != CKR_OK) {
        return rv;
    }
    return secret_copy(buffer_bytes(&plain), ret_plain);
}

/* --- Listing --- */

struct listing {
    const struct vault_client *client;
    const char *name; /* whose versions are listed; NULL: keys are */
    key_visitor *visit;
    void *arg;
};

static void leave_out(const struct listing *listing, const struct key_id *kid)
{
    log_warning(listing->client->about, "%s in the listing is left out: %s/%s",
                listing->name == NULL ? "a key of another vault" : "what is no version of the key",
                kid->place.host, kid->name);
}

static bool visit_item(void *arg, const struct key_id *kid, struct key_info *info)
{
    struct listing *listing = arg;

    if (!place_equal(&kid->place, listing->client->vault) ||
        (listing->name != NULL && (!key_name_equal(kid->name, listing->name) || kid->version[0] == 0))) {
        leave_out(listing, kid);
        return true;
    }
    if (listing->name == NULL) {
        info->version[0] = 0; /* a listing names keys */
    }
    return listing->visit(listing->arg, info);
}

static CK_RV read_page(struct bytes body, void *arg, struct buffer *ret_next)
{
    return vault_json_read_page(body, visit_item, arg, ret_next);
}

CK_RV vault_client_each_key(const struct vault_client *client, struct deadline deadline, key_visitor *visit,
                            void *arg, struct service_answer *ret_answer)
{
    struct listing listing = {client, NULL, visit, arg};
    struct vault_call call SCOPED(vault_call_done);

    vault_call_init(&call, client, VAULT_LIST, NULL, deadline, ret_answer);
    return vault_request_pages(&call, "keys", read_page, &listing);
}

CK_RV vault_client_each_version(const struct vault_client *client, const char *name, struct deadline deadline,
                                key_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    const struct key_ref key = {name, NULL};
    struct listing listing = {client, name, visit, arg};
    struct vault_call call SCOPED(vault_call_done);
    char collection[KEY_NAME_SIZE + 16];

    vault_call_init(&call, client, VAULT_LIST_VERSIONS, &key, deadline, ret_answer);
    snprintf(collection, sizeof collection, "keys/%s/versions", name);
    return vault_request_pages(&call, collection, read_page, &listing);
}
