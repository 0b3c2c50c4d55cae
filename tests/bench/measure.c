/* Clocks, pairs and crowds. */
#include "tests/bench/measure.h"
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

/* --- Pairs --- */

struct time {
    double wall, cpu;
};

static bool time_work(const struct work *work, unsigned count, struct time *ret_time)
{
    double wall = wall_now(), cpu = cpu_now();
    bool good = work->run(work->arg, count);

    *ret_time = (struct time){(wall_now() - wall) / count, (cpu_now() - cpu) / count};
    return good;
}

bool measure_pair(const struct work *a, const struct work *b, unsigned count, unsigned rounds,
                  struct pair *ret_pair)
{
    double wall[MOST_ROUNDS], cpu[MOST_ROUNDS], wall_a[MOST_ROUNDS], wall_b[MOST_ROUNDS], cpu_a[MOST_ROUNDS],
        cpu_b[MOST_ROUNDS];
    struct time one, other;

    if (rounds > MOST_ROUNDS) {
        rounds = MOST_ROUNDS;
    }
    for (unsigned i = 0; i < rounds; i++) {
        if (!time_work(a, count, &one) || !time_work(b, count, &other)) {
            return false;
        }
        wall[i] = one.wall / other.wall;
        cpu[i] = one.cpu / other.cpu;
        wall_a[i] = one.wall;
        wall_b[i] = other.wall;
        cpu_a[i] = one.cpu;
        cpu_b[i] = other.cpu;
    }
    *ret_pair = (struct pair){median(wall, rounds),   median(cpu, rounds),   median(wall_a, rounds),
                              median(wall_b, rounds), median(cpu_a, rounds), median(cpu_b, rounds)};
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

/* --- Apart --- */

static bool run_apart(bool (*run)(const void *arg, double *ret_values), const void *arg, double *values)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        _exit(run(arg, values) ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool measure_apart(bool (*run)(const void *arg, double *ret_values), const void *arg, unsigned rounds,
                   double *ret_medians)
{
    double all[MOST_VALUES][MOST_ROUNDS] = {{0}}, *values;
    bool good = true;

    values =
        mmap(NULL, MOST_VALUES * sizeof *values, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (values == MAP_FAILED || rounds > MOST_ROUNDS) {
        return false;
    }
    for (unsigned i = 0; good && i < rounds; i++) {
        good = run_apart(run, arg, values);
        for (unsigned at = 0; at < MOST_VALUES; at++) {
            all[at][i] = values[at];
        }
    }
    for (unsigned at = 0; good && at < MOST_VALUES; at++) {
        ret_medians[at] = median(all[at], rounds);
    }
    munmap(values, MOST_VALUES * sizeof *values);
    return good;
}
