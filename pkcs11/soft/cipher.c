/* The AES of libcrypto. */
#include "pkcs11/soft/cipher.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"

static const char *const names[CIPHER_MODES][CIPHER_KEY_SIZES] = {
    [CIPHER_ECB] = {"AES-128-ECB", "AES-192-ECB", "AES-256-ECB"},
    [CIPHER_CBC] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
    [CIPHER_CTR] = {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"},
    [CIPHER_GCM] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
    [CIPHER_KEY_WRAP] = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"},
    [CIPHER_KEY_WRAP_PAD] = {"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"},
};

enum { LONGEST_PIECE = 1 << 30 }; /* libcrypto counts in int */

const EVP_CIPHER *cipher_get(struct cipher_set *set, enum cipher_mode mode, size_t key_size)
{
    size_t size = key_size / 8 - 2;
    EVP_CIPHER *known = atomic_load_explicit(&set->cipher[mode][size], memory_order_acquire), *fetched;

    if (known != NULL) {
        return known;
    }
    fetched = EVP_CIPHER_fetch(libcrypto_context(), names[mode][size], NULL);
    if (fetched == NULL || atomic_compare_exchange_strong(&set->cipher[mode][size], &known, fetched)) {
        return fetched;
    }
    EVP_CIPHER_free(fetched); /* another thread was first */
    return known;
}

void cipher_set_done(struct cipher_set *set)
{
    for (size_t mode = 0; mode < CIPHER_MODES; mode++) {
        for (size_t size = 0; size < CIPHER_KEY_SIZES; size++) {
            EVP_CIPHER_free(atomic_exchange(&set->cipher[mode][size], NULL));
        }
    }
}

/* libcrypto must know the length of an IV that is not the usual one before it gets the IV. */
static bool set_key_and_iv(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, bool encrypt, struct bytes key,
                           struct bytes iv)
{
    const unsigned char *iv_data = iv.size == 0 ? NULL : iv.data;

    if (cipher_keeps(cipher, iv)) {
        return EVP_CipherInit_ex2(context, cipher, key.data, iv_data, encrypt, NULL) == 1;
    }
    return EVP_CipherInit_ex2(context, cipher, NULL, NULL, encrypt, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.size, NULL) == 1 &&
           EVP_CipherInit_ex2(context, NULL, key.data, iv_data, encrypt, NULL) == 1;
}

CK_RV cipher_begin(struct cipher_set *set, EVP_CIPHER_CTX **context, enum cipher_mode mode, bool encrypt,
                   struct bytes key, struct bytes iv)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("preparing a cipher");
    const EVP_CIPHER *cipher = cipher_get(set, mode, key.size);

    if (cipher == NULL) {
        return CKR_FUNCTION_FAILED;
    }
    if (*context == NULL) {
        *context = EVP_CIPHER_CTX_new();
    }
    if (*context == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (mode == CIPHER_KEY_WRAP || mode == CIPHER_KEY_WRAP_PAD) {
        EVP_CIPHER_CTX_set_flags(*context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    }
    if (!set_key_and_iv(*context, cipher, encrypt, key, iv)) {
        return CKR_FUNCTION_FAILED;
    }
    return CKR_OK;
}

CK_RV cipher_update(EVP_CIPHER_CTX *context, struct bytes in, unsigned char *out, size_t *ret_written)
{
    size_t written = 0, piece;
    int count;

    for (size_t at = 0; at < in.size; at += piece) {
        piece = in.size - at < LONGEST_PIECE ? in.size - at : LONGEST_PIECE;
        if (EVP_CipherUpdate(context, out == NULL ? NULL : out + written, &count, in.data + at, (int)piece) !=
            1) {
            return CKR_FUNCTION_FAILED;
        }
        written += (size_t)count;
    }
    *ret_written = written;
    return CKR_OK;
}

bool cipher_keeps(const EVP_CIPHER *cipher, struct bytes iv)
{
    return iv.size == 0 || (size_t)EVP_CIPHER_get_iv_length(cipher) == iv.size;
}

static bool is_of(const EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, bool encrypt)
{
    return EVP_CIPHER_CTX_get0_cipher(context) == cipher &&
           (EVP_CIPHER_CTX_is_encrypting(context) != 0) == encrypt;
}

/* A place is free or taken whole, so two threads never hold the same one. */
EVP_CIPHER_CTX *cipher_spare_take(struct cipher_spares *spares, const EVP_CIPHER *cipher, bool encrypt)
{
    EVP_CIPHER_CTX *context;

    for (size_t i = 0; i < MOST_SPARES; i++) {
        context = atomic_load_explicit(&spares->slot[i], memory_order_relaxed) == NULL
                      ? NULL
                      : atomic_exchange(&spares->slot[i], NULL);
        if (context != NULL && is_of(context, cipher, encrypt)) {
            return context;
        }
        if (context != NULL) {
            cipher_spare_give(spares, context);
        }
    }
    return NULL;
}

void cipher_spare_give(struct cipher_spares *spares, EVP_CIPHER_CTX *context)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        EVP_CIPHER_CTX *none = NULL;

        if (atomic_compare_exchange_strong(&spares->slot[i], &none, context)) {
            return;
        }
    }
    EVP_CIPHER_CTX_free(atomic_exchange(&spares->slot[0], context));
}

void cipher_spares_move(struct cipher_spares *from, struct cipher_spares *to)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        atomic_init(&to->slot[i], atomic_exchange(&from->slot[i], NULL));
    }
}

void cipher_spares_done(struct cipher_spares *spares)
{
    for (size_t i = 0; i < MOST_SPARES; i++) {
        EVP_CIPHER_CTX *context = atomic_exchange(&spares->slot[i], NULL);

        if (libcrypto_usable()) {
            EVP_CIPHER_CTX_free(context);
        }
    }
}

CK_RV cipher_next(EVP_CIPHER_CTX *context, struct bytes iv)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("beginning a message");

    errors.none = EVP_CipherInit_ex2(context, NULL, NULL, iv.size == 0 ? NULL : iv.data, -1, NULL) == 1;
    return errors.none ? CKR_OK : CKR_FUNCTION_FAILED;
}
