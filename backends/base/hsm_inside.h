/*
 * Which vendors' modules this thread is inside of. Such a module may come back to us on the same thread, under a
 * lock of its own: SoftHSM does, through libcrypto, when the host's OpenSSL has a provider or an engine over this
 * module. Calling it again would have it wait for itself, so whoever is inside gets an answer without it.
 */
#ifndef BYOK_BASE_HSM_INSIDE_H
#define BYOK_BASE_HSM_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

struct hsm_module;

struct hsm_inside {
    const struct hsm_module *module;
    const struct hsm_inside *outer;
    const struct hsm_inside **innermost; /* this thread's */
};

extern _Thread_local const struct hsm_inside *hsm_inside_innermost; /* use what follows */

static inline bool hsm_inside_has(const struct hsm_inside *mark, const struct hsm_module *module)
{
    while (mark != NULL && mark->module != module) {
        mark = mark->outer;
    }
    return mark != NULL;
}

static inline bool hsm_is_inside(const struct hsm_module *module)
{
    return hsm_inside_has(hsm_inside_innermost, module);
}

/*
 * Round each call into the module, with a mark on the stack. False: this thread is inside already, and neither
 * calls the module nor hsm_inside_end().
 */
static inline bool hsm_inside_begin(struct hsm_inside *mark, const struct hsm_module *module)
{
    const struct hsm_inside **innermost = &hsm_inside_innermost;

    __asm__("" : "+r"(innermost)); /* else it is a constant to gcc, which asks the dynamic linker for it twice */
    if (hsm_inside_has(*innermost, module)) {
        return false;
    }
    *mark = (struct hsm_inside){module, *innermost, innermost};
    *innermost = mark;
    return true;
}

static inline void hsm_inside_end(const struct hsm_inside *mark)
{
    *mark->innermost = mark->outer;
}

/* Round a call from inside that the module means to make (Notify): it holds no lock then, or its own risk. */
static inline const struct hsm_inside *hsm_inside_suspend(void)
{
    const struct hsm_inside *mark = hsm_inside_innermost;

    hsm_inside_innermost = NULL;
    return mark;
}

static inline void hsm_inside_resume(const struct hsm_inside *mark)
{
    hsm_inside_innermost = mark;
}

#endif
