/* The quota. */
#include "tests/standin/quota.h"
#include "tests/standin/text.h"
#include <string.h>

enum { SOFTWARE_CREATE = 200, HSM_CREATE = 400 };

unsigned quota_weight(enum operation operation, const struct key_kind *kind)
{
    bool is_hsm = strstr(kind->kty, "-HSM") != NULL;

    if (operation == OPERATION_CREATE || operation == OPERATION_ROTATE) {
        return is_hsm ? HSM_CREATE : SOFTWARE_CREATE;
    }
    switch (key_kind_is_rsa(kind) ? kind->bits : 0) {
    case 3072:
        return is_hsm ? 8 : 4;
    case 4096:
        return is_hsm ? 16 : 8;
    default:
        return is_hsm ? 2 : 1;
    }
}

bool quota_take(struct quota_window *window, int64_t length_ms, unsigned limit, unsigned weight)
{
    int64_t now = now_ms();

    if (window->start == 0 || now - window->start >= length_ms) {
        *window = (struct quota_window){now, 0};
    }
    if (limit != 0 && window->used + weight > limit) {
        return false;
    }
    window->used += weight;
    return true;
}
