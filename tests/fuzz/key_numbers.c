/* Keys that come in from outside: PrivateKeyInfo, SubjectPublicKeyInfo, the point of an EC key, a modulus. */
#include "pkcs11/soft/key_numbers.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One of the two public parts, and everything that is asked of it. */
static void look_at(struct key_numbers *numbers, CK_RV rv)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_MODULUS,   CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
                                              CKA_EC_PARAMS, CKA_EC_POINT,     CKA_PUBLIC_KEY_INFO};
    struct secret number = SECRET_INIT;

    if (rv != CKR_OK) {
        if (numbers->pkey != NULL || numbers->rsa != NULL || numbers->ec != NULL) {
            abort();
        }
        return;
    }
    if (numbers->pkey == NULL || (numbers->rsa != NULL) == (numbers->ec != NULL)) {
        abort();
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct attribute_value value = key_numbers_public(numbers->rsa, numbers->ec, types[i]);

        if (value.form == ATTRIBUTE_BYTES && value.bytes.size == 0) {
            abort();
        }
    }
    if (key_numbers_private(numbers, CKA_PRIVATE_EXPONENT, &number) == CKR_OK) {
        secret_free(&number);
    }
    if (key_numbers_private(numbers, CKA_VALUE, &number) == CKR_OK) {
        secret_free(&number);
    }
    key_numbers_done(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_numbers numbers = {NULL, NULL, NULL};
    size_t half = size == 0 ? 0 : data[0] % size;
    struct bytes first = bytes_of(data, half), second = bytes_of(data + half, size - half);

    look_at(&numbers, key_numbers_from_pkcs8(bytes_of(data, size), &numbers));
    look_at(&numbers, key_numbers_from_info(bytes_of(data, size), &numbers));
    look_at(&numbers, key_numbers_from_rsa(first, second, &numbers));
    look_at(&numbers, key_numbers_from_ec(first, second, &numbers));
    return 0;
}
