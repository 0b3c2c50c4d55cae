/*
 * IVs that a token generates for AES-GCM (PKCS#11 3.0, mechanisms 2.12.3; SP 800-38D, 8.2): the first bits are the
 * application's, the rest counts messages or is random.
 */
#include "backends/base/libcrypto.h"
#include "pkcs11/soft/message.h"
#include <string.h>

enum { LEAST_RANDOM_BITS = 64, BYTE_BITS = 8 };

/* The bits of the byte that lies `from_end` bytes before the last one which are among the last `count` bits. */
static unsigned char mask_at(size_t count, size_t from_end)
{
    size_t before = from_end * BYTE_BITS;

    if (count <= before) {
        return 0;
    }
    return count - before >= BYTE_BITS ? 0xff : (unsigned char)((1U << (count - before)) - 1);
}

static unsigned char count_at(uint64_t counted, size_t from_end)
{
    return from_end < sizeof counted ? (unsigned char)(counted >> from_end * BYTE_BITS) : 0;
}

/* The counter has `bits` bits; what they stand in is `base` itself, or is XORed with it. */
static CK_RV count(struct messaging *messaging, const struct gcm_message_params *parameter, size_t bits,
                   bool exclusive, const unsigned char *base)
{
    unsigned char fresh, mask;
    size_t at;

    if (bits < sizeof messaging->counted * BYTE_BITS && messaging->counted >> bits != 0) {
        return CKR_TOKEN_RESOURCE_EXCEEDED;
    }
    for (size_t i = 0; i < parameter->iv_size; i++) {
        at = parameter->iv_size - 1 - i;
        mask = mask_at(bits, i);
        fresh = count_at(messaging->counted, i);
        parameter->iv[at] = exclusive ? base[at] ^ (fresh & mask)
                                      : (unsigned char)((parameter->iv[at] & ~mask) | (fresh & mask));
    }
    messaging->counted++;
    return CKR_OK;
}

/* What was written over the IV of the first message is not what the next counts are XORed with. */
static CK_RV count_exclusive(struct messaging *messaging, const struct gcm_message_params *parameter,
                             size_t bits)
{
    if (messaging->base_size == 0) {
        messaging->base_size = parameter->iv_size;
        memcpy(messaging->base, parameter->iv, parameter->iv_size);
    }
    return messaging->base_size == parameter->iv_size
               ? count(messaging, parameter, bits, true, messaging->base)
               : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV draw(const struct gcm_message_params *parameter, size_t bits)
{
    unsigned char fresh[LONGEST_GCM_IV], mask;
    CK_RV rv =
        bits < LEAST_RANDOM_BITS ? CKR_MECHANISM_PARAM_INVALID : libcrypto_random(fresh, parameter->iv_size);

    for (size_t at = 0; rv == CKR_OK && at < parameter->iv_size; at++) {
        mask = mask_at(bits, parameter->iv_size - 1 - at);
        parameter->iv[at] = (unsigned char)((parameter->iv[at] & ~mask) | (fresh[at] & mask));
    }
    return rv;
}

CK_RV message_iv(struct messaging *messaging, const struct gcm_message_params *parameter)
{
    size_t bits = parameter->iv_size * BYTE_BITS - parameter->iv_fixed_bits;

    if (parameter->generator == CKG_NO_GENERATE) {
        return CKR_OK;
    }
    if (bits == 0) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    switch (parameter->generator) {
    case CKG_GENERATE_COUNTER:
        return count(messaging, parameter, bits, false, NULL);
    case CKG_GENERATE_COUNTER_XOR:
        return count_exclusive(messaging, parameter, bits);
    default: /* CKG_GENERATE leaves it to us */
        return draw(parameter, bits);
    }
}
