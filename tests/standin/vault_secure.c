/* The secure operations: a key that the service makes and tells to nobody, and opens to who can attest. */
#include "tests/standin/vault_call.h"
#include <openssl/rand.h>

enum { MADE_KEY = 32 };

void vault_secure_wrap(struct call *call)
{
    unsigned char octets[MADE_KEY];
    char *value OWNED(owned_free) = NULL;

    if (!cJSON_IsObject(call->body) || cJSON_HasObjectItem(call->body, "value")) {
        call_bad_parameter(call, "Property  has invalid value\r\n");
        return;
    }
    RAND_bytes(octets, sizeof octets);
    value = base64url(octets, sizeof octets);
    cJSON_AddStringToObject(call->body, "value", value);
    call->route.operation = OPERATION_WRAP;
    call->secure = true;
    vault_use(call);
}

/* As with a release: nobody here can attest. */
void vault_secure_unwrap(struct call *call)
{
    vault_release(call);
}
