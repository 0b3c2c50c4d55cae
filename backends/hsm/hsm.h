/* The HSM token: over another PKCS#11 module, each call passed through. */
#ifndef BYOK_BACKENDS_HSM_HSM_H
#define BYOK_BACKENDS_HSM_HSM_H

#include "backends/backend.h"

/* The kind `backend = hsm`: opens tokens. */
extern const struct backend_kind hsm_kind;

#endif
