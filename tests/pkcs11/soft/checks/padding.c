/* Padding as RFC 8017 describes it, and as it must not be. */
#include "tests/pkcs11/soft/checks/padding.h"
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { HASH = 20, DB = BLOCK - HASH - 1 };

static struct buffer attribute_of_kek(CK_ATTRIBUTE_TYPE type)
{
    struct buffer value = BUFFER_INIT(1024);
    unsigned char room[1024];
    CK_ATTRIBUTE attribute = {type, room, sizeof room};

    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &attribute, 1), CKR_OK);
    assert_rv(buffer_append(&value, room, attribute.ulValueLen), CKR_OK);
    return value;
}

struct buffer modulus_of_kek(void)
{
    return attribute_of_kek(CKA_MODULUS);
}

struct buffer sealed_raw(const unsigned char block[BLOCK])
{
    struct buffer info = attribute_of_kek(CKA_PUBLIC_KEY_INFO), blob = BUFFER_INIT(512);
    const unsigned char *at = info.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)info.size);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    unsigned char out[BLOCK];
    size_t size = sizeof out;

    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, out, &size, block, BLOCK), 1);
    assert_rv(buffer_append(&blob, out, size), CKR_OK);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    buffer_free(&info);
    return blob;
}

void pkcs1_good(struct bytes message, unsigned char ret_block[BLOCK])
{
    memset(ret_block, 0x5a, BLOCK);
    ret_block[0] = 0;
    ret_block[1] = 2;
    ret_block[BLOCK - message.size - 1] = 0;
    memcpy(ret_block + BLOCK - message.size, message.data, message.size);
}

void pkcs1_block(unsigned malformed, unsigned char ret_block[BLOCK])
{
    pkcs1_good(bytes_of_text(DATA_KEY), ret_block);
    switch (malformed) {
    case 0: /* first byte */
        ret_block[0] = 1;
        break;
    case 1: /* block type */
        ret_block[1] = 1;
        break;
    case 2: /* no zero behind the padding */
        memset(ret_block + 2, 0x5a, BLOCK - 2);
        break;
    case 3: /* padding shorter than eight bytes */
        ret_block[9] = 0;
        break;
    case 4: /* none at all */
        ret_block[2] = 0;
        break;
    default: /* no padding anywhere near */
        memset(ret_block, 0x33, BLOCK);
    }
}

/* RFC 8017, B.2.1, xor-ed into `to`. */
static void mask(unsigned char *to, size_t size, const unsigned char *seed, size_t seed_size)
{
    unsigned char in[DB + 4], hash[HASH];

    memcpy(in, seed, seed_size);
    for (size_t at = 0; at < size; at++) {
        if (at % HASH == 0) {
            memcpy(in + seed_size, (unsigned char[]){0, 0, 0, (unsigned char)(at / HASH)}, 4);
            assert_int_equal(EVP_Digest(in, seed_size + 4, hash, NULL, EVP_sha1(), NULL), 1);
        }
        to[at] ^= hash[at % HASH];
    }
}

/* 7.1.1, step 2: `block` holds 00, the seed, and lHash, zeros, 01, message in the clear. */
static void oaep_mask(unsigned char block[BLOCK])
{
    mask(block + 1 + HASH, DB, block + 1, HASH);
    mask(block + 1, HASH, block + 1 + HASH, DB);
}

static void oaep_clear(struct bytes message, unsigned char block[BLOCK])
{
    memset(block, 0, BLOCK);
    memset(block + 1, 0x77, HASH);
    assert_int_equal(EVP_Digest("", 0, block + 1 + HASH, NULL, EVP_sha1(), NULL), 1);
    block[BLOCK - message.size - 1] = 1;
    memcpy(block + BLOCK - message.size, message.data, message.size);
}

void oaep_good(struct bytes message, unsigned char ret_block[BLOCK])
{
    oaep_clear(message, ret_block);
    oaep_mask(ret_block);
}

void oaep_block(unsigned malformed, unsigned char ret_block[BLOCK])
{
    oaep_clear(bytes_of_text(DATA_KEY), ret_block);
    switch (malformed) {
    case 0: /* Manger's: all is well but the first byte */
        oaep_mask(ret_block);
        ret_block[0] = 1;
        return;
    case 1: /* lHash, as of another label */
        ret_block[1 + HASH] ^= 1;
        break;
    case 2: /* no 01 */
        ret_block[BLOCK - 33] = 0;
        memset(ret_block + BLOCK - 32, 0, 32);
        break;
    case 3: /* something else in its place */
        ret_block[BLOCK - 33] = 2;
        break;
    default: /* less than the modulus, and nothing else right */
        memset(ret_block + 1, 0x33, BLOCK - 1);
        return;
    }
    oaep_mask(ret_block);
}
