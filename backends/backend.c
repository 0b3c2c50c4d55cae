/* The kinds of key store by name. A new kind is one more folder and one more line here. */
#include "backends/backend.h"
#include "backends/hsm/hsm.h"
#include "backends/keyvault/keyvault.h"
#include <string.h>

const struct backend_kind *const backend_kinds[] = {&hsm_kind, &keyvault_kind, NULL};

const char *const backend_words[] = {"hsm", "keyvault", NULL};

const struct backend_kind *backend_kind_of(const struct settings *section)
{
    const char *name = settings_text(section, "backend");

    for (size_t i = 0; backend_kinds[i] != NULL; i++) {
        if (name != NULL && strcmp(backend_kinds[i]->name, name) == 0) {
            return backend_kinds[i];
        }
    }
    return NULL;
}

void backend_after_fork(void)
{
    for (size_t i = 0; backend_kinds[i] != NULL; i++) {
        backend_kinds[i]->after_fork();
    }
}
