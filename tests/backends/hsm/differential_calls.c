/* The calls that are compared: how each is made, and what random calls look like. */
#include "tests/backends/hsm/differential.h"
#include <string.h>

const char *differential_pin;

/* xorshift64*, so that a seed means the same everywhere. */
uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return (uint32_t)((dice->state * UINT64_C(2685821657736338717)) >> 33) % sides;
}

#define SESSION   side->session[call->session]
#define MECHANISM (CK_MECHANISM *)(uintptr_t)&call->mechanism
#define DATA      (CK_BYTE *)(uintptr_t)call->data, call->data_size
#define OUT       (call->no_out ? NULL : answer->out), &answer->out_size
#define TEMPLATE  (CK_ATTRIBUTE *)(uintptr_t)call->template, call->count
#define RUN(name, ...)                                                                                       \
    static CK_RV run_##name(const struct side *side, const struct call *call, struct answer *answer)         \
    {                                                                                                        \
        (void)answer, (void)call;                                                                            \
        return side->functions->C_##name(__VA_ARGS__);                                                       \
    }

RUN(OpenSession, side->slot, call->number, NULL, NULL, &answer->opened)
RUN(CloseSession, SESSION)
RUN(CloseAllSessions, side->slot)
RUN(GetSessionInfo, SESSION, &answer->session_info)
RUN(GetTokenInfo, side->slot, &answer->token_info)
RUN(GetMechanismInfo, side->slot, call->mechanism.mechanism, &answer->mechanism_info)
RUN(InitPIN, SESSION, (CK_BYTE *)(uintptr_t)differential_pin, strlen(differential_pin))
RUN(SetPIN, SESSION, (CK_BYTE *)(uintptr_t)differential_pin, strlen(differential_pin),
    (CK_BYTE *)(uintptr_t)differential_pin, call->number)
RUN(GetOperationState, SESSION, OUT)
RUN(SetOperationState, SESSION, DATA, call->object, call->second)
RUN(Logout, SESSION)
RUN(CreateObject, SESSION, TEMPLATE, &answer->object)
RUN(CopyObject, SESSION, call->object, TEMPLATE, &answer->object)
RUN(DestroyObject, SESSION, call->object)
RUN(GetObjectSize, SESSION, call->object, &answer->out_size)
RUN(SetAttributeValue, SESSION, call->object, TEMPLATE)
RUN(FindObjectsInit, SESSION, TEMPLATE)
RUN(FindObjects, SESSION, answer->found, 64, &answer->out_size)
RUN(FindObjectsFinal, SESSION)
RUN(EncryptInit, SESSION, MECHANISM, call->object)
RUN(Encrypt, SESSION, DATA, OUT)
RUN(EncryptUpdate, SESSION, DATA, OUT)
RUN(EncryptFinal, SESSION, OUT)
RUN(DecryptInit, SESSION, MECHANISM, call->object)
RUN(Decrypt, SESSION, DATA, OUT)
RUN(DecryptUpdate, SESSION, DATA, OUT)
RUN(DecryptFinal, SESSION, OUT)
RUN(DigestInit, SESSION, MECHANISM)
RUN(Digest, SESSION, DATA, OUT)
RUN(DigestUpdate, SESSION, DATA)
RUN(DigestKey, SESSION, call->object)
RUN(DigestFinal, SESSION, OUT)
RUN(SignInit, SESSION, MECHANISM, call->object)
RUN(Sign, SESSION, DATA, OUT)
RUN(SignUpdate, SESSION, DATA)
RUN(SignFinal, SESSION, OUT)
RUN(SignRecoverInit, SESSION, MECHANISM, call->object)
RUN(SignRecover, SESSION, DATA, OUT)
RUN(VerifyInit, SESSION, MECHANISM, call->object)
RUN(Verify, SESSION, DATA, (CK_BYTE *)(uintptr_t)call->data, call->number)
RUN(VerifyUpdate, SESSION, DATA)
RUN(VerifyFinal, SESSION, DATA)
RUN(VerifyRecoverInit, SESSION, MECHANISM, call->object)
RUN(VerifyRecover, SESSION, DATA, OUT)
RUN(DigestEncryptUpdate, SESSION, DATA, OUT)
RUN(DecryptDigestUpdate, SESSION, DATA, OUT)
RUN(SignEncryptUpdate, SESSION, DATA, OUT)
RUN(DecryptVerifyUpdate, SESSION, DATA, OUT)
RUN(GenerateKey, SESSION, MECHANISM, TEMPLATE, &answer->object)
RUN(GenerateKeyPair, SESSION, MECHANISM, TEMPLATE, TEMPLATE, &answer->object, &answer->second)
RUN(WrapKey, SESSION, MECHANISM, call->object, call->second, OUT)
RUN(UnwrapKey, SESSION, MECHANISM, call->object, DATA, TEMPLATE, &answer->object)
RUN(DeriveKey, SESSION, MECHANISM, call->object, TEMPLATE, &answer->object)
RUN(SeedRandom, SESSION, DATA)
RUN(GenerateRandom, SESSION, answer->out, call->room)
RUN(GetFunctionStatus, SESSION)
RUN(CancelFunction, SESSION)

static CK_RV run_Login(const struct side *side, const struct call *call, struct answer *answer)
{
    CK_ULONG size = strlen(differential_pin) - (call->number & 4 ? 1 : 0);

    (void)answer;
    return side->functions->C_Login(SESSION, call->number & 3, (CK_BYTE *)(uintptr_t)differential_pin, size);
}

static CK_RV run_GetAttributeValue(const struct side *side, const struct call *call, struct answer *answer)
{
    for (CK_ULONG i = 0; i < call->count; i++) {
        bool ask = i % 3 == 2;
        CK_ULONG room = i % 3 == 1 ? call->room % ATTRIBUTE_ROOM : ATTRIBUTE_ROOM;

        answer->template[i] =
            (CK_ATTRIBUTE){call->template[i].type, ask ? NULL : answer->value[i], ask ? 0 : room};
    }
    return side->functions->C_GetAttributeValue(SESSION, call->object, answer->template, call->count);
}

/* A whole AES key, so that the rest has something to work with. */
static CK_RV run_CreateKey(const struct side *side, const struct call *call, struct answer *answer)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = call->number & 1 ? CKK_AES : CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, 1},
        {CKA_PRIVATE, call->number & 2 ? &yes : &no, 1},
        {CKA_SENSITIVE, call->number & 4 ? &yes : &no, 1},
        {CKA_EXTRACTABLE, call->number & 8 ? &yes : &no, 1},
        {CKA_ENCRYPT, &yes, 1},
        {CKA_DECRYPT, call->number & 16 ? &yes : &no, 1},
        {CKA_SIGN, &yes, 1},
        {CKA_VERIFY, &yes, 1},
        {CKA_WRAP, &yes, 1},
        {CKA_UNWRAP, &yes, 1},
        {CKA_VALUE, (CK_BYTE *)(uintptr_t)call->data, call->number & 32 ? 32 : 16},
    };

    return side->functions->C_CreateObject(SESSION, template, sizeof template / sizeof template[0],
                                           &answer -> object);
}

static CK_RV run_UnwrapKeyWhole(const struct side *side, const struct call *call, struct answer *answer)
{
    CK_BYTE blob[OUT_ROOM];
    CK_ULONG size = sizeof blob;
    CK_RV rv = side->functions->C_WrapKey(SESSION, MECHANISM, call->object, call->second, blob, &size);

    return rv == CKR_OK ? side->functions->C_UnwrapKey(SESSION, MECHANISM, call->object, blob, size, TEMPLATE,
                                                       &answer->object)
                        : rv;
}

#define ROW(name, weight, random, effect)                                                                    \
    {                                                                                                        \
#name, weight, random, effect, run_##name                                                            \
    }

const struct operation operations[] = {
    ROW(OpenSession, 6, false, OPENS),
    ROW(CloseSession, 2, false, CLOSES),
    ROW(CloseAllSessions, 1, false, CLOSES_ALL),
    ROW(GetSessionInfo, 4, false, NO_EFFECT),
    ROW(GetTokenInfo, 3, false, NO_EFFECT),
    ROW(GetMechanismInfo, 4, false, NO_EFFECT),
    ROW(InitPIN, 1, false, NO_EFFECT),
    ROW(SetPIN, 1, false, NO_EFFECT),
    ROW(GetOperationState, 1, false, NO_EFFECT),
    ROW(SetOperationState, 1, false, NO_EFFECT),
    ROW(Login, 5, false, NO_EFFECT),
    ROW(Logout, 1, false, NO_EFFECT),
    ROW(CreateObject, 5, false, MAKES_OBJECT),
    ROW(CreateKey, 10, false, MAKES_OBJECT),
    ROW(CopyObject, 4, false, MAKES_COPY),
    ROW(DestroyObject, 2, false, DESTROYS),
    ROW(GetObjectSize, 2, false, NO_EFFECT),
    ROW(GetAttributeValue, 14, false, NO_EFFECT),
    ROW(SetAttributeValue, 5, false, NO_EFFECT),
    ROW(FindObjectsInit, 5, false, NO_EFFECT),
    ROW(FindObjects, 8, false, NO_EFFECT),
    ROW(FindObjectsFinal, 4, false, NO_EFFECT),
    ROW(EncryptInit, 8, false, NO_EFFECT),
    ROW(Encrypt, 6, false, NO_EFFECT),
    ROW(EncryptUpdate, 4, false, NO_EFFECT),
    ROW(EncryptFinal, 4, false, NO_EFFECT),
    ROW(DecryptInit, 8, false, NO_EFFECT),
    ROW(Decrypt, 6, false, NO_EFFECT),
    ROW(DecryptUpdate, 4, false, NO_EFFECT),
    ROW(DecryptFinal, 4, false, NO_EFFECT),
    ROW(DigestInit, 5, false, NO_EFFECT),
    ROW(Digest, 4, false, NO_EFFECT),
    ROW(DigestUpdate, 4, false, NO_EFFECT),
    ROW(DigestKey, 3, false, NO_EFFECT),
    ROW(DigestFinal, 3, false, NO_EFFECT),
    ROW(SignInit, 6, false, NO_EFFECT),
    ROW(Sign, 4, false, NO_EFFECT),
    ROW(SignUpdate, 4, false, NO_EFFECT),
    ROW(SignFinal, 3, false, NO_EFFECT),
    ROW(SignRecoverInit, 1, false, NO_EFFECT),
    ROW(SignRecover, 1, false, NO_EFFECT),
    ROW(VerifyInit, 5, false, NO_EFFECT),
    ROW(Verify, 3, false, NO_EFFECT),
    ROW(VerifyUpdate, 3, false, NO_EFFECT),
    ROW(VerifyFinal, 3, false, NO_EFFECT),
    ROW(VerifyRecoverInit, 1, false, NO_EFFECT),
    ROW(VerifyRecover, 1, false, NO_EFFECT),
    ROW(DigestEncryptUpdate, 1, false, NO_EFFECT),
    ROW(DecryptDigestUpdate, 1, false, NO_EFFECT),
    ROW(SignEncryptUpdate, 1, false, NO_EFFECT),
    ROW(DecryptVerifyUpdate, 1, false, NO_EFFECT),
    ROW(GenerateKey, 5, true, MAKES_RANDOM_OBJECT),
    ROW(GenerateKeyPair, 1, true, MAKES_RANDOM_PAIR),
    ROW(WrapKey, 6, false, NO_EFFECT),
    ROW(UnwrapKey, 3, false, MAKES_OBJECT),
    ROW(UnwrapKeyWhole, 5, false, MAKES_OBJECT),
    ROW(DeriveKey, 2, false, MAKES_OBJECT),
    ROW(SeedRandom, 1, false, NO_EFFECT),
    ROW(GenerateRandom, 3, true, NO_EFFECT),
    ROW(GetFunctionStatus, 1, false, NO_EFFECT),
    ROW(CancelFunction, 1, false, NO_EFFECT),
};
const unsigned operation_count = sizeof operations / sizeof operations[0];

static const struct operation *throw_operation(struct dice *dice)
{
    uint32_t all = 0;

    for (unsigned i = 0; i < operation_count; i++) {
        all += operations[i].weight;
    }
    uint32_t at = dice_roll(dice, all);
    unsigned i = 0;

    while (at >= operations[i].weight) {
        at -= operations[i++].weight;
    }
    return &operations[i];
}

/* Those that give the same on both sides; and some that SoftHSM lacks. */
static const CK_MECHANISM_TYPE mechanisms[] = {
    CKM_AES_CBC,
    CKM_AES_CBC_PAD,
    CKM_AES_ECB,
    CKM_AES_CTR,
    CKM_SHA256,
    CKM_SHA_1,
    CKM_SHA512,
    CKM_SHA256_HMAC,
    CKM_SHA_1_HMAC,
    CKM_AES_CMAC,
    CKM_AES_KEY_WRAP,
    CKM_AES_KEY_GEN,
    CKM_AES_KEY_WRAP_PAD,
    CKM_GENERIC_SECRET_KEY_GEN,
    CKM_EC_KEY_PAIR_GEN,
    CKM_RSA_PKCS,
    CKM_MD5,
    CKM_VENDOR_DEFINED | 7,
};

static void throw_mechanism(struct dice *dice, struct call *call)
{
    call->mechanism.mechanism = mechanisms[dice_roll(dice, sizeof mechanisms / sizeof mechanisms[0])];
    call->mechanism.ulParameterLen = 0;
    if (dice_roll(dice, 2) == 0) {
        return;
    }
    memset(call->parameter, (int)dice_roll(dice, 256), sizeof call->parameter);
    call->mechanism.pParameter = call->parameter;
    call->mechanism.ulParameterLen = dice_roll(dice, 4) == 0 ? dice_roll(dice, 20) : 16;
    if (call->mechanism.mechanism == CKM_AES_CTR) {
        CK_AES_CTR_PARAMS counter = {.ulCounterBits = 64};

        memcpy(call->parameter, &counter, sizeof counter);
        call->mechanism.ulParameterLen = sizeof counter;
    }
}

static const CK_ATTRIBUTE_TYPE attributes[] = {
    CKA_CLASS,     CKA_KEY_TYPE,    CKA_TOKEN,       CKA_PRIVATE,    CKA_LABEL,       CKA_ID,
    CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_ENCRYPT,     CKA_DECRYPT,    CKA_SIGN,        CKA_WRAP,
    CKA_VALUE,     CKA_VALUE_LEN,   CKA_CHECK_VALUE, CKA_MODIFIABLE, CKA_COPYABLE,    CKA_DESTROYABLE,
    CKA_MODULUS,   CKA_LOCAL,       CKA_START_DATE,  CKA_TRUSTED,    CKA_APPLICATION, 0x80004711,
};

static void throw_value(struct dice *dice, CK_ATTRIBUTE *attribute, CK_BYTE *value)
{
    CK_ULONG number = dice_roll(dice, 5);

    attribute->pValue = value;
    switch (attribute->type) {
    case CKA_CLASS:
    case CKA_KEY_TYPE:
    case CKA_VALUE_LEN:
        number = attribute->type == CKA_VALUE_LEN ? 16 : attribute->type == CKA_CLASS ? number : CKK_AES;
        memcpy(value, &number, sizeof number);
        attribute->ulValueLen = sizeof number;
        break;
    case CKA_LABEL:
    case CKA_ID:
    case CKA_VALUE:
    case CKA_APPLICATION:
        memset(value, 'a' + (int)number, 32);
        attribute->ulValueLen = number * 8;
        break;
    case CKA_TOKEN: /* the order in which SoftHSM numbers private token objects is that of its pointers */
        number = 0;
        __attribute__((fallthrough));
    default:
        value[0] = number & 1;
        attribute->ulValueLen = number == 4 ? 2 : 1;
        break;
    }
}

static void throw_template(struct dice *dice, struct call *call)
{
    call->count = dice_roll(dice, ATTRIBUTES + 1);
    for (CK_ULONG i = 0; i < call->count; i++) {
        call->template[i].type = attributes[dice_roll(dice, sizeof attributes / sizeof attributes[0])];
        throw_value(dice, &call->template[i], call -> value[i]);
    }
}

static CK_OBJECT_HANDLE throw_object(struct dice *dice, const CK_OBJECT_HANDLE *objects, unsigned count)
{
    return count == 0 || dice_roll(dice, 16) == 0 ? dice_roll(dice, 200) : objects[dice_roll(dice, count)];
}

void call_throw(struct dice *dice, const CK_OBJECT_HANDLE *objects, unsigned object_count,
                struct call *ret_call)
{
    static const CK_ULONG rooms[] = {0, 1, 16, 20, 32, 256, OUT_ROOM, OUT_ROOM, OUT_ROOM};

    memset(ret_call, 0, sizeof *ret_call);
    ret_call->operation = throw_operation(dice);
    ret_call->session = dice_roll(dice, SESSIONS);
    ret_call->object = throw_object(dice, objects, object_count);
    ret_call->second = throw_object(dice, objects, object_count);
    throw_mechanism(dice, ret_call);
    throw_template(dice, ret_call);
    memset(ret_call->data, (int)dice_roll(dice, 256), sizeof ret_call->data);
    ret_call->data_size = dice_roll(dice, 2) == 0 ? 16 * dice_roll(dice, 10) : dice_roll(dice, 300);
    ret_call->no_out = dice_roll(dice, 6) == 0;
    ret_call->room = rooms[dice_roll(dice, sizeof rooms / sizeof rooms[0])];
    ret_call->number = dice_roll(dice, 64);
    if (ret_call->operation->effect == OPENS) {
        ret_call->number =
            dice_roll(dice, 8) == 0 ? 0 : CKF_SERIAL_SESSION | (ret_call->number & CKF_RW_SESSION);
    }
}
