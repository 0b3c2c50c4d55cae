/* AES, as the service's algorithm names say. */
#include "tests/standin/crypto.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { GCM_IV = 12, GCM_TAG = 16, BLOCK = 16, SPARE = 32 };

static void free_context(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
    ERR_clear_error();
}

static void free_cipher(EVP_CIPHER **cipher)
{
    EVP_CIPHER_free(*cipher);
}

/* NULL: no such key. */
static EVP_CIPHER_CTX *start(const struct blob *key, enum aes_mode mode, const struct parcel *in, int encrypt)
{
    static const char *const names[] = {"GCM", "CBC", "CBC", "WRAP", "WRAP-PAD"};
    char *name OWNED(owned_free) = text("AES-%u-%s", (unsigned)key->size * 8, names[mode]);
    EVP_CIPHER *cipher OWNED(free_cipher) = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = need(EVP_CIPHER_CTX_new());

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (cipher == NULL || EVP_CipherInit_ex2(context, cipher, key->data, in->iv.data, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, mode == AES_CBC_PADDED) != 1) {
        EVP_CIPHER_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    return context;
}

static bool fits(enum aes_mode mode, const struct parcel *in, bool encrypt)
{
    size_t size = in->value.size;

    switch (mode) {
    case AES_GCM:
        return in->iv.size == GCM_IV && (encrypt || in->tag.size == GCM_TAG);
    case AES_CBC:
        return in->iv.size == BLOCK && size > 0 && size % BLOCK == 0;
    case AES_CBC_PADDED:
        return in->iv.size == BLOCK && (encrypt || (size > 0 && size % BLOCK == 0));
    case AES_WRAP:
        return size % 8 == 0 && size >= (encrypt ? 16 : 24);
    case AES_WRAP_PADDED:
        return encrypt ? size > 0 : size % 8 == 0 && size >= 16;
    }
    return false;
}

static bool run(EVP_CIPHER_CTX *context, const struct parcel *in, struct blob *ret_out)
{
    struct blob out OWNED(owned_blob) = {need(malloc(in->value.size + SPARE)), 0};
    int size, last;

    if (in->aad.size > 0 && EVP_CipherUpdate(context, NULL, &size, in->aad.data, (int)in->aad.size) != 1) {
        return false;
    }
    if (EVP_CipherUpdate(context, out.data, &size, in->value.data, (int)in->value.size) != 1 ||
        EVP_CipherFinal_ex(context, out.data + size, &last) != 1) {
        return false;
    }
    *ret_out = (struct blob){out.data, (size_t)size + (size_t)last};
    out.data = NULL;
    return true;
}

static struct blob copy_of(const struct blob *blob)
{
    struct blob copy = {need(malloc(blob->size + 1)), blob->size};

    if (blob->size > 0) {
        memcpy(copy.data, blob->data, blob->size);
    }
    return copy;
}

static bool encrypt_with_iv(const struct blob *key, enum aes_mode mode, const struct parcel *plain,
                            struct parcel *ret_parcel)
{
    EVP_CIPHER_CTX *context OWNED(free_context) = NULL;
    struct parcel made OWNED(parcel_done) = {.value = {NULL, 0}};

    if (!fits(mode, plain, true)) {
        return false;
    }
    context = start(key, mode, plain, 1);
    if (context == NULL || !run(context, plain, &made.value)) {
        return false;
    }
    if (mode == AES_GCM) {
        made.tag = (struct blob){need(malloc(GCM_TAG)), GCM_TAG};
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, made.tag.data);
    }
    if (plain->iv.size > 0) {
        made.iv = copy_of(&plain->iv);
    }
    if (plain->aad.size > 0) {
        made.aad = copy_of(&plain->aad);
    }
    *ret_parcel = made;
    made = (struct parcel){.value = {NULL, 0}};
    return true;
}

bool aes_encrypt(const struct blob *key, enum aes_mode mode, const struct parcel *plain,
                 struct parcel *ret_parcel)
{
    unsigned char iv[GCM_IV];
    struct parcel with_iv = *plain;

    if (mode == AES_GCM && plain->iv.size == 0) {
        RAND_bytes(iv, sizeof iv);
        with_iv.iv = (struct blob){iv, sizeof iv};
    }
    return encrypt_with_iv(key, mode, &with_iv, ret_parcel);
}

bool aes_decrypt(const struct blob *key, enum aes_mode mode, const struct parcel *parcel,
                 struct parcel *ret_plain)
{
    EVP_CIPHER_CTX *context OWNED(free_context) = NULL;

    if (!fits(mode, parcel, false)) {
        return false;
    }
    context = start(key, mode, parcel, 0);
    if (context == NULL || (mode == AES_GCM && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
                                                                   parcel->tag.data) != 1)) {
        return false;
    }
    return run(context, parcel, &ret_plain->value);
}
