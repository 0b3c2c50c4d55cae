/* Mechanisms for random calls: those of the token and others, with a parameter that fits or does not. */
#include "tests/pkcs11/soft/random/random.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_PARAMETER = 128 };

/* The largest of them goes to the heap, exactly as long as it says. */
union parameter {
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_GCM_PARAMS gcm;
    CK_AES_CTR_PARAMS ctr;
    struct {
        CK_ULONG aes_bits;
        CK_RSA_PKCS_OAEP_PARAMS *oaep;
    } rsa_aes;
    unsigned char bytes[MOST_PARAMETER];
};

static CK_RSA_PKCS_OAEP_PARAMS oaep_of(struct caller *caller)
{
    bool sha256 = one_in(caller, 2);
    CK_RSA_PKCS_OAEP_PARAMS oaep = {sha256 ? CKM_SHA256 : CKM_SHA_1, sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1,
                                    CKZ_DATA_SPECIFIED, NULL, 0};

    if (one_in(caller, 6)) {
        oaep.ulSourceDataLen = roll(caller);
        oaep.hashAlg = one_in(caller, 2) ? roll(caller) : CKM_SHA384;
    }
    return oaep;
}

static CK_ULONG put_gcm(struct caller *caller, struct arguments *arguments, union parameter *to)
{
    CK_GCM_PARAMS gcm = {arguments->iv,           12, 96, arguments->iv + 20, pick(caller, 40),
                         96 + 8 * pick(caller, 5)};

    if (one_in(caller, 5)) {
        gcm.pIv = one_in(caller, 3) ? NULL : gcm.pIv;
        gcm.ulIvLen = one_in(caller, 2) ? 1UL << 40 : 0;
        gcm.pAAD = NULL;
        gcm.ulTagBits = one_in(caller, 2) ? roll(caller) : 128;
    }
    to->gcm = gcm;
    return sizeof gcm;
}

static CK_ULONG put_pss(struct caller *caller, union parameter *to)
{
    static const CK_MECHANISM_TYPE hashes[] = {CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512, 0x4711};
    static const CK_RSA_PKCS_MGF_TYPE mgfs[] = {CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA384,
                                                CKG_MGF1_SHA512};
    static const CK_ULONG salts[] = {20, 32, 48, 64, 0, 222, ~0UL, 1UL << 63};
    unsigned which = 1 + pick(caller, 3);

    to->pss = (CK_RSA_PKCS_PSS_PARAMS){hashes[which], mgfs[which], salts[which]};
    if (one_in(caller, 3)) {
        to->pss = (CK_RSA_PKCS_PSS_PARAMS){PICK(caller, hashes), PICK(caller, mgfs), PICK(caller, salts)};
    }
    return sizeof to->pss;
}

static CK_ULONG put_rsa_aes(struct caller *caller, struct arguments *arguments, union parameter *to)
{
    static const CK_ULONG bits[] = {128, 192, 256, 256, 256, 0, 64, ~0UL};
    CK_RSA_PKCS_OAEP_PARAMS oaep = oaep_of(caller);

    memcpy(arguments->iv, &oaep, sizeof oaep);
    to->rsa_aes.aes_bits = PICK(caller, bits);
    to->rsa_aes.oaep = one_in(caller, 12) ? NULL : (void *)arguments->iv;
    return sizeof to->rsa_aes;
}

/* What this mechanism takes; 0: nothing. */
static CK_ULONG put_fitting(struct caller *caller, CK_MECHANISM_TYPE type, struct arguments *arguments,
                            union parameter *to)
{
    switch (type) {
    case CKM_RSA_PKCS_OAEP:
        to->oaep = oaep_of(caller);
        return sizeof to->oaep;
    case CKM_RSA_PKCS_PSS:
    case CKM_SHA256_RSA_PKCS_PSS:
    case CKM_SHA384_RSA_PKCS_PSS:
    case CKM_SHA512_RSA_PKCS_PSS:
        return put_pss(caller, to);
    case CKM_AES_GCM:
        return put_gcm(caller, arguments, to);
    case CKM_AES_CTR:
        to->ctr.ulCounterBits = one_in(caller, 4) ? roll(caller) : 1 + pick(caller, 128);
        return sizeof to->ctr;
    case CKM_AES_CBC:
    case CKM_AES_CBC_PAD:
        return 16;
    case CKM_RSA_AES_KEY_WRAP:
        return put_rsa_aes(caller, arguments, to);
    default:
        return 0;
    }
}

static CK_MECHANISM_TYPE type_of(struct caller *caller)
{
    static const CK_MECHANISM_TYPE others[] = {
        CKM_RSA_X_509, CKM_DES3_CBC, CKM_SHA1_RSA_PKCS, CKM_ECDH1_DERIVE, CKM_RSA_PKCS_KEY_PAIR_GEN,
        0x80000001};
    struct world *world = caller->world;

    return one_in(caller, 10) ? PICK(caller, others)
                              : world->mechanisms[pick(caller, (unsigned)world->mechanism_count)];
}

/* For a message, with its IV and its tag in room of their own; or what is too small for it. */
static void put_message(struct caller *caller, struct arguments *arguments)
{
    static const CK_ULONG generators[] = {CKG_NO_GENERATE,          CKG_GENERATE,
                                          CKG_GENERATE_COUNTER,     CKG_GENERATE_RANDOM,
                                          CKG_GENERATE_COUNTER_XOR, 0x4711};
    struct gcm_message_params *message = &arguments->message;

    *message = (struct gcm_message_params){arguments->iv,        12,
                                           pick(caller, 3) * 32, PICK(caller, generators),
                                           arguments->iv + 64,   96 + 8 * pick(caller, 5)};
    if (one_in(caller, 4)) {
        message->iv = one_in(caller, 3) ? NULL : message->iv;
        message->iv_size = one_in(caller, 2) ? 1UL << 40 : pick(caller, 32);
        message->iv_fixed_bits = roll(caller);
        message->tag = one_in(caller, 3) ? NULL : message->tag;
        message->tag_bits = roll(caller);
    }
    arguments->parameter = one_in(caller, 20) ? NULL : message;
    arguments->parameter_size = one_in(caller, 20) ? pick(caller, sizeof *message) : sizeof *message;
}

void mechanism_new(struct caller *caller, struct arguments *arguments)
{
    CK_MECHANISM *mechanism = &arguments->mechanism_memory;
    union parameter parameter;
    CK_ULONG size;

    memset(&parameter, (int)pick(caller, 256), sizeof parameter);
    mechanism->mechanism = type_of(caller);
    size = put_fitting(caller, mechanism->mechanism, arguments, &parameter);
    if (one_in(caller, 12)) {
        size = pick(caller, MOST_PARAMETER);
        memset(&parameter, 0, sizeof parameter); /* no pointers out of random bytes */
    }
    arguments->parameter_memory = malloc(size + (size == 0));
    memcpy(arguments->parameter_memory, &parameter, size);
    mechanism->pParameter = size == 0 ? NULL : arguments->parameter_memory;
    mechanism->ulParameterLen = size;
    put_message(caller, arguments);
    if (one_in(caller, 30)) {
        mechanism->pParameter = NULL;
    }
    arguments->mechanism = one_in(caller, 20) ? NULL : mechanism;
}
