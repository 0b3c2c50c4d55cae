/*
 * AES without padding: ECB and CBC take whole blocks, CTR any length (PKCS#11 2.40, mechanisms 2.11.2, 2.11.3
 * and 2.11.5).
 */
#include "backends/base/libcrypto_errors.h"
#include "pkcs11/soft/crypt.h"

enum { BLOCK = 16, WORD_BITS = 64, BYTE_BITS = 8 };

static const struct block_mode {
    enum cipher_mode mode;
    size_t unit; /* bytes; the whole is a multiple of it */
} modes[] = {
    [FAMILY_ECB] = {CIPHER_ECB, BLOCK},
    [FAMILY_CBC] = {CIPHER_CBC, BLOCK},
    [FAMILY_CTR] = {CIPHER_CTR, 1},
};

static const struct block_mode *mode_of(const struct operation *operation)
{
    return &modes[operation->mechanism->family];
}

static uint64_t word_at(const unsigned char *from)
{
    uint64_t word = 0;

    for (size_t i = 0; i < sizeof word; i++) {
        word = word << BYTE_BITS | from[i];
    }
    return word;
}

static uint64_t low_bits(size_t count)
{
    return count == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* Bytes until a counter in the last `bits` bits of `block` would begin again; more than 64 bits count as all. */
static uint64_t until_overflow(const unsigned char *block, size_t bits)
{
    size_t high_bits = bits > WORD_BITS ? bits - WORD_BITS : 0;
    uint64_t mask = low_bits(bits > WORD_BITS ? WORD_BITS : bits);
    uint64_t blocks = mask - (word_at(block + sizeof mask) & mask); /* after this one */
    bool more = (~word_at(block) & low_bits(high_bits)) != 0;

    return more || blocks >= UINT64_MAX / BLOCK ? UINT64_MAX : (blocks + 1) * BLOCK;
}

static CK_RV begin(struct soft_session *session, struct operation *operation, const struct object *key,
                   const struct mechanism_parameter *parameter)
{
    const struct block_mode *mode = mode_of(operation);
    CK_RV rv = crypt_begin_cipher(session, operation, key, mode->mode, parameter->iv);

    operation->left =
        mode->mode == CIPHER_CTR ? until_overflow(parameter->iv.data, parameter->counter_bits) : UINT64_MAX;
    if (rv == CKR_OK && mode->unit != 1) {
        crypt_set_padding(operation, false);
    }
    return rv;
}

static CK_RV bad_length(const struct operation *operation)
{
    return operation->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

CK_RV crypt_block_part(struct operation *operation, struct bytes in, size_t size, CK_BYTE *out,
                       CK_ULONG *out_size)
{
    size_t written;
    CK_RV rv;

    if (!output_fits(out, out_size, size, &rv)) {
        return rv;
    }
    rv = cipher_update(operation->context, in, out, &written);
    operation->held = operation->held + in.size - size;
    *out_size = size;
    return rv;
}

static CK_RV part(struct soft_session *session, struct operation *operation, const struct object *key,
                  struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t total = operation->held + in.size;
    CK_RV rv;

    (void)session;
    (void)key;
    if (in.size > SIZE_MAX / 2 || in.size > operation->left) {
        return bad_length(operation);
    }
    rv = crypt_block_part(operation, in, total - total % mode_of(operation)->unit, out, out_size);
    if (rv == CKR_OK && out != NULL && operation->left != UINT64_MAX) {
        operation->left -= in.size;
    }
    return rv;
}

static CK_RV whole(struct soft_session *session, struct operation *operation, const struct object *key,
                   struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    return in.size % mode_of(operation)->unit != 0 ? bad_length(operation)
                                                   : part(session, operation, key, in, out, out_size);
}

static CK_RV finish(struct soft_session *session, struct operation *operation, const struct object *key,
                    struct bytes in, CK_BYTE *out, CK_ULONG *out_size)
{
    (void)session;
    (void)key;
    (void)in;
    (void)out;
    if (operation->held != 0) {
        return bad_length(operation);
    }
    *out_size = 0;
    return CKR_OK;
}

const struct crypt_way crypt_block = {begin, whole, part, finish};
