/* Random bytes of a Managed HSM. */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_client.h"
#include "backends/keyvault/vault_request.h"
#include <string.h>

enum { MOST_AT_ONCE = 128, BODY_ROOM = 32 };

/* At most MOST_AT_ONCE bytes. */
static CK_RV ask_some(struct vault_call *call, unsigned char *ret_data, size_t size)
{
    struct buffer body SCOPED(buffer_free) = BUFFER_INIT(BODY_ROOM);
    struct buffer some SCOPED(buffer_free) = BUFFER_INIT(MOST_AT_ONCE);
    CK_RV rv = buffer_printf(&body, "{\"count\":%zu}", size);

    if (rv != CKR_OK) {
        return rv;
    }
    call->body = buffer_bytes(&body);
    rv = vault_call_ask(call);
    if (rv != CKR_OK) {
        return rv;
    }
    if (vault_json_read_random(buffer_bytes(&call->reply.body), &some) != CKR_OK || some.size != size) {
        return vault_request_no_answer(call, "the answer is not the random bytes that were asked for");
    }
    memcpy(ret_data, some.data, size);
    return CKR_OK;
}

CK_RV vault_client_random(const struct vault_client *client, unsigned char *ret_data, size_t size,
                          struct deadline deadline, struct service_answer *ret_answer)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    struct vault_call call SCOPED(vault_call_done);
    size_t got = 0;
    CK_RV rv;

    vault_call_init(&call, client, VAULT_RANDOM, NULL, deadline, ret_answer);
    rv = buffer_printf(&url, "%s/rng?api-version=%s", client->url, client->api_version);
    call.url = buffer_text(&url);
    while (rv == CKR_OK && got < size) {
        size_t some = size - got < MOST_AT_ONCE ? size - got : MOST_AT_ONCE;

        rv = ask_some(&call, ret_data + got, some);
        got += some;
    }
    if (rv != CKR_OK) {
        wipe(ret_data, size);
    }
    return rv;
}
