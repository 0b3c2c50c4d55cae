/* One random call, made twice: of SoftHSM itself, and through the module. */
#ifndef BYOK_TESTS_BACKENDS_HSM_DIFFERENTIAL_H
#define BYOK_TESTS_BACKENDS_HSM_DIFFERENTIAL_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>
#include <stdint.h>

enum { SESSIONS = 4, OBJECTS = 24, ATTRIBUTES = 6, ATTRIBUTE_ROOM = 300, OUT_ROOM = 1024, SIDES = 2 };

/* The random numbers of a seed; the same on every machine. */
struct dice {
    uint64_t state;
};

uint32_t dice_roll(struct dice *dice, uint32_t sides);

/* What a call is given; the same for both sides but for the handle of its session and its slot. */
struct call {
    const struct operation *operation;
    unsigned session;
    CK_OBJECT_HANDLE object, second;
    CK_MECHANISM mechanism;
    CK_BYTE parameter[64];
    CK_ATTRIBUTE template[ATTRIBUTES];
    CK_BYTE value[ATTRIBUTES][ATTRIBUTE_ROOM];
    CK_ULONG count;
    CK_BYTE data[300];
    CK_ULONG data_size;
    bool no_out;
    CK_ULONG room;
    CK_ULONG number; /* flags, user type and the like */
};

struct answer {
    CK_RV rv;
    CK_OBJECT_HANDLE object, second;
    CK_BYTE out[OUT_ROOM];
    CK_ULONG out_size;
    CK_ATTRIBUTE template[ATTRIBUTES]; /* of C_GetAttributeValue */
    CK_BYTE value[ATTRIBUTES][ATTRIBUTE_ROOM];
    CK_OBJECT_HANDLE found[64];
    CK_SESSION_HANDLE opened;
    CK_SESSION_INFO session_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;
};

/* One of the two. */
struct side {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session[SESSIONS];
};

enum effect {
    NO_EFFECT,
    OPENS,
    CLOSES,
    CLOSES_ALL,
    MAKES_OBJECT,        /* whose value both sides know */
    MAKES_RANDOM_OBJECT, /* whose value differs */
    MAKES_RANDOM_PAIR,
    MAKES_COPY,
    DESTROYS
};

struct operation {
    const char *name;
    unsigned weight;
    bool random_out; /* sizes are compared, bytes are not */
    enum effect effect;
    CK_RV (*run)(const struct side *side, const struct call *call, struct answer *answer);
};

extern const struct operation operations[];
extern const unsigned operation_count;

/* The keys and PIN that calls are made of. */
extern const char *differential_pin;

void call_throw(struct dice *dice, const CK_OBJECT_HANDLE *objects, unsigned object_count,
                struct call *ret_call);

#endif
