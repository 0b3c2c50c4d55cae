/* Signatures: the service signs digests, never data. */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_algorithm.h"
#include "backends/keyvault/vault_client.h"
#include "backends/keyvault/vault_request.h"

enum { LONGEST_SIGNATURE = 512 /* bytes: RSA-4096 */ };

/* By RSA as long as a modulus of the service's; by EC r and s, each as long as a coordinate. */
static bool length_fits(enum signature_algorithm algorithm, size_t size)
{
    switch (algorithm) {
    case SIGNATURE_ES256:
        return size == 2 * ec_curve_size(EC_P256);
    case SIGNATURE_ES384:
        return size == 2 * ec_curve_size(EC_P384);
    case SIGNATURE_ES512:
        return size == 2 * ec_curve_size(EC_P521);
    default:
        return vault_request_is_rsa_block(size);
    }
}

CK_RV vault_client_sign(const struct vault_client *client, const struct key_ref *key,
                        enum signature_algorithm algorithm, struct bytes digest, struct deadline deadline,
                        struct buffer *ret_signature, struct service_answer *ret_answer)
{
    const struct vault_parameters parameters = {.algorithm = vault_algorithm_of_signature(algorithm),
                                                .value = digest};
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(LONGEST_SIGNATURE);
    struct vault_call call SCOPED(vault_call_done);
    CK_RV rv;

    vault_call_init(&call, client, VAULT_SIGN, key, deadline, ret_answer);
    rv = vault_request_operate(&call, &parameters, &signature, NULL);
    if (rv != CKR_OK) {
        return rv;
    }
    if (!length_fits(algorithm, signature.size)) {
        return vault_call_fault(
            &call, "the signature has a length that no key of the service gives with this algorithm", "");
    }
    buffer_clear(ret_signature);
    return buffer_append(ret_signature, signature.data, signature.size);
}
