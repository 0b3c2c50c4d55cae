/* Child processes that measure. */
#include "tests/bench/apart.h"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* --- Two that take turns --- */

struct worker {
    pid_t pid;
    int line; /* there go counts, from there come reports */
};

struct report {
    struct cost cost;
    bool good;
};

static void be_worker(begin_work *begin, int line)
{
    struct work work;
    bool good = begin(&work);
    unsigned count;

    while (read(line, &count, sizeof count) == sizeof count) {
        struct report report = {.good = good};

        report.good = good && measure_once(&work, count, &report.cost);
        if (write(line, &report, sizeof report) != sizeof report) {
            break;
        }
    }
    _exit(0);
}

static bool worker_start(begin_work *begin, struct worker *ret_worker)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    fflush(NULL);
    ret_worker->pid = fork();
    if (ret_worker->pid == 0) {
        close(ends[0]);
        be_worker(begin, ends[1]);
    }
    close(ends[1]);
    ret_worker->line = ends[0];
    return ret_worker->pid > 0;
}

static bool worker_measure(const struct worker *worker, unsigned count, struct cost *ret_cost)
{
    struct report report;

    if (write(worker->line, &count, sizeof count) != sizeof count ||
        read(worker->line, &report, sizeof report) != sizeof report) {
        return false;
    }
    *ret_cost = report.cost;
    return report.good;
}

static void worker_end(const struct worker *worker)
{
    close(worker->line);
    waitpid(worker->pid, NULL, 0);
}

static bool take_turns(const struct worker *a, const struct worker *b, unsigned count, unsigned rounds,
                       struct pair *ret_pair)
{
    struct pairs pairs = {.count = 0};
    struct cost one, other;

    for (unsigned i = 0; i < rounds; i++) {
        if (!worker_measure(a, count, &one) || !worker_measure(b, count, &other)) {
            return false;
        }
        pairs_add(&pairs, &one, &other);
    }
    pairs_read(&pairs, ret_pair);
    return true;
}

bool measure_pair_apart(begin_work *a, begin_work *b, unsigned count, unsigned rounds, struct pair *ret_pair)
{
    struct worker one, other;
    bool good;

    if (!worker_start(a, &one)) {
        return false;
    }
    if (!worker_start(b, &other)) {
        worker_end(&one);
        return false;
    }
    good = take_turns(&one, &other, count, rounds, ret_pair);
    worker_end(&other); /* first: it has inherited the other's line */
    worker_end(&one);
    return good;
}
