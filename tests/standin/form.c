/* Forms. */
#include "tests/standin/form.h"
#include "tests/standin/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *unescaped(const char *from, size_t size)
{
    char *out = need(malloc(size + 1));
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        if (from[i] == '%' && i + 2 < size && isxdigit((unsigned char)from[i + 1]) &&
            isxdigit((unsigned char)from[i + 2])) {
            char hex[3] = {from[i + 1], from[i + 2], '\0'};

            out[length++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            out[length++] = from[i] == '+' ? ' ' : from[i];
        }
    }
    out[length] = '\0';
    return out;
}

char *form_field(const char *form, const char *name)
{
    size_t length = strlen(name);

    while (*form != '\0') {
        size_t size = strcspn(form, "&");

        if (size > length && form[length] == '=' && strncmp(form, name, length) == 0) {
            return unescaped(form + length + 1, size - length - 1);
        }
        form += size + (form[size] == '&' ? 1 : 0);
    }
    return NULL;
}
