/*
 * How things are measured. The machine has other work and its speed drifts, so two things that are compared
 * are done in turn, A B A B, and what counts is the median of the ratios pair by pair; of what only computes
 * it is the CPU that is compared. CPU is this process's own, as getrusage() tells it: neither the stand-in's
 * nor a proxy's.
 */
#ifndef BYOK_TESTS_BENCH_MEASURE_H
#define BYOK_TESTS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

double wall_now(void);  /* seconds */
double cpu_now(void);   /* seconds, user and system, of all threads of this process */
double resident(void);  /* KiB of this process in memory */
double heap_used(void); /* KiB given out by malloc's main arena and by mmap */

double median(double *values, size_t count);
/*
 * How far the median of such values, measured again on a machine as busy, may lie from this one: twice its standard
 * error, out of their median deviation, which no single wild value moves.
 */
double median_noise(double *values, size_t count);

struct work {
    bool (*run)(void *arg, unsigned count); /* so many operations; false: one failed */
    void *arg;
};

struct pair {
    double wall_ratio, cpu_ratio; /* of A's time over B's; the medians */
    double wall_a, wall_b;        /* seconds for one operation; the medians */
    double cpu_a, cpu_b;
    double cpu_added; /* by A to B's, round by round; the median */
    double cpu_ratio_noise, cpu_added_noise;
};

/* Seconds for one operation. */
struct cost {
    double wall, cpu;
};

/* So many operations, once. False: one failed. */
bool measure_once(const struct work *work, unsigned count, struct cost *ret_cost);

enum { MOST_ROUNDS = 64 };

/* What becomes a struct pair. */
struct pairs {
    unsigned count;
    double wall[MOST_ROUNDS], cpu[MOST_ROUNDS], wall_a[MOST_ROUNDS], wall_b[MOST_ROUNDS], cpu_a[MOST_ROUNDS],
        cpu_b[MOST_ROUNDS];
};
void pairs_add(struct pairs *pairs, const struct cost *a, const struct cost *b);
void pairs_read(struct pairs *pairs, struct pair *ret_pair);

/* `rounds` times `count` operations of each. False: one failed. */
bool measure_pair(const struct work *a, const struct work *b, unsigned count, unsigned rounds,
                  struct pair *ret_pair);

/*
 * Every thread at once does the work with its own argument, beginning together. Seconds; below 0: one failed.
 */
double measure_crowd(unsigned threads, bool (*run)(void *arg, unsigned count), void *const *args,
                     unsigned count);

#endif
