/* Where the arguments of random calls come from, and what holds behind them. */
#include "tests/pkcs11/soft/random/random.h"
#include <stdlib.h>
#include <string.h>

enum { CANARY = 0xc5, CANARY_SIZE = 32 };

static CK_ULONG nonsense(struct caller *caller, CK_ULONG near)
{
    CK_ULONG words[] = {0,           1, ~0UL, 1UL << 63, near ^ 1, near + (1UL << 20), near ^ (1UL << 52),
                        roll(caller)};

    return PICK(caller, words);
}

static CK_OBJECT_HANDLE object_of(struct caller *caller)
{
    struct world *world = caller->world;

    switch (pick(caller, 10)) {
    case 0:
        return nonsense(caller, PICK(caller, world->keys));
    case 1:
    case 2:
    case 3:
    case 4:
        return PICK(caller, world->keys);
    default:
        return atomic_load(&world->objects[pick(caller, OBJECTS)]);
    }
}

/* More than there can be: such a length must be seen before anything is read. */
static const CK_ULONG lies[] = {~0UL, ~0UL - 15, 1UL << 63};

struct input input_kept(struct caller *caller)
{
    struct input in = {.size = caller->kept_size};

    in.memory = in.data = malloc(in.size + (in.size == 0));
    memcpy(in.data, caller->kept, in.size);
    if (one_in(caller, 4) && in.size != 0) {
        in.data[pick(caller, (unsigned)in.size)] ^= 1;
    }
    return in;
}

static struct input input_new(struct caller *caller)
{
    static const CK_ULONG sizes[] = {0,  1,  8,  15,  16,  17,  20,  24,  32, 40,
                                     48, 51, 64, 100, 245, 255, 256, 257, 513};
    struct input in = {.size = PICK(caller, sizes)};

    in.memory = in.data = malloc(in.size + (in.size == 0));
    for (CK_ULONG i = 0; i < in.size; i++) {
        in.data[i] = (unsigned char)roll(caller);
    }
    if (one_in(caller, 20)) {
        in.data = NULL;
    } else if (one_in(caller, 20)) {
        in.size = PICK(caller, lies);
    }
    return in;
}

static struct output output_new(struct caller *caller)
{
    static const CK_ULONG rooms[] = {0, 1, 15, 16, 17, 20, 32, 40, 64, 255, 256, 257, 384, MOST_OUT};
    struct output out = {.room = PICK(caller, rooms)};

    out.memory = out.data = malloc(out.room + CANARY_SIZE);
    memset(out.memory, CANARY, out.room + CANARY_SIZE);
    out.size = out.room;
    if (one_in(caller, 6)) {
        out.data = NULL;
        out.size = one_in(caller, 2) ? ~0UL : 0;
    }
    return out;
}

static void put(struct template *to, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG size)
{
    unsigned char *place = to->values[to->count] + 1;

    memcpy(place, value, size);
    to->memory[to->count++] = (CK_ATTRIBUTE){type, place, size};
}

static void put_number(struct template *to, CK_ATTRIBUTE_TYPE type, CK_ULONG number)
{
    put(to, type, &number, sizeof number);
}

static void put_random(struct caller *caller, struct template *to)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,
                                              CKA_TOKEN,
                                              CKA_PRIVATE,
                                              CKA_LABEL,
                                              CKA_ID,
                                              CKA_VALUE,
                                              CKA_VALUE_LEN,
                                              CKA_KEY_TYPE,
                                              CKA_TRUSTED,
                                              CKA_SENSITIVE,
                                              CKA_EXTRACTABLE,
                                              CKA_ENCRYPT,
                                              CKA_DECRYPT,
                                              CKA_WRAP,
                                              CKA_UNWRAP,
                                              CKA_SIGN,
                                              CKA_VERIFY,
                                              CKA_DERIVE,
                                              CKA_MODULUS,
                                              CKA_PUBLIC_EXPONENT,
                                              CKA_LOCAL,
                                              CKA_MODIFIABLE,
                                              CKA_COPYABLE,
                                              CKA_DESTROYABLE,
                                              CKA_ALLOWED_MECHANISMS,
                                              CKA_WRAP_TEMPLATE,
                                              CKA_UNWRAP_TEMPLATE,
                                              CKA_START_DATE,
                                              CKA_EC_POINT,
                                              CKA_EC_PARAMS,
                                              CKA_WRAP_WITH_TRUSTED,
                                              CKA_SUBJECT,
                                              CKA_CERTIFICATE_TYPE,
                                              CKA_UNIQUE_ID,
                                              0x80000123};
    static const CK_ULONG sizes[] = {0, 1, 1, 1, 1, 4, 7, 8, 8, 16, 32, 72};
    unsigned char value[72];

    memset(value, (int)pick(caller, 3), sizeof value);
    put(to, PICK(caller, types), value, PICK(caller, sizes));
}

static void put_key(struct caller *caller, struct template *to)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,       CKA_UNWRAP,
                                             CKA_SIGN,    CKA_VERIFY,  CKA_EXTRACTABLE};
    static const CK_ULONG lengths[] = {16, 24, 32, 32, 20};
    CK_BBOOL yes = CK_TRUE;

    put_number(to, CKA_CLASS, CKO_SECRET_KEY);
    put_number(to, CKA_KEY_TYPE, one_in(caller, 3) ? CKK_GENERIC_SECRET : CKK_AES);
    for (int i = 0; i < 4; i++) {
        put(to, uses[(caller->turn + (unsigned)i * 2) % 7], &yes, 1);
    }
    if (one_in(caller, 2)) {
        put(to, CKA_VALUE, "0123456789abcdef0123456789abcdef", PICK(caller, lengths));
    } else if (one_in(caller, 2)) {
        put_number(to, CKA_VALUE_LEN, PICK(caller, lengths));
    }
}

/* A value that is none. An attribute that is read into has room for what it says, or says a lie of -1. */
static void spoil(struct caller *caller, CK_ATTRIBUTE *attribute)
{
    attribute->pValue = one_in(caller, 2) ? NULL : attribute->pValue;
    attribute->ulValueLen = attribute->pValue != NULL && one_in(caller, 2) ? 0 : PICK(caller, lies);
}

static void template_new(struct caller *caller, struct template *to, bool written)
{
    to->count = 0;
    if (!one_in(caller, 3)) {
        put_key(caller, to);
    }
    while (one_in(caller, 2) && to->count < MOST_ATTRIBUTES) {
        put_random(caller, to);
    }
    if (one_in(caller, 8) && to->count != 0 && !written) {
        spoil(caller, &to->memory[pick(caller, (unsigned)to->count)]);
    }
    to->list = one_in(caller, 60) ? NULL : to->memory;
    to->count = one_in(caller, 60) ? PICK(caller, lies) : to->count;
}

void arguments_new(struct caller *caller, struct arguments *to)
{
    struct world *world = caller->world;

    if (caller->last == NULL || one_in(caller, 4)) { /* some calls in a row, or no operation would get far */
        caller->last = one_in(caller, 4) ? caller->own : PICK(caller, world->sessions);
    }
    to->session = caller->last;
    to->key = object_of(caller);
    to->other_key = object_of(caller);
    to->made[0] = to->made[1] = 0;
    to->ret_made[0] = one_in(caller, 60) ? NULL : &to->made[0];
    to->ret_made[1] = one_in(caller, 60) ? NULL : &to->made[1];
    to->most = pick(caller, 9);
    to->number = 0;
    to->ret_number = one_in(caller, 60) ? NULL : &to->number;
    to->flags = one_in(caller, 2) ? roll(caller) : pick(caller, 4);
    to->in = one_in(caller, 3) ? input_kept(caller) : input_new(caller);
    to->more = input_new(caller);
    to->out = output_new(caller);
    to->out.size_place = one_in(caller, 60) ? NULL : &to->out.size;
    template_new(caller, &to->template, false);
    template_new(caller, &to->other_template, true);
    mechanism_new(caller, to);
}

void arguments_check(struct caller *caller, struct arguments *arguments, CK_RV rv)
{
    struct output *out = &arguments->out;

    for (CK_ULONG i = 0; i < CANARY_SIZE; i++) {
        if (out->memory[out->room + i] != CANARY) {
            fail(caller, "wrote behind the %lu bytes it was given", out->room);
        }
    }
    if (rv == CKR_OK && out->data != NULL && out->size > out->room) {
        fail(caller, "CKR_OK and %lu bytes into %lu", out->size, out->room);
    }
    if (rv == CKR_OK && out->data != NULL && out->size != out->room) {
        memcpy(caller->kept, out->data, out->size);
        caller->kept_size = out->size;
    }
    for (int i = 0; i < 2; i++) {
        if (rv != CKR_OK && arguments->made[i] != 0) {
            fail(caller, "a handle was written and 0x%lx returned", rv);
        }
    }
}

void arguments_free(struct arguments *arguments)
{
    free(arguments->in.memory);
    free(arguments->more.memory);
    free(arguments->out.memory);
    free(arguments->parameter_memory);
}
