/* The WWW-Authenticate lines of whoever answers in a vault's place. */
#include "backends/keyvault/vault_challenge.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(const char *text)
{
    return text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-")] == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vault_challenge challenge;
    bool told = vault_challenge_read(bytes_of(data, size), &challenge);

    if (!is_plain(challenge.tenant) || challenge.tenant[0] == '.' ||
        (challenge.tenant[0] != 0 && challenge.authority.host[0] == 0) ||
        (challenge.claims.size != 0 && strlen(buffer_text(&challenge.claims)) != challenge.claims.size) ||
        (!told && (challenge.tenant[0] != 0 || challenge.claims.size != 0))) {
        abort();
    }
    vault_challenge_done(&challenge);
    return 0;
}
