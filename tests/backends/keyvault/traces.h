/*
 * How often something stands in this process's writable memory. What is looked for is told byte by byte, so
 * that the search itself does not hold it.
 */
#ifndef BYOK_TESTS_TRACES_H
#define BYOK_TESTS_TRACES_H

#include <stdbool.h>
#include <stddef.h>

/* The byte of `what` at `at`. */
typedef unsigned char trace_reader(unsigned what, size_t at);

/* How often the first bytes of it stand in writable memory. */
unsigned traces_count(size_t length, unsigned what, trace_reader *read);
bool traces_are_at(const unsigned char *at, size_t length, unsigned what, trace_reader *read);

/* True, having said so: a sanitizer keeps copies of its own. */
bool traces_cannot_be_sought(void);

#endif
