/* Where a secret is in this process's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/hammer/memory.h"
#include <cmocka.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NEEDLES = 8, MOST_MAPS = 4096 };

/* --- What is looked for --- */

/* Masked from the first moment. */
static struct needle {
    const char *form;
    unsigned char masked[PIECE];
} needles[MOST_NEEDLES];
static size_t needle_count;
unsigned char masked_key[KEY_SIZE];

void add_needle(const char *form, unsigned char (*at)(size_t i), size_t from)
{
    struct needle *needle = &needles[needle_count++];

    needle->form = form;
    for (size_t i = 0; i < PIECE; i++) {
        needle->masked[i] = at(from + i) ^ MASK;
    }
}

unsigned char raw(size_t i)
{
    return masked_key[i] ^ MASK;
}

static unsigned char base64url(size_t i)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0;

    for (size_t k = 0; k < 6; k++) {
        size_t at = i * 6 + k;

        bits = bits << 1 | (raw(at / 8) >> (7 - at % 8) & 1);
    }
    return (unsigned char)digits[bits];
}

static unsigned char hex(size_t i)
{
    return (unsigned char)"0123456789abcdef"[i % 2 == 0 ? raw(i / 2) >> 4 : raw(i / 2) & 15];
}

static unsigned char upper_hex(size_t i)
{
    return (unsigned char)toupper(hex(i));
}

void look_for_nothing(void)
{
    needle_count = 0;
}

void look_for_key(void)
{
    needle_count = 0;
    add_needle("raw, first half", raw, 0);
    add_needle("raw, second half", raw, PIECE);
    add_needle("base64url, begin", base64url, 0);
    add_needle("base64url, middle", base64url, 24);
    add_needle("hex, begin", hex, 0);
    add_needle("hex, end", hex, 2 * KEY_SIZE - PIECE);
    add_needle("HEX, begin", upper_hex, 0);
}

/* --- Where --- */

static struct map maps[MOST_MAPS];
static size_t map_count;
unsigned char *window;

static void read_maps(void)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512], rights[8];
    struct map map = {0};

    map_count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %63s", &map.from, &map.to, rights, map.name) >= 3) {
            maps[map_count] = map;
            map_count += rights[0] == 'r' && strncmp(map.name, "[v", 2) != 0 && map_count + 1 < MOST_MAPS;
            map.name[0] = 0;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && map_count > 0) {
            maps[map_count - 1].ours = strstr(line, " dd") != NULL && strstr(line, " wf") != NULL;
        }
    }
    fclose(file);
}

int search(const struct map *map, unsigned long at, size_t size)
{
    int hits = 0;

    for (size_t i = 0; i + PIECE <= size; i++) {
        for (size_t n = 0; n < needle_count; n++) {
            size_t k = 0;

            while (k < PIECE && (unsigned char)(window[i + k] ^ needles[n].masked[k]) == MASK) {
                k++;
            }
            if (k == PIECE) {
                hits++;
                if (!map->ours) {
                    print_message("# %s at %lx, in %s\n", needles[n].form, at + i,
                                  map->name[0] == 0 ? "memory without a name" : map->name);
                }
            }
        }
    }
    return hits;
}

/* How often in the module's own pages, and elsewhere. */
void look(int *ret_ours, int *ret_elsewhere)
{
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    *ret_ours = *ret_elsewhere = 0;
    assert_true(mem >= 0);
    read_maps();
    for (size_t m = 0; m < map_count; m++) {
        for (unsigned long at = maps[m].from; at < maps[m].to; at += LOOK - PIECE) {
            size_t size = maps[m].to - at < LOOK ? maps[m].to - at : LOOK;
            bool is_window = at + size > (uintptr_t)window && at < (uintptr_t)window + LOOK;
            ssize_t got = is_window ? 0 : pread(mem, window, size, (off_t)at);
            int hits = got < PIECE ? 0 : search(&maps[m], at, (size_t)got);

            *(maps[m].ours ? ret_ours : ret_elsewhere) += hits;
            memset(window, 0, LOOK);
        }
    }
    close(mem);
}

void make_window(void)
{
    window = malloc(LOOK);
}
