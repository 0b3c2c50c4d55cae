/* The kinds of identity, by name. */
#include "backends/keyvault/identity/identity.h"
#include <string.h>

const struct identity_kind *const identity_kinds[] = {&client_secret_kind, NULL};

const struct identity_kind *identity_kind_of(const char *name)
{
    const struct identity_kind *const *kind = identity_kinds;

    while (*kind != NULL && strcmp((*kind)->name, name) != 0) {
        kind++;
    }
    return *kind;
}
