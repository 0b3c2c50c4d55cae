/* Searching this process's memory. */
#include "tests/backends/keyvault/traces.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { LARGEST_REGION = 512 * 1024 * 1024, CHUNK = 1 << 20 };

static unsigned char chunk[CHUNK];

bool traces_are_at(const unsigned char *at, size_t length, unsigned what, trace_reader *read)
{
    for (size_t i = 0; i < length; i++) {
        if (at[i] != read(what, i)) {
            return false;
        }
    }
    return true;
}

static unsigned count_in_region(int memory, uintptr_t from, uintptr_t to, size_t length, unsigned what,
                                trace_reader *read)
{
    unsigned found = 0;

    for (uintptr_t at = from; at < to; at += CHUNK - length + 1) {
        size_t want = to - at < CHUNK ? to - at : CHUNK;
        ssize_t got = pread(memory, chunk, want, (off_t)at);

        for (ssize_t i = 0; i + (ssize_t)length <= got; i++) {
            if (traces_are_at(chunk + i, length, what, read) &&
                !(at + (uintptr_t)i >= (uintptr_t)chunk && at + (uintptr_t)i < (uintptr_t)chunk + CHUNK)) {
                found++;
            }
        }
        memset(chunk, 0, sizeof chunk);
    }
    return found;
}

/* How often the first bytes of it stand in writable memory. */
unsigned traces_count(size_t length, unsigned what, trace_reader *read)
{
    FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "r");
    unsigned found = 0;
    char line[512];

    assert_true(maps != NULL && memory != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char access[8];

        if (sscanf(line, "%lx-%lx %7s", &from, &to, access) == 3 && access[0] == 'r' && access[1] == 'w' &&
            to - from < LARGEST_REGION) {
            found += count_in_region(fileno(memory), from, to, length, what, read);
        }
    }
    fclose(maps);
    fclose(memory);
    return found;
}

bool traces_cannot_be_sought(void)
{
    if (SANITIZED) {
        printf("# SKIP traces in memory: a sanitizer keeps its own copies\n");
    }
    return SANITIZED;
}
