/* Values are opened again. */
#include "pkcs11/soft/opener.h"
#include "backends/base/libcrypto.h"
#include "backends/base/rsa_decrypt.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/service_key_version.h"
#include "pkcs11/soft/wrap.h"
#include <string.h>

enum { LONGEST_IV = 8, MADE_SIZE = 32 };

struct opener {
    atomic_uint holders;
    CK_MECHANISM_TYPE mechanism;
    enum mechanism_family family;
    enum rsa_padding padding;
    size_t aes_size, first;
    unsigned char iv[LONGEST_IV];
    size_t iv_size;
    size_t size;
    unsigned char blob[];
};

static struct opener *opener_of(struct bytes blob)
{
    struct opener *opener = calloc(1, sizeof *opener + blob.size);

    if (opener != NULL) {
        atomic_init(&opener->holders, 1);
        opener->size = opener->first = blob.size;
        memcpy(opener->blob, blob.data, blob.size);
    }
    return opener;
}

struct opener *opener_new(const struct mechanism *mechanism, const struct mechanism_parameter *parameter,
                          struct bytes blob, size_t first)
{
    struct opener *opener = opener_of(blob);

    if (opener != NULL) {
        opener->mechanism = mechanism->type;
        opener->family = mechanism->family;
        opener->padding = parameter->padding;
        opener->aes_size = parameter->aes_size;
        opener->first = first;
        opener->iv_size = parameter->iv.size <= LONGEST_IV ? parameter->iv.size : 0;
        if (opener->iv_size != 0) {
            memcpy(opener->iv, parameter->iv.data, opener->iv_size);
        }
    }
    return opener;
}

struct opener *opener_hold(struct opener *opener)
{
    if (opener != NULL) {
        atomic_fetch_add_explicit(&opener->holders, 1, memory_order_relaxed);
    }
    return opener;
}

void opener_unhold(struct opener *opener)
{
    if (opener != NULL && atomic_fetch_sub_explicit(&opener->holders, 1, memory_order_acq_rel) == 1) {
        free(opener);
    }
}

CK_MECHANISM_TYPE opener_mechanism(const struct opener *opener)
{
    return opener->mechanism;
}

struct bytes opener_blob(const struct opener *opener)
{
    return bytes_of(opener->blob, opener->size);
}

static bool is_rsa(const struct opener *opener)
{
    return opener->family == FAMILY_RSA || opener->family == FAMILY_RSA_AES;
}

static CK_RV ask_aes(const struct opener *opener, const struct opener_place *place, const struct key_ref *ref,
                     struct deadline deadline, struct secret *ret_value, struct service_answer *ret_answer)
{
    struct key_service *service = place->access->service;
    struct aes_extra extra = {0};
    struct aes_task task = {.verb = AES_UNWRAP,
                            .algorithm = opener->family == FAMILY_KEY_WRAP_PAD ? AES_KWP : AES_KW,
                            .key_bits = service_key_aes_bits(place->key, place->version),
                            .data = bytes_of(opener->blob, opener->size)};
    CK_RV rv = service->ops->aes(service, ref, &task, deadline, ret_value, &extra, ret_answer);

    if (rv == CKR_OK) {
        service_key_note_aes_bits(place->key, place->version, extra.key_bits);
    }
    return rv;
}

CK_RV opener_ask(const struct opener *opener, const struct opener_place *place, struct deadline deadline,
                 struct secret *ret_value, struct service_answer *ret_answer)
{
    struct key_service *service = place->access->service;
    struct key_ref ref = {place->key->ref.name, place->version[0] == 0 ? NULL : place->version};

    if (!is_rsa(opener)) {
        return ask_aes(opener, place, &ref, deadline, ret_value, ret_answer);
    }
    return service->ops->unwrap(service, &ref, opener->padding, bytes_of(opener->blob, opener->first),
                                deadline, ret_value, ret_answer);
}

CK_RV opener_make(const struct opener *like, const struct opener_place *place, struct opener **ret_opener)
{
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(place->key);
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(LONGEST_BLOB);
    unsigned char random[MADE_SIZE];
    CK_RV rv = CKR_DATA_INVALID;

    if (is_rsa(like) && part != NULL && part->info.rsa != NULL && place->version[0] != 0 &&
        strcmp(part->info.version, place->version) == 0) {
        rv = libcrypto_random(random, sizeof random);
    }
    if (rv == CKR_OK) {
        rv = rsa_encrypt(part->info.rsa, like->padding, bytes_of(random, sizeof random), &blob);
    }
    if (rv == CKR_OK) {
        *ret_opener = opener_of(buffer_bytes(&blob));
        rv = *ret_opener == NULL ? CKR_HOST_MEMORY : CKR_OK;
    }
    if (rv == CKR_OK) {
        (*ret_opener)->family = FAMILY_RSA;
        (*ret_opener)->padding = like->padding;
    }
    return rv;
}

CK_RV opener_finish(const struct opener *opener, struct cipher_set *ciphers, struct secret *given,
                    struct secret *ret_value)
{
    struct secret middle SCOPED(secret_free) = *given;

    *given = (struct secret)SECRET_INIT;
    if (opener->family != FAMILY_RSA_AES) {
        *ret_value = middle;
        middle = (struct secret)SECRET_INIT;
        return CKR_OK;
    }
    if (middle.size != opener->aes_size) {
        return CKR_WRAPPED_KEY_INVALID;
    }
    return aes_unwrap(ciphers, CIPHER_KEY_WRAP_PAD, secret_bytes(&middle), bytes_of(NULL, 0),
                      bytes_of(opener->blob + opener->first, opener->size - opener->first), ret_value);
}

CK_RV opener_open_here(const struct opener *opener, struct cipher_set *ciphers, const struct key_value *kek,
                       struct secret *ret_value)
{
    struct secret given SCOPED(secret_free) = SECRET_INIT;
    CK_RV rv;

    if (!is_rsa(opener)) {
        return aes_unwrap(ciphers,
                          opener->family == FAMILY_KEY_WRAP_PAD ? CIPHER_KEY_WRAP_PAD : CIPHER_KEY_WRAP,
                          secret_bytes(&kek->secret), bytes_of(opener->iv, opener->iv_size),
                          bytes_of(opener->blob, opener->size), ret_value);
    }
    rv = rsa_decrypt(kek->numbers.pkey, opener->padding, bytes_of(opener->blob, opener->first), &given);
    return rv == CKR_OK ? opener_finish(opener, ciphers, &given, ret_value) : rv;
}
