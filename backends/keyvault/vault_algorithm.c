/* Names of algorithms. */
#include "backends/keyvault/vault_algorithm.h"
#include <stdlib.h>

enum { AES_SIZES = 3 };

static const struct {
    const char *name[AES_SIZES]; /* for keys of 128, 192, 256 bits */
    unsigned since;              /* in version 7 of the API: its part behind the point */
} aes[] = {
    [AES_KW] = {{"A128KW", "A192KW", "A256KW"}, 2},
    [AES_KWP] = {{"CKM_AES_KEY_WRAP_PAD", "CKM_AES_KEY_WRAP_PAD", "CKM_AES_KEY_WRAP_PAD"}, 6},
    [AES_CBC] = {{"A128CBC", "A192CBC", "A256CBC"}, 2},
    [AES_CBC_PAD] = {{"A128CBCPAD", "A192CBCPAD", "A256CBCPAD"}, 2},
    [AES_GCM] = {{"A128GCM", "A192GCM", "A256GCM"}, 2},
};

const char *vault_algorithm_of_padding(enum rsa_padding padding)
{
    static const char *const names[] = {[RSA_PADDING_OAEP_SHA1] = "RSA-OAEP",
                                        [RSA_PADDING_OAEP_SHA256] = "RSA-OAEP-256",
                                        [RSA_PADDING_PKCS1] = "RSA1_5"};

    return names[padding];
}

const char *vault_algorithm_of_signature(enum signature_algorithm algorithm)
{
    static const char *const names[] = {
        [SIGNATURE_RS256] = "RS256", [SIGNATURE_RS384] = "RS384", [SIGNATURE_RS512] = "RS512",
        [SIGNATURE_PS256] = "PS256", [SIGNATURE_PS384] = "PS384", [SIGNATURE_PS512] = "PS512",
        [SIGNATURE_ES256] = "ES256", [SIGNATURE_ES384] = "ES384", [SIGNATURE_ES512] = "ES512"};

    return names[algorithm];
}

const char *vault_algorithm_of_aes(enum aes_algorithm algorithm, unsigned bits)
{
    return aes[algorithm].name[bits == 128 ? 0 : bits == 192 ? 1 : 2];
}

bool vault_algorithm_tells_bits(enum aes_algorithm algorithm)
{
    return aes[algorithm].name[0] != aes[algorithm].name[1];
}

/* Since 2025 they are numbered by their dates: all greater than 7. */
bool vault_algorithm_known(enum aes_algorithm algorithm, const char *api_version)
{
    char *end;
    unsigned long major = strtoul(api_version, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

    if (*end == '-') {
        return major >= 2025;
    }
    return major > 7 || (major == 7 && minor >= aes[algorithm].since);
}
