/*
 * Where a secret is in this process's memory: what is looked for stands in the program only masked. A data key may
 * lie in the module's own pages (not dumped, wiped in a child) and nowhere else.
 */
#ifndef BYOK_TESTS_HAMMER_MEMORY_H
#define BYOK_TESTS_HAMMER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum { MASK = 0xa5, KEY_SIZE = 32, PIECE = 16, LOOK = 1 << 20 };

/* The key, masked from the first moment; and one byte of it as it is. */
extern unsigned char masked_key[KEY_SIZE];
unsigned char raw(size_t i);

/* What was read from elsewhere, LOOK bytes; not looked at itself. */
extern unsigned char *window;
void make_window(void);

void look_for_nothing(void);
/* Raw, in base64url, in hex. */
void look_for_key(void);
/* PIECE bytes more: at(from), at(from + 1), ... */
void add_needle(const char *form, unsigned char (*at)(size_t i), size_t from);

/* How often in the module's own pages, and elsewhere. */
void look(int *ret_ours, int *ret_elsewhere);

struct map {
    unsigned long from, to;
    bool ours; /* has the flags of the module's pages for keys */
    char name[64];
};

/* How often in the window, which was read from `at`; logs what is not ours. */
int search(const struct map *map, unsigned long at, size_t size);

#endif
