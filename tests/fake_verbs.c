/* What the key service in memory does with a pair: wrap and unwrap, encrypt and decrypt, sign. */
#include "tests/fake_pairs.h"
#include "tests/fake_private.h"
#include <stdlib.h>
#include <string.h>

static CK_RV use(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                 enum rsa_padding padding, struct bytes in, struct deadline deadline, unsigned char out[512],
                 size_t *ret_size, struct service_answer *answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, verb, deadline, answer);
    EVP_PKEY *pair = NULL;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = fake_choose_locked(fake, verb, ref, &pair, answer);
    pthread_mutex_unlock(&fake->lock);
    *ret_size = 512;
    if (rv == CKR_OK && !fake_rsa(pair, fake_verbs[verb].seals, padding, in, out, ret_size)) {
        return fake_refuse_blob(verb, answer);
    }
    return rv;
}

static CK_RV seal(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                  enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                  struct buffer *ret_blob, struct service_answer *answer)
{
    unsigned char out[512];
    size_t size;
    CK_RV rv = use(service, verb, ref, padding, plain, deadline, out, &size, answer);

    buffer_clear(ret_blob);
    return rv == CKR_OK ? buffer_append(ret_blob, out, size) : rv;
}

static CK_RV open_blob(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                       enum rsa_padding padding, struct bytes blob, struct deadline deadline,
                       struct secret *ret_plain, struct service_answer *answer)
{
    unsigned char out[512];
    size_t size;
    CK_RV rv = use(service, verb, ref, padding, blob, deadline, out, &size, answer);

    return rv == CKR_OK ? secret_copy(bytes_of(out, size), ret_plain) : rv;
}

CK_RV fake_wrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                struct bytes key, struct deadline deadline, struct buffer *ret_blob,
                struct service_answer *ret_answer)
{
    return seal(service, FAKE_WRAP, kek, padding, key, deadline, ret_blob, ret_answer);
}

CK_RV fake_encrypt_there(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                         struct bytes plain, struct deadline deadline, struct buffer *ret_blob,
                         struct service_answer *ret_answer)
{
    return seal(service, FAKE_ENCRYPT, key, padding, plain, deadline, ret_blob, ret_answer);
}

static void note_blob(struct fake *fake, struct bytes blob)
{
    pthread_mutex_lock(&fake->lock);
    fake->last_blob_size = blob.size <= sizeof fake->last_blob ? blob.size : 0;
    memcpy(fake->last_blob, blob.data, fake->last_blob_size);
    pthread_mutex_unlock(&fake->lock);
}

bool fake_unwrapped_last(struct key_service *service, struct bytes blob)
{
    struct fake *fake = fake_of(service);
    bool same;

    pthread_mutex_lock(&fake->lock);
    same = bytes_equal(blob, bytes_of(fake->last_blob, fake->last_blob_size));
    pthread_mutex_unlock(&fake->lock);
    return same;
}

CK_RV fake_unwrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                  struct bytes blob, struct deadline deadline, struct secret *ret_key,
                  struct service_answer *ret_answer)
{
    note_blob(fake_of(service), blob);
    return open_blob(service, FAKE_UNWRAP, kek, padding, blob, deadline, ret_key, ret_answer);
}

CK_RV fake_decrypt(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                   struct bytes blob, struct deadline deadline, struct secret *ret_plain,
                   struct service_answer *ret_answer)
{
    return open_blob(service, FAKE_DECRYPT, key, padding, blob, deadline, ret_plain, ret_answer);
}

CK_RV fake_sign(struct key_service *service, const struct key_ref *ref, enum signature_algorithm algorithm,
                struct bytes digest, struct deadline deadline, struct buffer *ret_signature,
                struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, FAKE_SIGN, deadline, ret_answer);
    EVP_PKEY *pair = NULL;
    unsigned char out[512];
    size_t size;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = fake_choose_locked(fake, FAKE_SIGN, ref, &pair, ret_answer);
    pthread_mutex_unlock(&fake->lock);
    if (rv != CKR_OK) {
        return rv;
    }
    if (!fake_sign_digest(pair, algorithm, digest, out, &size)) {
        return fake_refuse(ret_answer, VERDICT_BAD_REQUEST, 400, CKR_FUNCTION_FAILED);
    }
    buffer_clear(ret_signature);
    return buffer_append(ret_signature, out, size);
}

void fake_encrypt(struct key_service *service, const char *name, enum rsa_padding padding, struct bytes plain,
                  struct buffer *ret_blob)
{
    fake_encrypt_at(service, name, fake_key_locked(fake_of(service), name)->count - 1, padding, plain,
                    ret_blob);
}

void fake_encrypt_at(struct key_service *service, const char *name, unsigned index, enum rsa_padding padding,
                     struct bytes plain, struct buffer *ret_blob)
{
    unsigned char out[512];
    size_t size = sizeof out;

    buffer_clear(ret_blob);
    if (!fake_rsa(fake_key_locked(fake_of(service), name)->version[index].pair, true, padding, plain, out,
                  &size) ||
        buffer_append(ret_blob, out, size) != CKR_OK) {
        abort();
    }
}
