/* AES keys and random bytes of the key service in memory. */
#include "tests/fake_aes.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 64 * 1024, GCM_IV = 12 };

static const char *const names[] = {
    [AES_KW] = "WRAP", [AES_KWP] = "WRAP-PAD", [AES_CBC] = "CBC", [AES_CBC_PAD] = "CBC", [AES_GCM] = "GCM"};
static const enum fake_verb verbs[] = {[AES_WRAP] = FAKE_WRAP,
                                       [AES_UNWRAP] = FAKE_UNWRAP,
                                       [AES_ENCRYPT] = FAKE_ENCRYPT,
                                       [AES_DECRYPT] = FAKE_DECRYPT};

DEFINE_SCOPED(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_SCOPED(EVP_CIPHER, EVP_CIPHER_free)

/* The end of a version's name tells it from others, so it comes first: short keys differ, too. */
void fake_aes_value(const struct fake_version *version, unsigned char ret_value[32])
{
    for (size_t i = 0; i < 32; i++) {
        ret_value[i] = (unsigned char)version->version[31 - i];
    }
}

static bool seals(const struct aes_task *task)
{
    return task->verb == AES_WRAP || task->verb == AES_ENCRYPT;
}

static bool begin(EVP_CIPHER_CTX *context, const struct fake_version *version, const struct aes_task *task,
                  struct aes_extra *extra)
{
    const unsigned char *iv = task->iv.size == 0 ? NULL : task->iv.data;
    unsigned char value[32];
    char name[32];

    snprintf(name, sizeof name, "AES-%u-%s", version->aes_bits, names[task->algorithm]);

    EVP_CIPHER *cipher SCOPED(EVP_CIPHER_free_scoped) = EVP_CIPHER_fetch(NULL, name, NULL);

    if (task->algorithm == AES_GCM && seals(task)) {
        RAND_bytes(extra->iv, GCM_IV);
        extra->iv_size = GCM_IV;
        extra->tag_size = AES_TAG_SIZE;
        iv = extra->iv;
    }
    fake_aes_value(version, value);
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return EVP_CipherInit_ex2(context, cipher, value, iv, seals(task), NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(context, task->algorithm == AES_CBC_PAD) == 1;
}

static bool finish(EVP_CIPHER_CTX *context, const struct aes_task *task, unsigned char *out, size_t *size,
                   struct aes_extra *extra)
{
    bool gcm = task->algorithm == AES_GCM;
    unsigned char tag[AES_TAG_SIZE] = {0};
    int count = 0;

    if (gcm && !seals(task)) {
        memcpy(tag, task->tag.data, task->tag.size);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)task->tag.size, tag);
    }
    if (task->algorithm != AES_KW && task->algorithm != AES_KWP &&
        EVP_CipherFinal_ex(context, out + *size, &count) != 1) {
        return false;
    }
    *size += (size_t)count;
    return !gcm || !seals(task) ||
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AES_TAG_SIZE, extra->tag) == 1;
}

static bool run(const struct fake_version *version, const struct aes_task *task, unsigned char *out,
                size_t *ret_size, struct aes_extra *extra)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("the fake's AES");
    EVP_CIPHER_CTX *context SCOPED(EVP_CIPHER_CTX_free_scoped) = EVP_CIPHER_CTX_new();
    int count = 0;

    if (version->aes_bits == 0 || !begin(context, version, task, extra)) {
        return false;
    }
    if (task->aad.size != 0 &&
        EVP_CipherUpdate(context, NULL, &count, task->aad.data, (int)task->aad.size) != 1) {
        return false;
    }
    count = 0;
    if (task->data.size != 0 &&
        EVP_CipherUpdate(context, out, &count, task->data.data, (int)task->data.size) != 1) {
        return false;
    }
    *ret_size = (size_t)count;
    return finish(context, task, out, ret_size, extra);
}

/* A wrong size in the algorithm's name is a bad request, as of the service; no size is what the key has. */
static CK_RV aes(struct key_service *service, const struct key_ref *key, const struct aes_task *task,
                 struct deadline deadline, struct secret *ret_value, struct aes_extra *ret_extra,
                 struct service_answer *ret_answer)
{
    unsigned char out[ROOM];
    struct fake_version version;
    size_t size;
    CK_RV rv = fake_request(service, verbs[task->verb], key, deadline, &version, ret_answer);

    if (rv != CKR_OK) {
        return rv;
    }
    if ((task->key_bits != 0 && task->key_bits != version.aes_bits) ||
        !run(&version, task, out, &size, ret_extra)) {
        return fake_refuse_blob(verbs[task->verb], ret_answer);
    }
    ret_extra->key_bits = version.aes_bits;
    return secret_copy(bytes_of(out, size), ret_value);
}

static CK_RV random_bytes(struct key_service *service, unsigned char *ret_data, size_t size,
                          struct deadline deadline, struct service_answer *ret_answer)
{
    CK_RV rv = fake_request(service, FAKE_RANDOM, NULL, deadline, NULL, ret_answer);

    if (rv == CKR_OK) {
        memset(ret_data, FAKE_RANDOM_BYTE, size);
    }
    return rv;
}

void fake_offer_aes(struct key_service *service)
{
    fake_ops(service)->aes = aes;
    service->aes_algorithms =
        1U << AES_KW | 1U << AES_KWP | 1U << AES_CBC | 1U << AES_CBC_PAD | 1U << AES_GCM;
}

void fake_offer_random(struct key_service *service)
{
    fake_ops(service)->random = random_bytes;
}

struct fake_version *fake_add_aes(struct key_service *service, const char *name, unsigned bits)
{
    struct fake_version *version = fake_add(service, name, 0);

    version->aes_bits = bits;
    return version;
}
