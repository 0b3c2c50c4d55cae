/*
 * Measuring in child processes: what can be done only once in one, and what would disturb each other in one.
 */
#ifndef BYOK_TESTS_BENCH_APART_H
#define BYOK_TESTS_BENCH_APART_H

#include "tests/bench/measure.h"

enum { MOST_VALUES = 8 };

/* In `rounds` processes, one after the other: the median of each of its values. False: one failed. */
bool measure_apart(bool (*run)(const void *arg, double *ret_values), const void *arg, unsigned rounds,
                   double *ret_medians);

/* Work that begins in a process of its own. False: it cannot. */
typedef bool begin_work(struct work *ret_work);

/* As measure_pair(), each in a process of its own, which lives for all rounds. */
bool measure_pair_apart(begin_work *a, begin_work *b, unsigned count, unsigned rounds, struct pair *ret_pair);

#endif
