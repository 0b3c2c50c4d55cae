/* Values of keys that live here. */
#include "pkcs11/soft/key_value.h"
#include "pkcs11/soft/leasehold.h"
#include <stdlib.h>

struct key_value *key_value_new(void)
{
    struct key_value *value = calloc(1, sizeof *value);

    if (value != NULL) {
        atomic_init(&value->holders, 1);
    }
    return value;
}

struct key_value *key_value_hold(struct key_value *value)
{
    atomic_fetch_add_explicit(&value->holders, 1, memory_order_relaxed);
    return value;
}

static void wipe_value(struct key_value *value)
{
    secret_free(&value->secret);
    key_numbers_done(&value->numbers);
    cipher_spares_done(&value->spares);
    hmac_spares_done(&value->macs);
}

void value_use_end(struct value_use *use)
{
    key_value_unhold(use->value);
    *use = (struct value_use){NULL, 0, false};
}

void key_value_unhold(struct key_value *value)
{
    if (value != NULL && atomic_fetch_sub_explicit(&value->holders, 1, memory_order_acq_rel) == 1) {
        leasehold_free(value->leasehold);
        wipe_value(value);
        free(value);
    }
}
