/* Trying a key-encryption key: there and back with a random key that nobody ever sees. */
#include "backends/base/buffer.h"
#include "tools/keks.h"
#include <string.h>

enum { BLOB_SIZE = 4096, BLOCK = 16, DEK_SIZE = 32 };

static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0},
                               sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};

/* In the order in which they are tried. */
static const struct way {
    bool symmetric;
    const char *name;
    CK_MECHANISM mechanism;
} ways[] = {
    {false, "CKM_RSA_PKCS_OAEP with SHA-256", {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256}},
    {false, "CKM_RSA_PKCS_OAEP with SHA-1", {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1}},
    {true, "CKM_AES_KEY_WRAP", {CKM_AES_KEY_WRAP, NULL, 0}},
    {true, "CKM_AES_KEY_WRAP_PAD", {CKM_AES_KEY_WRAP_PAD, NULL, 0}},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

/* What a token answers to a mechanism that it does not have, or not so. */
static bool is_not_had(CK_RV rv)
{
    return rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_MECHANISM_INVALID || rv == CKR_ARGUMENTS_BAD;
}

struct trial {
    const struct kek_search *in;
    const struct kek *kek;
    struct kek_trial *result;
    const struct way *way;
    CK_OBJECT_HANDLE first, second;
    unsigned char blob[BLOB_SIZE];
    CK_ULONG blob_size;
};

static CK_RV step(struct trial *trial, const char *function, CK_RV rv)
{
    if (rv != CKR_OK) {
        trial->result->function = function;
    }
    return rv;
}

/* Where keys are not generated: a random value, made into a key. */
static CK_RV create(struct trial *trial)
{
    const CK_FUNCTION_LIST *p11 = trial->in->p11;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    unsigned char value[DEK_SIZE];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &yes, sizeof yes},
                               {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_ENCRYPT, &yes, sizeof yes},
                               {CKA_VALUE, value, sizeof value}};
    CK_RV rv =
        step(trial, "C_GenerateRandom", p11->C_GenerateRandom(trial->in->session, value, sizeof value));

    if (rv == CKR_OK) {
        rv = step(trial, "C_CreateObject",
                  p11->C_CreateObject(trial->in->session, template, sizeof template / sizeof template[0],
                                      &trial -> first));
    }
    wipe(value, sizeof value);
    return rv;
}

static CK_RV generate(struct trial *trial)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG size = DEK_SIZE;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, sizeof no},
                               {CKA_SENSITIVE, &yes, sizeof yes},
                               {CKA_EXTRACTABLE, &yes, sizeof yes},
                               {CKA_ENCRYPT, &yes, sizeof yes},
                               {CKA_VALUE_LEN, &size, sizeof size}};
    CK_RV rv = trial->in->p11->C_GenerateKey(trial->in->session, &mechanism, template,
                                             sizeof template / sizeof template[0], &trial -> first);

    return rv == CKR_MECHANISM_INVALID ? create(trial) : step(trial, "C_GenerateKey", rv);
}

static CK_RV wrap(struct trial *trial)
{
    CK_RV rv = CKR_MECHANISM_INVALID;

    for (size_t i = 0; i < WAYS && is_not_had(rv); i++) {
        CK_MECHANISM mechanism = ways[i].mechanism;

        if (ways[i].symmetric == (trial->kek->wraps == trial->kek->unwraps)) {
            trial->way = &ways[i];
            trial->blob_size = sizeof trial->blob;
            rv = trial->in->p11->C_WrapKey(trial->in->session, &mechanism, trial->kek->wraps, trial->first,
                                           trial->blob, &trial->blob_size);
        }
    }
    trial->result->mechanism = trial->way->name;
    return step(trial, "C_WrapKey", rv);
}

static CK_RV unwrap(struct trial *trial)
{
    CK_MECHANISM mechanism = trial->way->mechanism;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, sizeof no},       {CKA_SENSITIVE, &yes, sizeof yes},
                               {CKA_EXTRACTABLE, &no, sizeof no}, {CKA_ENCRYPT, &yes, sizeof yes}};

    return step(trial, "C_UnwrapKey",
                trial->in->p11->C_UnwrapKey(trial->in->session, &mechanism, trial->kek->unwraps, trial->blob,
                                            trial->blob_size, template, sizeof template / sizeof template[0],
                                            &trial -> second));
}

static CK_RV encrypt(struct trial *trial, CK_OBJECT_HANDLE key, unsigned char ret_block[BLOCK])
{
    const CK_FUNCTION_LIST *p11 = trial->in->p11;
    unsigned char zeros[BLOCK] = {0}, iv[BLOCK] = {0};
    CK_MECHANISM mechanism = {CKM_AES_CBC, iv, sizeof iv};
    CK_ULONG size = BLOCK;
    CK_RV rv = p11->C_EncryptInit(trial->in->session, &mechanism, key);

    return rv == CKR_OK ? p11->C_Encrypt(trial->in->session, zeros, sizeof zeros, ret_block, &size) : rv;
}

static CK_RV compare(struct trial *trial)
{
    unsigned char first[BLOCK] = {0}, second[BLOCK] = {0};
    CK_RV rv = encrypt(trial, trial->first, first);

    if (rv == CKR_MECHANISM_INVALID) {
        return CKR_OK;
    }
    if (rv == CKR_OK) {
        rv = encrypt(trial, trial->second, second);
    }
    trial->result->compared = true;
    trial->result->same = memcmp(first, second, BLOCK) == 0;
    return step(trial, "C_Encrypt", rv);
}

static CK_RV there_and_back(struct trial *trial)
{
    CK_RV rv = generate(trial);

    if (rv == CKR_OK) {
        rv = wrap(trial);
    }
    if (rv == CKR_OK) {
        rv = unwrap(trial);
    }
    return rv == CKR_OK ? compare(trial) : rv;
}

CK_RV kek_try(const struct kek_search *in, const struct kek *kek, struct kek_trial *ret_trial)
{
    struct trial trial = {.in = in, .kek = kek, .result = ret_trial};

    *ret_trial = (struct kek_trial){.function = NULL};
    CK_RV rv = there_and_back(&trial);

    if (trial.second != 0) {
        in->p11->C_DestroyObject(in->session, trial.second);
    }
    if (trial.first != 0) {
        in->p11->C_DestroyObject(in->session, trial.first);
    }
    return rv;
}
