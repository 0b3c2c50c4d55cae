/* Text, bytes and random names. */
#include "tests/standin/text.h"
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *need(void *memory)
{
    if (memory == NULL) {
        fputs("standin: out of memory\n", stderr);
        abort();
    }
    return memory;
}

char *text(const char *format, ...)
{
    va_list arguments;
    char *made = NULL;

    va_start(arguments, format);
    if (vasprintf(&made, format, arguments) < 0) {
        made = NULL;
    }
    va_end(arguments);
    return need(made);
}

char *base64url(const void *data, size_t size)
{
    char *out = need(malloc((size + 2) / 3 * 4 + 1));
    int length = EVP_EncodeBlock((unsigned char *)out, data, (int)size);

    while (length > 0 && out[length - 1] == '=') {
        length--;
    }
    out[length] = '\0';
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    return out;
}

/* The value of a character of the URL alphabet, or -1. */
static int digit(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

bool base64url_decode(const char *encoded, struct blob *ret_blob)
{
    size_t length = strlen(encoded), size = 0;
    unsigned char *out OWNED(owned_free) = need(malloc(length / 4 * 3 + 4));
    unsigned bits = 0, count = 0;

    if (length % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        int value = digit(encoded[i]);

        if (value < 0) {
            return false;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[size++] = (unsigned char)(bits >> count);
        }
    }
    out[size] = '\0';
    *ret_blob = (struct blob){out, size};
    out = NULL;
    return true;
}

void random_hex(char *out, size_t size)
{
    unsigned char byte;

    for (size_t i = 0; i < size; i++) {
        RAND_bytes(&byte, 1);
        out[i] = "0123456789abcdef"[byte & 15];
    }
    out[size] = '\0';
}

char *random_uuid(void)
{
    char hex[33];

    random_hex(hex, 32);
    hex[12] = '4';
    hex[16] = '8';
    return text("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void owned_free(void *variable)
{
    free(*(void **)variable);
}

void owned_json(cJSON **variable)
{
    cJSON_Delete(*variable);
}

void owned_blob(struct blob *blob)
{
    free(blob->data);
}
