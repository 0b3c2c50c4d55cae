/* REST verbs. */
#include "backends/keyvault/vault_client.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_call.h"
#include <stdio.h>
#include <string.h>

enum {
    URL_LIMIT = 1024,
    NEXT_LINK_LIMIT = 8 * 1024,
    BODY_LIMIT = 16 * 1024,
    LONGEST_VALUE = 512, /* bytes: a block of RSA-4096 */
    MOST_PAGES = 10000
};

/* The answer must be about the key that was asked for, in the vault that was asked. */
static CK_RV check_kid(struct vault_call *call, const struct key_id *kid)
{
    const struct key_ref *key = call->operation.key;

    if (!place_equal(&kid->place, call->operation.client->vault) || !key_name_equal(kid->name, key->name) ||
        (key->version != NULL && strcmp(kid->version, key->version) != 0)) {
        return vault_call_fault(
            call, "the answer is about another key than was asked for; nothing of it was used", "");
    }
    text_copy(bytes_of_text(kid->version), call->answer->version, sizeof call->answer->version);
    return CKR_OK;
}

/* Without printf, which would take longer than all else that is done to a request here. */
static CK_RV write_key_url(const struct vault_client *client, const struct key_ref *key, const char *verb,
                           struct buffer *url)
{
    const char *const parts[] = {client->url,
                                 "/keys/",
                                 key->name,
                                 key->version == NULL ? "" : "/",
                                 key->version == NULL ? "" : key->version,
                                 verb,
                                 "?api-version=",
                                 client->api_version};
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK && i < sizeof parts / sizeof parts[0]; i++) {
        rv = buffer_append_text(url, parts[i]);
    }
    return rv;
}

CK_RV vault_client_get(const struct vault_client *client, const struct key_ref *key, struct deadline deadline,
                       struct key_info *ret_info, struct service_answer *ret_answer)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(URL_LIMIT);
    struct vault_call call SCOPED(vault_call_done);
    struct key_info info;
    struct key_id kid;
    CK_RV rv;

    vault_call_init(&call, client, VAULT_GET, key, deadline, ret_answer);
    rv = write_key_url(client, key, "", &url);
    if (rv != CKR_OK) {
        return rv;
    }
    call.url = buffer_text(&url);
    rv = vault_call_ask(&call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (vault_json_read_key(buffer_bytes(&call.reply.body), &kid, &info) != CKR_OK) {
        return vault_call_fault(&call, "the answer is no key of the service's",
                                "check what stands on the way");
    }
    rv = check_kid(&call, &kid);
    if (rv != CKR_OK) {
        key_info_done(&info);
        return rv;
    }
    *ret_info = info;
    return CKR_OK;
}

static const char *path_of(enum vault_verb verb)
{
    switch (verb) {
    case VAULT_WRAP:
        return "/wrapkey";
    case VAULT_UNWRAP:
        return "/unwrapkey";
    case VAULT_ENCRYPT:
        return "/encrypt";
    default:
        return "/decrypt";
    }
}

/* wrapkey, unwrapkey, encrypt and decrypt differ in nothing but their names. */
static CK_RV operate(struct vault_call *call, enum rsa_padding padding, struct bytes value,
                     struct buffer *ret_value)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(URL_LIMIT);
    struct buffer body SCOPED(buffer_free) = BUFFER_INIT(BODY_LIMIT);
    const struct vault_client *client = call->operation.client;
    struct key_id kid;
    CK_RV rv = write_key_url(client, call->operation.key, path_of(call->operation.verb), &url);

    if (rv == CKR_OK) {
        rv = vault_json_write_operation(padding, value, &body);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    call->url = buffer_text(&url);
    call->body = buffer_bytes(&body);
    rv = vault_call_ask(call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (vault_json_read_operation(buffer_bytes(&call->reply.body), &kid, ret_value) != CKR_OK) {
        return vault_call_fault(call, "the answer is not what the service answers",
                                "check what stands on the way");
    }
    return check_kid(call, &kid);
}

static bool is_rsa_block(size_t size)
{
    return size == 256 || size == 384 || size == 512;
}

CK_RV vault_client_seal(const struct vault_client *client, enum vault_verb verb, const struct key_ref *key,
                        enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                        struct buffer *ret_blob, struct service_answer *ret_answer)
{
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_VALUE);
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, verb, key, deadline, ret_answer);
    rv = operate(&call, padding, plain, &blob);
    if (rv != CKR_OK) {
        return rv;
    }
    if (!is_rsa_block(blob.size)) {
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
    struct buffer plain SCOPED(buffer_free) = BUFFER_INIT(LONGEST_VALUE);
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, verb, key, deadline, ret_answer);
    rv = operate(&call, padding, blob, &plain);
    if (rv != CKR_OK) {
        return rv;
    }
    return secret_copy(buffer_bytes(&plain), ret_plain);
}

/* --- Listing --- */

struct listing {
    const struct vault_client *client;
    key_visitor *visit;
    void *arg;
    bool more; /* false once the visitor has had enough */
};

static bool visit_item(void *arg, const struct key_id *kid, struct key_info *info)
{
    struct listing *listing = arg;

    if (!place_equal(&kid->place, listing->client->vault)) {
        log_warning(listing->client->about, "a key of another vault in the listing is left out: %s",
                    kid->place.host);
        return true;
    }
    info->version[0] = 0; /* a listing names keys */
    listing->more = listing->visit(listing->arg, info);
    return listing->more;
}

/* The token goes nowhere but to our vault; ":443" and none are the same. */
static bool may_follow(const struct vault_client *client, const struct buffer *next)
{
    const char *text = buffer_text(next), *rest;
    struct place place;

    for (const char *at = text; *at != 0; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return place_parse(text, &place, &rest) && *rest == '/' && place_equal(&place, client->vault);
}

/* One page; `url` becomes the next one's, empty after the last. */
static CK_RV list_page(struct vault_call *call, struct listing *listing, struct buffer *url)
{
    CK_RV rv;

    call->url = buffer_text(url);
    rv = vault_call_ask(call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (vault_json_read_page(buffer_bytes(&call->reply.body), visit_item, listing, url) != CKR_OK) {
        return vault_call_fault(call, "the answer is no list of keys", "check what stands on the way");
    }
    if (url->size != 0 && !may_follow(listing->client, url)) {
        return vault_call_fault(call, "the list goes on in another place than the vault; it was not followed",
                                "");
    }
    return CKR_OK;
}

CK_RV vault_client_each_key(const struct vault_client *client, struct deadline deadline, key_visitor *visit,
                            void *arg, struct service_answer *ret_answer)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(NEXT_LINK_LIMIT);
    struct listing listing = {client, visit, arg, true};
    struct vault_call call SCOPED(vault_call_done);
    unsigned pages = 0;
    CK_RV rv;

    vault_call_init(&call, client, VAULT_LIST, NULL, deadline, ret_answer);
    rv = buffer_printf(&url, "%s/keys?maxresults=25&api-version=%s", client->url, client->api_version);
    while (rv == CKR_OK && url.size != 0) {
        if (pages++ == MOST_PAGES) {
            return vault_call_fault(&call, "the list of keys does not end", "");
        }
        rv = list_page(&call, &listing, &url);
    }
    return rv;
}
