/* Text that comes from elsewhere, as UTF-8. */
#include "backends/base/utf8.h"
#include <string.h>

/* Neither longer than it need be, nor half of a surrogate pair, nor beyond U+10FFFF. */
static bool begins(const unsigned char *at)
{
    return at[0] < 0x80 || (at[0] >= 0xc2 && at[0] < 0xe0) || (at[0] == 0xe0 && at[1] >= 0xa0) ||
           (at[0] == 0xed && at[1] < 0xa0) || (at[0] > 0xe0 && at[0] < 0xf0 && at[0] != 0xed) ||
           (at[0] == 0xf0 && at[1] >= 0x90) || (at[0] > 0xf0 && at[0] < 0xf4) ||
           (at[0] == 0xf4 && at[1] < 0x90);
}

size_t utf8_character(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (!begins(at)) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

bool utf8_is_control(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    return at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

void utf8_clean(const char *text, char *to, size_t room)
{
    while (*text != '\0') {
        size_t size = utf8_character(text);
        bool bad = size == 0 || utf8_is_control(text);
        size_t put = bad ? 1 : size;

        if (put >= room) {
            break;
        }
        memcpy(to, bad ? "?" : text, put);
        to += put;
        room -= put;
        text += size == 0 ? 1 : size;
    }
    *to = '\0';
}
