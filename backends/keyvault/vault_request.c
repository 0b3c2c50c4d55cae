/* Requests and answers that the verbs have in common. */
#include "backends/keyvault/vault_request.h"
#include "backends/base/scope.h"
#include <stdio.h>
#include <string.h>

enum { NEXT_LINK_LIMIT = 8 * 1024, BODY_LIMIT = 64 * 1024, MOST_PAGES = 10000 };

/* Without printf, which would take longer than all else that is done to a request here. */
CK_RV vault_request_url(const struct vault_client *client, const char *collection, const struct key_ref *key,
                        const char *verb, struct buffer *url)
{
    const char *const parts[] = {client->url,
                                 collection,
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

CK_RV vault_request_check(struct vault_call *call, const struct key_id *id)
{
    const struct key_ref *key = call->operation.key;

    if (!place_equal(&id->place, call->operation.client->vault) || !key_name_equal(id->name, key->name) ||
        (key->version != NULL && strcmp(id->version, key->version) != 0)) {
        return vault_call_fault(
            call,
            call->operation.verb == VAULT_GET_CERTIFICATE
                ? "the answer is about another certificate than was asked for"
                : "the answer is about another key than was asked for; nothing of it was used",
            "");
    }
    text_copy(bytes_of_text(id->version), call->answer->version, sizeof call->answer->version);
    return CKR_OK;
}

CK_RV vault_request_no_answer(struct vault_call *call, const char *said)
{
    return vault_call_fault(call, said, "check what stands on the way");
}

/* --- Operations --- */

static const char *path_of(enum vault_verb verb)
{
    switch (verb) {
    case VAULT_WRAP:
        return "/wrapkey";
    case VAULT_UNWRAP:
        return "/unwrapkey";
    case VAULT_ENCRYPT:
        return "/encrypt";
    case VAULT_SIGN:
        return "/sign";
    default:
        return "/decrypt";
    }
}

/* They differ in nothing but their names. */
CK_RV vault_request_operate(struct vault_call *call, const struct vault_parameters *parameters,
                            struct buffer *ret_value, struct aes_extra *ret_extra)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    struct buffer body SCOPED(buffer_free) = BUFFER_INIT(BODY_LIMIT);
    struct aes_extra ignored, *extra = ret_extra == NULL ? &ignored : ret_extra;
    const struct vault_operation *operation = &call->operation;
    struct key_id kid;
    CK_RV rv = vault_request_url(operation->client, KEYS, operation->key, path_of(operation->verb), &url);

    if (rv == CKR_OK) {
        rv = vault_json_write_operation(parameters, &body);
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
    if (vault_json_read_operation(buffer_bytes(&call->reply.body), &kid, ret_value, extra) != CKR_OK) {
        return vault_request_no_answer(call, "the answer is not what the service answers");
    }
    return vault_request_check(call, &kid);
}

bool vault_request_is_rsa_block(size_t size)
{
    return size == 256 || size == 384 || size == 512;
}

/* --- Pages --- */

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
static CK_RV ask_page(struct vault_call *call, vault_page_reader *read, void *arg, struct buffer *url)
{
    CK_RV rv;

    call->url = buffer_text(url);
    rv = vault_call_ask(call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (read(buffer_bytes(&call->reply.body), arg, url) != CKR_OK) {
        return vault_request_no_answer(call, "the answer is no list of the service's");
    }
    if (url->size != 0 && !may_follow(call->operation.client, url)) {
        return vault_call_fault(call, "the list goes on in another place than the vault; it was not followed",
                                "");
    }
    return CKR_OK;
}

CK_RV vault_request_pages(struct vault_call *call, const char *collection, vault_page_reader *read, void *arg)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(NEXT_LINK_LIMIT);
    const struct vault_client *client = call->operation.client;
    unsigned pages = 0;
    CK_RV rv = buffer_printf(&url, "%s/%s?maxresults=25&api-version=%s", client->url, collection,
                             client->api_version);

    while (rv == CKR_OK && url.size != 0) {
        if (pages++ == MOST_PAGES) {
            return vault_call_fault(call, "the list does not end", "");
        }
        rv = ask_page(call, read, arg, &url);
    }
    return rv;
}
