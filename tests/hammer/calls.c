/* Random calls: where their arguments come from, and what holds behind them. */
#include "tests/hammer/hammer.h"
#include <stdlib.h>
#include <string.h>

enum { CANARY = 0xc5, CANARY_SIZE = 32, MOST_OUT = 640, MOST_ATTRIBUTES = 9 };

#define CALL(function, ...) (storm->call = #function, world.p11->function(__VA_ARGS__))

/* --- Handles --- */

static unsigned own_index(struct storm *storm, const struct target *target, unsigned count)
{
    unsigned index = pick(storm, count);

    return target->tame ? index / THREADS * THREADS % count + storm->thread % THREADS : index;
}

static CK_ULONG nonsense(struct storm *storm, CK_ULONG near)
{
    CK_ULONG words[] = {0, 1, ~0UL, 1UL << 63, near ^ 1, near + (1UL << 20), near ^ (1UL << 52), roll(storm)};

    return words[pick(storm, sizeof words / sizeof words[0])];
}

static CK_SESSION_HANDLE session_of(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = atomic_load(&target->sessions[own_index(storm, target, SESSIONS) % SESSIONS]);

    return one_in(storm, 40) && !target->tame ? nonsense(storm, session) : session;
}

static CK_OBJECT_HANDLE object_of(struct storm *storm, struct target *target)
{
    struct target *other = &world.targets[pick(storm, TOKENS)];

    switch (pick(storm, 12)) {
    case 0:
        return target->tame ? 0 : nonsense(storm, target->public_kek);
    case 1:
        return other->private_kek;
    case 2:
    case 3:
        return target->public_kek;
    case 4:
    case 5:
        return target->private_kek;
    default:
        return atomic_load(&target->objects[own_index(storm, target, OBJECTS) % OBJECTS]);
    }
}

/* What was in its place is destroyed, or the storm would drown in keys. */
static void keep_object(struct storm *storm, struct target *target, CK_SESSION_HANDLE session,
                        CK_OBJECT_HANDLE made)
{
    CK_OBJECT_HANDLE old =
        atomic_exchange(&target->objects[own_index(storm, target, OBJECTS) % OBJECTS], made);

    if (made == 0) {
        fail(storm, "CKR_OK with the handle 0");
    }
    if (old != 0) {
        world.p11->C_DestroyObject(session, old);
    }
}

/* --- Bytes --- */

/* Room for an answer, with a canary behind it. `data` NULL: a size query. */
struct out {
    unsigned char *memory, *data;
    CK_ULONG room, size;
};

static struct out out_new(struct storm *storm)
{
    static const CK_ULONG rooms[] = {0, 1, 15, 16, 17, 32, 40, 255, 256, 257, 384, 512, MOST_OUT};
    struct out out = {.room = rooms[pick(storm, sizeof rooms / sizeof rooms[0])]};

    out.memory = malloc(out.room + CANARY_SIZE);
    memset(out.memory, CANARY, out.room + CANARY_SIZE);
    out.size = out.room;
    out.data = out.memory;
    if (one_in(storm, 6)) {
        out.data = NULL;
        out.size = one_in(storm, 2) ? ~0UL : 0;
    }
    return out;
}

static void out_check(struct storm *storm, const struct target *target, struct out *out, CK_RV rv)
{
    check_rv(storm, target, rv);
    for (CK_ULONG i = 0; i < CANARY_SIZE; i++) {
        if (out->memory[out->room + i] != CANARY) {
            fail(storm, "wrote behind the %lu bytes it was given", out->room);
        }
    }
    if (rv == CKR_OK && out->data != NULL && out->size > out->room) {
        fail(storm, "CKR_OK and %lu bytes into %lu", out->size, out->room);
    }
    if (rv == CKR_BUFFER_TOO_SMALL && !target->tame && (out->data == NULL || out->size <= out->room)) {
        fail(storm, "%lu bytes are too small, it asks for %lu", out->room, out->size);
    }
    free(out->memory);
}

/*
 * Exactly so many bytes on the heap, for a sanitizer to see each read too many.
 * Often of a sensible length.
 */
static unsigned char *in_new(struct storm *storm, CK_ULONG *ret_size)
{
    static const CK_ULONG sizes[] = {0, 1, 15, 16, 17, 24, 32, 40, 48, 100, 255, 256, 257, 384, 512, 513};
    CK_ULONG size = sizes[pick(storm, sizeof sizes / sizeof sizes[0])];
    unsigned char *data = malloc(size + (size == 0));

    for (CK_ULONG i = 0; i < size; i++) {
        data[i] = (unsigned char)roll(storm);
    }
    *ret_size = size;
    return data;
}

/* --- Mechanisms --- */

struct mechanism {
    CK_MECHANISM mechanism;
    unsigned char iv[128];
    unsigned char
        room[1 + sizeof(CK_GCM_PARAMS) + sizeof(CK_RSA_PKCS_OAEP_PARAMS)]; /* parameters, unaligned */
};

static void put_oaep(struct storm *storm, struct mechanism *to)
{
    bool sha256 = one_in(storm, 2);
    CK_RSA_PKCS_OAEP_PARAMS oaep = {sha256 ? CKM_SHA256 : CKM_SHA_1, sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1,
                                    CKZ_DATA_SPECIFIED, NULL, 0};

    if (one_in(storm, 8)) {
        oaep.ulSourceDataLen = nonsense(storm, 3);
        oaep.hashAlg = one_in(storm, 2) ? nonsense(storm, CKM_SHA_1) : oaep.hashAlg;
    }
    memcpy(to->room + 1, &oaep, sizeof oaep);
    to->mechanism = (CK_MECHANISM){CKM_RSA_PKCS_OAEP, to->room + 1, sizeof oaep};
}

static void put_gcm(struct storm *storm, struct mechanism *to)
{
    CK_GCM_PARAMS gcm = {to->iv, 12, 96, to->iv + 20, pick(storm, 40), 96 + 8 * pick(storm, 5)};

    if (one_in(storm, 6)) {
        gcm.ulIvLen = 1 + pick(storm, sizeof to->iv);
        gcm.ulIvBits = one_in(storm, 2) ? 0 : gcm.ulIvLen * 8;
    }
    if (one_in(storm, 8)) {
        gcm.pIv = one_in(storm, 2) ? NULL : gcm.pIv;
        gcm.ulIvLen = one_in(storm, 2) ? 1UL << 40 : 0;
        gcm.pAAD = NULL;
        gcm.ulTagBits = nonsense(storm, 128);
    }
    memcpy(to->room + 1, &gcm, sizeof gcm);
    to->mechanism = (CK_MECHANISM){CKM_AES_GCM, to->room + 1, sizeof gcm};
}

static CK_MECHANISM *mechanism_new(struct storm *storm, struct mechanism *to)
{
    static const CK_MECHANISM_TYPE others[] = {CKM_RSA_X_509, CKM_AES_ECB, CKM_AES_CBC, CKM_SHA256,
                                               0x80000001};

    memset(to, 0, sizeof *to);
    switch (pick(storm, 8)) {
    case 0:
    case 1:
        put_oaep(storm, to);
        break;
    case 2:
    case 3:
        put_gcm(storm, to);
        break;
    case 4:
        to->mechanism = (CK_MECHANISM){CKM_AES_CBC_PAD, to->iv, 16};
        break;
    case 5:
        to->mechanism = (CK_MECHANISM){CKM_AES_KEY_WRAP, NULL, 0};
        break;
    case 6:
        to->mechanism = (CK_MECHANISM){CKM_RSA_PKCS, NULL, 0};
        break;
    default:
        to->mechanism = (CK_MECHANISM){others[pick(storm, sizeof others / sizeof others[0])], NULL, 0};
    }
    if (one_in(storm, 12)) {
        to->mechanism.ulParameterLen = one_in(storm, 2) ? 0 : nonsense(storm, 1UL << 40);
        to->mechanism.pParameter = one_in(storm, 2) ? NULL : to->mechanism.pParameter;
    }
    return one_in(storm, 20) ? NULL : &to->mechanism;
}

/* --- Templates --- */

struct template
{
    CK_ATTRIBUTE list[MOST_ATTRIBUTES + 4];
    unsigned char values[MOST_ATTRIBUTES + 4][1 + 72]; /* each unaligned */
    CK_ULONG count;
};

static void put(struct template *to, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG size)
{
    unsigned char *place = to->values[to->count] + 1;

    memcpy(place, value, size);
    to->list[to->count++] = (CK_ATTRIBUTE){type, place, size};
}

static void put_number(struct template *to, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
    put(to, type, &number, sizeof number);
}

static void put_random(struct storm *storm, struct template *to)
{
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,  CKA_UNWRAP, CKA_SENSITIVE, CKA_EXTRACTABLE,
        CKA_PRIVATE, CKA_TOKEN,   CKA_LABEL, CKA_ID,     CKA_VALUE,     CKA_VALUE_LEN,
        CKA_TRUSTED, CKA_MODULUS, CKA_LOCAL, CKA_SIGN,   CKA_CLASS,     0x80000123};
    CK_ATTRIBUTE_TYPE type = types[pick(storm, sizeof types / sizeof types[0])];
    unsigned char value[72];
    CK_ULONG size = one_in(storm, 4) ? pick(storm, sizeof value) : 1;

    memset(value, (int)pick(storm, 3), sizeof value);
    put(to, type, value, type == CKA_VALUE_LEN ? sizeof(CK_ULONG) : size);
}

static void spoil(struct storm *storm, CK_ATTRIBUTE *attribute)
{
    static const CK_ULONG sizes[] = {0, 4, ~0UL, 1UL << 40, 1UL << 63};

    attribute->ulValueLen = sizes[pick(storm, sizeof sizes / sizeof sizes[0])];
    attribute->pValue = one_in(storm, 2) ? NULL : attribute->pValue;
}

/* For an AES key; `size` 0: no CKA_VALUE_LEN. */
static void template_key(struct storm *storm, struct template *to, CK_ULONG size)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_EXTRACTABLE};
    CK_BBOOL no = CK_FALSE;

    memset(to, 0, sizeof *to);
    put_number(to, CKA_CLASS, CKO_SECRET_KEY);
    put_number(to, CKA_KEY_TYPE, CKK_AES);
    put(to, CKA_TOKEN, &no, 1);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        put(to, uses[i], &(CK_BBOOL){one_in(storm, 5) ? CK_FALSE : CK_TRUE}, 1);
    }
    if (size != 0) {
        put_number(to, CKA_VALUE_LEN, size);
    }
    while (one_in(storm, 5) && to->count < MOST_ATTRIBUTES + 4) {
        put_random(storm, to);
    }
    if (one_in(storm, 12)) {
        spoil(storm, &to->list[pick(storm, (unsigned)to->count)]);
    }
    if (one_in(storm, 40)) {
        to->count = nonsense(storm, 1UL << 60) | 1UL << 32;
    }
}

/* --- Calls --- */

static void call_sessions(struct storm *storm, struct target *target)
{
    unsigned at = own_index(storm, target, SESSIONS) % SESSIONS;
    CK_SESSION_HANDLE opened = 0, old;
    CK_FLAGS flags = CKF_SERIAL_SESSION | (one_in(storm, 3) && !target->tame ? 0 : CKF_RW_SESSION);
    CK_RV rv;

    if (!target->tame && one_in(storm, 30)) {
        check_rv(storm, target, CALL(C_CloseAllSessions, target->slot));
        return;
    }
    storm->call = "C_OpenSession";
    rv = target->open(target, flags, &opened);
    check_rv(storm, target, rv);
    if (rv != CKR_OK || opened == 0) {
        fail(storm, "no session: 0x%lx", rv);
    }
    old = atomic_exchange(&target->sessions[at], opened);
    if (old != 0) {
        check_rv(storm, target, CALL(C_CloseSession, old));
        rv = CALL(C_GetSessionInfo, old, &(CK_SESSION_INFO){0});
        if (rv != CKR_SESSION_HANDLE_INVALID) {
            fail(storm, "a closed session answers 0x%lx", rv);
        }
    }
}

static void call_create(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    struct template template;
    CK_OBJECT_HANDLE made = 0;
    CK_RV rv;

    if (one_in(storm, 2)) {
        template_key(storm, &template, 8 + 8 * pick(storm, 4));
        rv = CALL(C_GenerateKey, session, &generate, template.list, template.count, &made);
    } else {
        template_key(storm, &template, 0);
        if (template.count < MOST_ATTRIBUTES + 4) {
            put(&template, CKA_VALUE, "0123456789abcdef0123456789abcdef", 16);
        }
        rv = CALL(C_CreateObject, session, template.list, template.count, &made);
    }
    check_rv(storm, target, rv);
    if (rv == CKR_OK) {
        keep_object(storm, target, session, made);
    }
}

static void call_destroy(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    CK_OBJECT_HANDLE object = atomic_load(&target->objects[own_index(storm, target, OBJECTS) % OBJECTS]);
    CK_ULONG size;
    CK_RV rv = CALL(C_DestroyObject, session, object);

    check_rv(storm, target, rv);
    if (rv == CKR_OK) {
        rv = CALL(C_GetObjectSize, session, object, &size);
        if (rv != CKR_OBJECT_HANDLE_INVALID && rv != CKR_SESSION_HANDLE_INVALID) {
            fail(storm, "a destroyed object answers 0x%lx", rv);
        }
    }
}

/* Another token's objects are nothing here. */
static void call_across(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = atomic_load(&target->sessions[own_index(storm, target, SESSIONS) % SESSIONS]);
    struct target *other = target == &world.targets[0] ? &world.targets[1] : &world.targets[0];
    CK_RV rv;

    rv = CALL(C_GetAttributeValue, session, other->public_kek, &(CK_ATTRIBUTE){CKA_LABEL, NULL, 0}, 1);
    if (rv != CKR_OBJECT_HANDLE_INVALID && rv != CKR_SESSION_HANDLE_INVALID) {
        fail(storm, "an object of the other token answers 0x%lx", rv);
    }
}

static void call_attributes(struct storm *storm, struct target *target)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,   CKA_LABEL, CKA_ID,    CKA_VALUE, CKA_VALUE_LEN,
                                              CKA_MODULUS, CKA_WRAP,  CKA_LOCAL, 0x80000123};
    CK_SESSION_HANDLE session = session_of(storm, target);
    CK_OBJECT_HANDLE object = object_of(storm, target);
    struct out out = out_new(storm);
    CK_ATTRIBUTE list[2] = {{types[pick(storm, sizeof types / sizeof types[0])], out.data, out.size},
                            {CKA_CLASS, NULL, 0}};
    CK_RV rv = CALL(C_GetAttributeValue, session, object, list, 2);

    out.size = list[0].ulValueLen;
    if (rv == CKR_OK && list[1].ulValueLen != sizeof(CK_ULONG)) {
        fail(storm, "a class of %lu bytes", list[1].ulValueLen);
    }
    out_check(storm, target, &out, rv == CKR_BUFFER_TOO_SMALL ? CKR_OBJECT_HANDLE_INVALID : rv);
    if (!target->tame) {
        check_rv(storm, target, CALL(C_SetAttributeValue, session, object, list + 1, 1));
        check_rv(storm, target, CALL(C_CopyObject, session, object, NULL, 0, &(CK_OBJECT_HANDLE){0}));
    }
}

static void call_find(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    CK_OBJECT_HANDLE found[8];
    struct template template = {.count = 0};
    CK_ULONG count = 0;
    CK_RV rv;

    if (one_in(storm, 2)) {
        put(&template, CKA_LABEL, "kek", 3);
    }
    put_number(&template, CKA_CLASS, CKO_PUBLIC_KEY + pick(storm, 3));
    if (one_in(storm, 4)) {
        put_random(storm, &template);
    }
    check_rv(storm, target, CALL(C_FindObjectsInit, session, template.list, template.count));
    rv = CALL(C_FindObjects, session, found, 1 + pick(storm, 8), &count);
    check_rv(storm, target, rv);
    if (rv == CKR_OK && (count > 8 || (count > 0 && found[0] == 0))) {
        fail(storm, "%lu objects were found", count);
    }
    if (!one_in(storm, 8)) {
        check_rv(storm, target, CALL(C_FindObjectsFinal, session));
    }
}

static void call_wrap(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    struct mechanism room;
    CK_MECHANISM *mechanism = mechanism_new(storm, &room);
    CK_OBJECT_HANDLE kek = object_of(storm, target), key = object_of(storm, target), made = 0;
    struct out out = out_new(storm);
    struct template template;
    unsigned char blob[MOST_OUT] = {0};
    CK_RV rv = CALL(C_WrapKey, session, mechanism, kek, key, out.data, &out.size);

    if (rv == CKR_OK && out.data != NULL && out.size <= sizeof blob) {
        memcpy(blob, out.data, out.size);
    }
    CK_ULONG size = out.data == NULL || out.size > sizeof blob ? pick(storm, sizeof blob) : out.size;

    out_check(storm, target, &out, rv);
    template_key(storm, &template, 0);
    kek = kek == target->public_kek ? target->private_kek : kek;
    rv = CALL(C_UnwrapKey, session, mechanism, kek, one_in(storm, 30) ? NULL : blob, size, template.list,
              template.count, &made);
    check_rv(storm, target, rv);
    if (rv == CKR_OK) {
        keep_object(storm, target, session, made);
    }
}

typedef CK_RV whole(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_size, CK_BYTE *out,
                    CK_ULONG *out_size);
typedef CK_RV final(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_size);

static void run_whole(struct storm *storm, struct target *target, const char *name, whole *call)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    struct out out = out_new(storm);
    CK_ULONG size;
    unsigned char *in = in_new(storm, &size);
    bool hostile = one_in(storm, 25);

    storm->call = name;
    out_check(storm, target, &out, call(session, hostile ? NULL : in, size, out.data, &out.size));
    free(in);
}

static void run_final(struct storm *storm, struct target *target, const char *name, final *call)
{
    struct out out = out_new(storm);

    storm->call = name;
    out_check(storm, target, &out, call(session_of(storm, target), out.data, &out.size));
}

static void call_crypt(struct storm *storm, struct target *target)
{
    struct mechanism room;
    CK_MECHANISM *mechanism = mechanism_new(storm, &room);
    CK_SESSION_HANDLE session = session_of(storm, target);
    CK_OBJECT_HANDLE key = object_of(storm, target);

    switch (pick(storm, 8)) {
    case 0:
        check_rv(storm, target, CALL(C_EncryptInit, session, mechanism, key));
        break;
    case 1:
        check_rv(storm, target, CALL(C_DecryptInit, session, mechanism, key));
        break;
    case 2:
        run_whole(storm, target, "C_Encrypt", world.p11->C_Encrypt);
        break;
    case 3:
        run_whole(storm, target, "C_Decrypt", world.p11->C_Decrypt);
        break;
    case 4:
        run_whole(storm, target, "C_EncryptUpdate", world.p11->C_EncryptUpdate);
        break;
    case 5:
        run_whole(storm, target, "C_DecryptUpdate", world.p11->C_DecryptUpdate);
        break;
    case 6:
        run_final(storm, target, "C_EncryptFinal", world.p11->C_EncryptFinal);
        break;
    default:
        run_final(storm, target, "C_DecryptFinal", world.p11->C_DecryptFinal);
    }
}

static void call_other(struct storm *storm, struct target *target)
{
    CK_SESSION_HANDLE session = session_of(storm, target);
    struct out out = out_new(storm);
    CK_RV rv = CALL(C_GenerateRandom, session, out.data, out.data == NULL ? 1 : out.room);

    out_check(storm, target, &out, target->tame ? CKR_OK : rv);
    check_rv(storm, target, CALL(C_GetSessionInfo, session, &(CK_SESSION_INFO){0}));
    check_rv(storm, target, CALL(C_GetTokenInfo, target->slot, &(CK_TOKEN_INFO){0}));
    if (target->tame) {
        return;
    }
    check_rv(storm, target, CALL(C_GetSessionInfo, session, NULL));
    check_rv(storm, target, CALL(C_Login, session, pick(storm, 4), (CK_BYTE *)storm, pick(storm, 4)));
    if (one_in(storm, 10)) {
        check_rv(storm, target, CALL(C_Logout, session));
    }
    check_rv(storm, target, CALL(C_SignInit, session, NULL, 0));
    check_rv(storm, target, CALL(C_DigestInit, session, NULL));
    check_rv(storm, target, CALL(C_GenerateKeyPair, session, NULL, NULL, 1, NULL, ~0UL, NULL, NULL));
    check_rv(storm, target, CALL(C_DeriveKey, session, NULL, 0, NULL, 1, NULL));
    check_rv(storm, target, CALL(C_SeedRandom, session, NULL, 4));
    check_rv(storm, target, CALL(C_FindObjects, session, NULL, 4, NULL));
    check_rv(storm, target, CALL(C_WrapKey, session, NULL, 0, 0, NULL, NULL));
    check_rv(storm, target, CALL(C_UnwrapKey, session, NULL, 0, NULL, 5, NULL, 5, NULL));
    check_rv(storm, target, CALL(C_Encrypt, session, NULL, 5, NULL, NULL));
    check_rv(storm, target, CALL(C_GetOperationState, session, NULL, NULL));
}

/*
 * SoftHSM 2.6 ends the whole process over some sequences of cipher calls (exit(5) inside C_Encrypt), and
 * crashes in C_FindObjectsInit while other threads make and destroy objects: neither can be mended here.
 */
static void tame_call(struct storm *storm, struct target *target)
{
    static void (*const calls[])(struct storm * storm, struct target * target) = {
        call_sessions, call_across, call_attributes, call_other, honest_work};

    calls[pick(storm, sizeof calls / sizeof calls[0])](storm, target);
}

void random_call(struct storm *storm)
{
    static void (*const calls[])(struct storm * storm, struct target * target) = {
        call_sessions,   call_create, call_create, call_destroy, call_across, call_attributes,
        call_attributes, call_find,   call_wrap,   call_wrap,    call_crypt,  call_crypt,
        call_crypt,      call_crypt,  call_crypt,  call_crypt,   call_crypt,  call_other};

    struct target *target = &world.targets[pick(storm, TOKENS)];

    if (target->tame) {
        tame_call(storm, target);
    } else {
        calls[pick(storm, sizeof calls / sizeof calls[0])](storm, target);
    }
}

/* Whatever is asked, these say that something broke here: no fault is injected, and the service is well. */
void check_rv(const struct storm *storm, const struct target *target, CK_RV rv)
{
    bool known = rv <= CKR_FUNCTION_REJECTED;

    if (!known || (!target->tame && (rv == CKR_GENERAL_ERROR || rv == CKR_HOST_MEMORY ||
                                     rv == CKR_FUNCTION_FAILED || rv == CKR_DEVICE_ERROR ||
                                     rv == CKR_DEVICE_MEMORY || rv == CKR_CRYPTOKI_NOT_INITIALIZED))) {
        fail(storm, "%s answers 0x%lx", target->name, rv);
    }
}
