/* What an application does, in the middle of the storm: the bytes must be right. */
#include "tests/hammer/hammer.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 300 };

#define P11 (world.p11)

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;

/*
 * True: go on. Other threads close all sessions, log out and guess handles; then this piece of work is over.
 * SoftHSM 2.6 reuses the handle of a session that another thread is still closing, and clears it again.
 */
static bool went_well(const struct storm *storm, const struct target *target, const char *what, CK_RV rv)
{
    bool storm_did_it =
        world.threads > 1 && (rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_OPERATION_NOT_INITIALIZED ||
                              rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID);

    if (rv != CKR_OK && !storm_did_it) {
        fail(storm, "honest work, %s: %s answers 0x%lx", target->name, what, rv);
    }
    return rv == CKR_OK;
}

static void must_equal(const struct storm *storm, const struct target *target, const char *what,
                       const unsigned char *a, CK_ULONG a_size, const unsigned char *b, CK_ULONG b_size)
{
    if (a_size != b_size || memcmp(a, b, a_size) != 0) {
        fail(storm, "honest work, %s: %s gives other bytes (%lu, %lu)", target->name, what, a_size, b_size);
    }
}

static CK_RV make_key(CK_SESSION_HANDLE session, const unsigned char value[32], CK_OBJECT_HANDLE *ret_key)
{
    unsigned char copy[32];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                               {CKA_KEY_TYPE, &aes, sizeof aes},
                               {CKA_TOKEN, &no, 1},
                               {CKA_ENCRYPT, &yes, 1},
                               {CKA_DECRYPT, &yes, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_VALUE, copy, sizeof copy}};

    memcpy(copy, value, sizeof copy);
    return P11->C_CreateObject(session, template, sizeof template / sizeof template[0], ret_key);
}

typedef CK_RV update(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_size, CK_BYTE *out,
                     CK_ULONG *out_size);
typedef CK_RV final(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_size);

/* The rest of an operation in random parts: in place or not, after size queries and short buffers. */
static CK_RV in_parts(struct storm *storm, CK_SESSION_HANDLE session, update *part, final *end,
                      const unsigned char *in, CK_ULONG in_size, unsigned char *out, CK_ULONG *ret_size)
{
    CK_ULONG written = 0, size;
    CK_RV rv;

    for (CK_ULONG at = 0, step; at < in_size; at += step) {
        unsigned char place[2 * MOST];
        unsigned char *from = one_in(storm, 2) ? place : place + MOST;

        step = 1 + pick(storm, 40);
        step = step > in_size - at ? in_size - at : step;
        memcpy(from, in + at, step);
        if (one_in(storm, 3) && (rv = part(session, from, step, NULL, &size)) != CKR_OK) {
            return rv;
        }
        size = MOST;
        rv = part(session, from, step, place, &size);
        if (rv != CKR_OK) {
            return rv;
        }
        memcpy(out + written, place, size);
        written += size;
    }
    size = 0;
    rv = one_in(storm, 2) ? end(session, out + written, &size) : CKR_BUFFER_TOO_SMALL;
    if (rv == CKR_BUFFER_TOO_SMALL) {
        size = 2 * MOST - written;
        rv = end(session, out + written, &size);
    }
    *ret_size = written + size;
    return rv;
}

static void crypt(struct storm *storm, struct target *target, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    unsigned char iv[16], text[MOST], whole[2 * MOST], parts[2 * MOST];
    CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, 16};
    CK_ULONG size = pick(storm, 200), whole_size = sizeof whole, parts_size = 0;

    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (unsigned char)roll(storm);
    }
    memcpy(iv, text, sizeof iv);
    if (one_in(storm, 2)) {
        mechanism = (CK_MECHANISM){CKM_AES_GCM, &gcm, sizeof gcm};
    }
    if (!went_well(storm, target, "C_EncryptInit", P11->C_EncryptInit(session, &mechanism, key)) ||
        !went_well(storm, target, "C_Encrypt", P11->C_Encrypt(session, text, size, whole, &whole_size)) ||
        !went_well(storm, target, "C_EncryptInit", P11->C_EncryptInit(session, &mechanism, key)) ||
        !went_well(storm, target, "encryption in parts",
                   in_parts(storm, session, P11->C_EncryptUpdate, P11->C_EncryptFinal, text, size, parts,
                            &parts_size))) {
        return;
    }
    must_equal(storm, target, "encryption in parts", whole, whole_size, parts, parts_size);
    if (!went_well(storm, target, "C_DecryptInit", P11->C_DecryptInit(session, &mechanism, key)) ||
        !went_well(storm, target, "decryption in parts",
                   in_parts(storm, session, P11->C_DecryptUpdate, P11->C_DecryptFinal, whole, whole_size,
                            parts, &parts_size))) {
        return;
    }
    must_equal(storm, target, "decryption in parts", text, size, parts, parts_size);
}

static void wrap(struct storm *storm, struct target *target, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                 const unsigned char value[32])
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                               {CKA_KEY_TYPE, &aes, sizeof aes},
                               {CKA_TOKEN, &no, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1}};
    unsigned char blob[512], back[32];
    CK_ATTRIBUTE read = {CKA_VALUE, back, sizeof back};
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE opened;

    if (went_well(storm, target, "C_WrapKey",
                  P11->C_WrapKey(session, &mechanism, target->public_kek, key, blob, &size)) &&
        went_well(storm, target, "C_UnwrapKey",
                  P11->C_UnwrapKey(session, &mechanism, target->private_kek, blob, size, template,
                                   sizeof template / sizeof template[0], &opened)) &&
        went_well(storm, target, "C_GetAttributeValue",
                  P11->C_GetAttributeValue(session, opened, &read, 1))) {
        must_equal(storm, target, "wrapping", value, 32, back, read.ulValueLen);
        went_well(storm, target, "C_DestroyObject", P11->C_DestroyObject(session, opened));
    }
}

void honest_work(struct storm *storm, struct target *target)
{
    unsigned char value[32];
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;

    storm->call = "honest work";
    for (size_t i = 0; i < sizeof value; i++) {
        value[i] = (unsigned char)roll(storm);
    }
    if (!went_well(storm, target, "C_OpenSession",
                   target->open(target, CKF_SERIAL_SESSION | CKF_RW_SESSION, &session))) {
        return;
    }
    if (went_well(storm, target, "C_CreateObject", make_key(session, value, &key))) {
        if (!target->tame) { /* SoftHSM 2.6 loses data of C_DecryptFinal with a short buffer */
            crypt(storm, target, session, key);
        }
        wrap(storm, target, session, key, value);
    }
    went_well(storm, target, "C_CloseSession", P11->C_CloseSession(session));
}
