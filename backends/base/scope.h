/*
 * Who makes it frees it, and the scope does the freeing: a local that owns something is declared
 *
 *     struct buffer body SCOPED(buffer_free) = BUFFER_INIT(limit);
 *     char *path SCOPED(scope_free) = strdup(name);
 *
 * and is handed over by an explicit take(path). The free function gets a pointer to the variable.
 */
#ifndef BYOK_BASE_SCOPE_H
#define BYOK_BASE_SCOPE_H

#include <stddef.h>
#include <stdlib.h>

#define SCOPED(free_function) __attribute__((cleanup(free_function)))

/* The value of a pointer variable, which is NULL afterwards: its owner is now whoever takes it. */
#define take(variable)                                                                                       \
    __extension__({                                                                                          \
        __typeof__(variable) taken_ = (variable);                                                            \
        (variable) = NULL;                                                                                   \
        taken_;                                                                                              \
    })

/* Makes NAME_scoped(type **), for SCOPED, out of a NAME(type *) that accepts NULL. */
#define DEFINE_SCOPED(type, name)                                                                            \
    static inline void name##_scoped(type **variable)                                                        \
    {                                                                                                        \
        name(*variable);                                                                                     \
    }

/* For what came from malloc and is no secret. */
static inline void scope_free(void *variable)
{
    free(*(void **)variable);
}

#endif
