/*
 * C_WrapKey and C_UnwrapKey with an AES key, here or at the service: AES key wrap (RFC 3394), and the same with
 * padding (RFC 5649).
 */
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/wrap.h"
#include <string.h>

static enum cipher_mode mode_of(const struct wrap_call *call)
{
    return call->mechanism->family == FAMILY_KEY_WRAP_PAD ? CIPHER_KEY_WRAP_PAD : CIPHER_KEY_WRAP;
}

size_t aes_wrap_blob_size(enum cipher_mode mode, size_t size)
{
    size_t padded = (size + SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK;

    if (size == 0 || size > LONGEST_WRAPPED) {
        return 0;
    }
    if (mode == CIPHER_KEY_WRAP && (padded != size || size < 2 * SEMIBLOCK)) { /* RFC 3394, 2 */
        return 0;
    }
    return padded + SEMIBLOCK;
}

DEFINE_SCOPED(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* An AES key that wraps. */
struct aes_kek {
    struct cipher_set *ciphers;
    struct bytes value;
    struct cipher_spares *spares; /* contexts that hold it; NULL: none wait */
};

static CK_RV begin(const struct aes_kek *kek, enum cipher_mode mode, bool wrap, struct bytes iv,
                   EVP_CIPHER_CTX **ret_context)
{
    const EVP_CIPHER *cipher = cipher_get(kek->ciphers, mode, kek->value.size);

    if (cipher != NULL && kek->spares != NULL && iv.size == 0) {
        *ret_context = cipher_spare_take(kek->spares, cipher, wrap);
    }
    return *ret_context != NULL ? cipher_next(*ret_context, iv)
                                : cipher_begin(kek->ciphers, ret_context, mode, wrap, kek->value, iv);
}

/*
 * Both ways; `out` has room for the whole answer. `refused` where libcrypto refuses the data. A context that was given
 * an IV does not wait: it would keep it.
 */
static CK_RV run(const struct aes_kek *kek, enum cipher_mode mode, bool wrap, struct bytes iv,
                 struct bytes in, unsigned char *out, size_t *ret_written, CK_RV refused)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("wrapping with AES");
    EVP_CIPHER_CTX *context SCOPED(EVP_CIPHER_CTX_free_scoped) = NULL;
    CK_RV rv = begin(kek, mode, wrap, iv, &context);

    if (rv == CKR_OK && cipher_update(context, in, out, ret_written) != CKR_OK) {
        rv = refused;
    }
    errors.none = rv == CKR_OK;
    if (rv == CKR_OK && kek->spares != NULL && iv.size == 0) {
        cipher_spare_give(kek->spares, take(context));
    }
    return rv;
}

static CK_RV wrap_under(const struct aes_kek *kek, enum cipher_mode mode, struct bytes iv, struct bytes key,
                        unsigned char *out)
{
    size_t written;

    return run(kek, mode, true, iv, key, out, &written, CKR_FUNCTION_FAILED);
}

CK_RV aes_wrap(struct cipher_set *ciphers, enum cipher_mode mode, struct bytes kek, struct bytes iv,
               struct bytes key, unsigned char *out)
{
    return wrap_under(&(struct aes_kek){ciphers, kek, NULL}, mode, iv, key, out);
}

static bool could_be_blob(enum cipher_mode mode, size_t size)
{
    size_t least = mode == CIPHER_KEY_WRAP ? 3 * SEMIBLOCK : 2 * SEMIBLOCK;

    return size % SEMIBLOCK == 0 && size >= least && size <= LONGEST_WRAPPED + SEMIBLOCK;
}

static CK_RV unwrap_under(const struct aes_kek *kek, enum cipher_mode mode, struct bytes iv,
                          struct bytes blob, struct secret *ret_key)
{
    size_t written;
    CK_RV rv;

    if (!could_be_blob(mode, blob.size)) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    rv = secret_new(blob.size, ret_key); /* libcrypto writes no more than it is given */
    if (rv != CKR_OK) {
        return rv;
    }
    rv = run(kek, mode, false, iv, blob, ret_key->data, &written, CKR_WRAPPED_KEY_INVALID);
    if (rv == CKR_OK) {
        secret_shorten(ret_key, written);
    } else {
        secret_free(ret_key);
    }
    return rv;
}

CK_RV aes_unwrap(struct cipher_set *ciphers, enum cipher_mode mode, struct bytes kek, struct bytes iv,
                 struct bytes blob, struct secret *ret_key)
{
    return unwrap_under(&(struct aes_kek){ciphers, kek, NULL}, mode, iv, blob, ret_key);
}

/* The key of a call, which lives here. */
static struct aes_kek kek_of(const struct wrap_call *call)
{
    struct key_value *value = call->kek->local->value;

    return (struct aes_kek){&call->session->token->ciphers, secret_bytes(&value->secret), &value->spares};
}

/* The service knows no IV but the one of the RFC. */
static CK_RV ask(const struct wrap_call *call, enum aes_verb verb, struct bytes data,
                 struct secret *ret_value, struct service_answer *ret_answer)
{
    struct aes_extra extra = {0};

    if (call->parameter->iv.size != 0) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    return soft_aes_ask(call->session, call->kek, call->mechanism,
                        (struct aes_task){.verb = verb, .data = data}, ret_value, &extra, ret_answer);
}

static CK_RV wrap_there(const struct wrap_call *call, struct bytes key, CK_BYTE *out, CK_ULONG *out_size)
{
    struct secret blob SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = key.size > LONGEST_ASKED ? CKR_KEY_SIZE_RANGE : ask(call, AES_WRAP, key, &blob, &answer);

    memcpy(call->trace->version, answer.version, sizeof call->trace->version);

    return rv == CKR_OK ? output_deliver(secret_bytes(&blob), out, out_size) : rv;
}

static CK_RV unwrap_there(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    struct service_answer answer = {VERDICT_NONE};
    CK_RV rv = CKR_WRAPPED_KEY_INVALID;

    if (could_be_blob(mode_of(call), blob.size) && blob.size <= LONGEST_ASKED) {
        rv = ask(call, AES_UNWRAP, blob, &ret_key->value->secret, &answer);
    }
    memcpy(call->trace->version, answer.version, sizeof call->trace->version);
    return rv;
}

static CK_RV wrap(const struct wrap_call *call, struct bytes key, CK_BYTE *out, CK_ULONG *out_size)
{
    size_t size = aes_wrap_blob_size(mode_of(call), key.size);
    struct aes_kek kek;
    CK_RV rv;

    if (size == 0) {
        return CKR_KEY_SIZE_RANGE;
    }
    if (!output_fits(out, out_size, size, &rv)) {
        return rv;
    }
    if (call->kek->local == NULL) {
        return wrap_there(call, key, out, out_size);
    }
    *out_size = size;
    kek = kek_of(call);
    return wrap_under(&kek, mode_of(call), call->parameter->iv, key, out);
}

static CK_RV unwrap(const struct wrap_call *call, struct bytes blob, struct local_key *ret_key)
{
    struct aes_kek kek;

    if (call->kek->local == NULL) {
        return unwrap_there(call, blob, ret_key);
    }
    kek = kek_of(call);
    return unwrap_under(&kek, mode_of(call), call->parameter->iv, blob, &ret_key->value->secret);
}

const struct wrap_way wrap_aes = {wrap, unwrap};
