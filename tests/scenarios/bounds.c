/* Takes all keys away, each in its way, and judges what the threads have seen. Prints TAP. Run under
 * tests/with-tokens. */
#include "tests/scenarios/bounds.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_FUNCTION_LIST *p11;

/* Milliseconds. */
enum {
    CALM = 3000,       /* before it is taken away: each lease has been renewed */
    AFTERWARDS = 1500, /* after the bound, while it must stay closed */
    PATIENCE = 60000,  /* until it has opened again */
    A_LITTLE = 500
};

/* What came of it. */
static struct course {
    struct use use;
    struct worker workers[WORKERS];
    pthread_t director;
    int64_t taking, taken, giving, given, back;
} courses[BOUNDS];

/* --- What happens --- */

static bool is_back(const struct course *course)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        if (!atomic_load(&course->workers[i].back)) {
            return false;
        }
    }
    return true;
}

/* Calm; it is taken away; the bound; a little longer; it is given back; all works again. */
static void *direct(void *arg)
{
    struct course *course = arg;
    size_t which = (size_t)(course - courses);
    const struct bound *bound = &bounds[which];

    wait_until(now() + CALM);
    atomic_store(&course->use.taken, !bound->never_taken);
    course->taking = now();
    world_take(which, true);
    course->taken = now();
    wait_until(course->taken + (bound->not_after == 0 ? LEASE : bound->not_after) + AFTERWARDS);
    course->giving = now();
    atomic_store(&course->use.given, true);
    world_take(which, false);
    course->given = now();
    while (!is_back(course) && now() < course->given + PATIENCE) {
        wait_until(now() + 20);
    }
    wait_until(now() + AFTERWARDS);
    return NULL;
}

/* How late a thread that slept may be on this machine, the worst of all the time. */
static atomic_bool measured;

static void *measure_lateness(void *arg)
{
    int64_t *worst = arg;

    while (!atomic_load(&measured)) {
        int64_t due = now() + 10;

        wait_until(due);
        *worst = now() - due > *worst ? now() - due : *worst;
    }
    return NULL;
}

static void begin_or_leave(bool good, const struct bound *bound, const char *where, CK_RV rv)
{
    if (!good) {
        printf("Bail out! %s: %s gives 0x%lx\n", bound->name, where, rv);
        exit(99);
    }
}

static void begin(size_t which)
{
    struct course *course = &courses[which];
    const struct bound *bound = &bounds[which];
    const char *where;
    CK_RV rv;
    bool good = use_begin(&course->use, which, bound->mhsm ? "kek" : bound->name, &where, &rv);

    begin_or_leave(good, bound, where, rv);
    course->use.closed = bound->closed;
    for (unsigned i = 0; i < WORKERS; i++) {
        good = worker_begin(&course->workers[i], &course->use, i, &where, &rv);
        begin_or_leave(good, bound, where, rv);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_create(&course->workers[i].thread, NULL, worker_run, &course->workers[i]);
    }
}

static void end(struct course *course)
{
    pthread_join(course->director, NULL);
    atomic_store(&course->use.done, true);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(course->workers[i].thread, NULL);
    }
}

/* The lateness, in milliseconds. */
static int64_t run_all(void)
{
    int64_t lateness = 0;
    pthread_t meter;

    for (size_t i = 0; i < BOUNDS; i++) {
        begin(i);
    }
    pthread_create(&meter, NULL, measure_lateness, &lateness);
    for (size_t i = 0; i < BOUNDS; i++) {
        pthread_create(&courses[i].director, NULL, direct, &courses[i]);
    }
    for (size_t i = 0; i < BOUNDS; i++) {
        end(&courses[i]);
    }
    atomic_store(&measured, true);
    pthread_join(meter, NULL);
    return lateness;
}

/* --- What is promised --- */

static unsigned tests, failures;

__attribute__((format(printf, 3, 4))) static void tell(bool good, const struct bound *bound,
                                                       const char *format, ...)
{
    va_list args;

    failures += !good;
    printf("%s %u - %s: ", good ? "ok" : "not ok", ++tests, bound->promise);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static double seconds(int64_t milliseconds)
{
    return (double)milliseconds / 1000;
}

/* Over all threads: a code, CKR_OK where all went well. */
static CK_RV worst(const struct course *course, size_t member)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        CK_RV rv = *(const CK_RV *)(const void *)((const char *)&course->workers[i] + member);

        if (rv != CKR_OK) {
            return rv;
        }
    }
    return CKR_OK;
}

static void judge_closing(const struct bound *bound, const struct course *course, int64_t allowance)
{
    int64_t last = 0, first = INT64_MAX, back = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *worker = &course->workers[i];

        last = worker->last_good > last ? worker->last_good : last;
        first = worker->first_bad != 0 && worker->first_bad < first ? worker->first_bad : first;
        back = worker->back_at > back ? worker->back_at : back;
    }
    tell(last - course->taken <= bound->not_after + allowance, bound,
         "the last use began %.1f s after it; the bound is %.1f s", seconds(last - course->taken),
         seconds(bound->not_after));
    if (bound->not_before != 0) {
        tell(first - course->taking >= bound->not_before - allowance, bound,
             "the first refusal came %.1f s after it; not before %.1f s", seconds(first - course->taking),
             seconds(bound->not_before));
    }
    CK_RV odd = worst(course, offsetof(struct worker, odd));
    tell(odd == CKR_OK, bound, "a closed key answers 0x%lx (but for: 0x%lx)", bound->closed, odd);
    tell(is_back(course), bound, "given back, the same handles work after %.1f s",
         seconds(back - course->giving));
}

static void judge(size_t which, int64_t allowance)
{
    const struct bound *bound = &bounds[which];
    const struct course *course = &courses[which];
    CK_RV early = worst(course, offsetof(struct worker, early));
    unsigned long count = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        count += course->workers[i].count;
    }
    tell(early == CKR_OK && count > WORKERS, bound, "%d threads use the key %lu times (before it: 0x%lx)",
         WORKERS, count, early);
    if (bound->not_after != 0) {
        judge_closing(bound, course, allowance);
    } else {
        CK_RV odd = worst(course, offsetof(struct worker, odd));
        tell(odd == CKR_OK, bound, "nothing is closed (0x%lx)", odd);
    }
}

static void show_log(void)
{
    char command[4200];

    snprintf(command, sizeof command, "sed 's/^/# /' '%s/log'", getenv("TOKENS_DIR"));
    fflush(stdout);
    if (system(command) != 0) {
        printf("# no log\n");
    }
}

int main(void)
{
    int64_t lateness;

    world_make();
    p11 = module_functions();
    if (p11 == NULL || p11->C_Initialize(NULL) != CKR_OK) {
        printf("Bail out! the module does not start\n");
        return 99;
    }
    lateness = run_all();
    printf("# a sleeping thread was %lld ms late at most\n", (long long)lateness);
    for (size_t i = 0; i < BOUNDS; i++) {
        judge(i, 2 * lateness + A_LITTLE);
    }
    if (failures != 0) {
        show_log();
    }
    printf("1..%u\n", tests);
    p11->C_Finalize(NULL);
    let_threads_end();
    return (int)failures;
}
