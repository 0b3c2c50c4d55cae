/* Clocks, pairs and crowds. */
#include "tests/bench/measure.h"
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 128 };

double wall_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double cpu_now(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

double resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (file != NULL) {
        if (fscanf(file, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

double heap_used(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)(info.uordblks + info.hblkhd) / 1024;
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double median_noise(double *values, size_t count)
{
    double middle = median(values, count), deviations[MOST_ROUNDS];

    for (size_t i = 0; i < count; i++) {
        deviations[i] = fabs(values[i] - middle);
    }
    /* 1.48: to a standard deviation; 1.25: to that of a median */
    return 2 * 1.25 * 1.48 * median(deviations, count) / sqrt((double)count);
}

/* --- Pairs --- */

bool measure_once(const struct work *work, unsigned count, struct cost *ret_cost)
{
    double wall = wall_now(), cpu = cpu_now();
    bool good = work->run(work->arg, count);

    *ret_cost = (struct cost){(wall_now() - wall) / count, (cpu_now() - cpu) / count};
    return good;
}

void pairs_add(struct pairs *pairs, const struct cost *a, const struct cost *b)
{
    unsigned at = pairs->count;

    if (at < MOST_ROUNDS) {
        pairs->wall[at] = a->wall / b->wall;
        pairs->cpu[at] = a->cpu / b->cpu;
        pairs->wall_a[at] = a->wall;
        pairs->wall_b[at] = b->wall;
        pairs->cpu_a[at] = a->cpu;
        pairs->cpu_b[at] = b->cpu;
        pairs->count++;
    }
}

void pairs_read(struct pairs *pairs, struct pair *ret_pair)
{
    unsigned count = pairs->count;
    double added[MOST_ROUNDS];

    for (unsigned i = 0; i < count; i++) {
        added[i] = pairs->cpu_a[i] - pairs->cpu_b[i];
    }
    *ret_pair = (struct pair){.wall_ratio = median(pairs->wall, count),
                              .cpu_ratio = median(pairs->cpu, count),
                              .wall_a = median(pairs->wall_a, count),
                              .wall_b = median(pairs->wall_b, count),
                              .cpu_a = median(pairs->cpu_a, count),
                              .cpu_b = median(pairs->cpu_b, count),
                              .cpu_added = median(added, count),
                              .cpu_ratio_noise = median_noise(pairs->cpu, count),
                              .cpu_added_noise = median_noise(added, count)};
}

bool measure_pair(const struct work *a, const struct work *b, unsigned count, unsigned rounds,
                  struct pair *ret_pair)
{
    struct pairs pairs = {.count = 0};
    struct cost one, other;

    for (unsigned i = 0; i < rounds; i++) {
        if (!measure_once(a, count, &one) || !measure_once(b, count, &other)) {
            return false;
        }
        pairs_add(&pairs, &one, &other);
    }
    pairs_read(&pairs, ret_pair);
    return true;
}

/* --- Crowds --- */

struct crowd {
    pthread_barrier_t start;
    bool (*run)(void *arg, unsigned count);
    unsigned count;
};

struct member {
    pthread_t thread;
    struct crowd *crowd;
    void *arg;
    bool good;
};

static void *be_member(void *arg)
{
    struct member *member = arg;

    pthread_barrier_wait(&member->crowd->start);
    member->good = member->crowd->run(member->arg, member->crowd->count);
    return NULL;
}

double measure_crowd(unsigned threads, bool (*run)(void *arg, unsigned count), void *const *args,
                     unsigned count)
{
    struct crowd crowd = {.run = run, .count = count};
    struct member members[MOST_THREADS];
    bool good = true;
    double began;

    if (threads > MOST_THREADS) {
        return -1;
    }
    pthread_barrier_init(&crowd.start, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        members[i] = (struct member){.crowd = &crowd, .arg = args[i]};
        if (pthread_create(&members[i].thread, NULL, be_member, &members[i]) != 0) {
            abort(); /* the others would wait for ever */
        }
    }
    pthread_barrier_wait(&crowd.start);
    began = wall_now();
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(members[i].thread, NULL);
        good = good && members[i].good;
    }
    pthread_barrier_destroy(&crowd.start);
    return good ? wall_now() - began : -1;
}
