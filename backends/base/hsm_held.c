/*
 * How many sessions a vendor's module holds for us: a count beside the life (generation) that it is of, in one word,
 * so that a life that ends forgets its sessions at once, whoever still has to close them.
 */
#include "backends/base/hsm_module.h"

enum { LIFE_SHIFT = 32 };

static unsigned life_of(uint64_t held)
{
    return (unsigned)(held >> LIFE_SHIFT);
}

static unsigned count_of(uint64_t held)
{
    return (unsigned)held;
}

/* The count and the pointer are each written before the other is read, here and by who restarts the module. */
CK_RV hsm_module_session_begin(struct hsm_module *module, unsigned *ret_life)
{
    uint64_t held = atomic_load(&module->held), more;
    unsigned life;

    do {
        life = atomic_load(&module->generation);
        more = life_of(held) == life ? held + 1 : (uint64_t)life << LIFE_SHIFT | 1;
    } while (!atomic_compare_exchange_weak(&module->held, &held, more));
    if (atomic_load(&module->functions) == NULL || atomic_load(&module->generation) != life) {
        hsm_module_session_end(module, life);
        return CKR_CANCEL;
    }
    *ret_life = life;
    return CKR_OK;
}

void hsm_module_session_end(struct hsm_module *module, unsigned life)
{
    uint64_t held = atomic_load(&module->held);

    do {
        if (life_of(held) != life || count_of(held) == 0) {
            return;
        }
    } while (!atomic_compare_exchange_weak(&module->held, &held, held - 1));
}

bool hsm_module_holds_session(struct hsm_module *module)
{
    uint64_t held = atomic_load(&module->held);

    return life_of(held) == atomic_load(&module->generation) && count_of(held) != 0;
}
