/* The kernel's bytes: OpenSSL's cost ten times as much. */
#include "backends/base/uuid.h"
#include <sys/random.h>

bool uuid_make(char ret_id[UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char r[16];

    if (getrandom(r, sizeof r, GRND_NONBLOCK) != sizeof r) {
        return false;
    }
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < sizeof r; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *ret_id++ = '-';
        }
        *ret_id++ = digits[r[i] >> 4];
        *ret_id++ = digits[r[i] & 15];
    }
    *ret_id = 0;
    return true;
}
