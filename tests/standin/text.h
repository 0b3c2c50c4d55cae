/*
 * Small things that everybody here needs: text made by printf, bytes with a length, base64url, random names,
 * and the clean-up of locals. Out of memory ends the program: it is a test's helper, nobody waits for its
 * grace.
 */
#ifndef STANDIN_TEXT_H
#define STANDIN_TEXT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWNED(free_function) __attribute__((cleanup(free_function)))

struct blob {
    unsigned char *data; /* from malloc; NULL: none */
    size_t size;
};

/* What came from malloc, which may not fail. */
void *need(void *memory);

char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Without padding, as every value of the service is. */
char *base64url(const void *data, size_t size);
/* False: another character than of the alphabet, or a length that no octets give. The blob ends in a zero. */
bool base64url_decode(const char *encoded, struct blob *ret_blob);

/* `size` characters of 0-9a-f and a zero. */
void random_hex(char *out, size_t size);
char *random_uuid(void);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t now_ms(void);

static inline bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && __builtin_strcmp(a, b) == 0;
}

/* For OWNED. */
void owned_free(void *variable);
void owned_json(cJSON **variable);
void owned_blob(struct blob *blob);

#endif
