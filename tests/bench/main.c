/*
 * bench [quick] [GOAL...]: measures, and prints each figure beside its goal. A missed goal is no failure of
 * the bench, which fails where something does not work. "quick" does everything a few times, judges no time,
 * and prints TAP.
 */
#include "tests/bench/bench.h"
#include "tests/bench/curl_peer.h"
#include "tests/bench/world.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_TRIAL = 120, MOST_GOALS = 16 };

void note(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome->note, sizeof outcome->note, format, arguments);
    va_end(arguments);
}

bool not_run(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome->not_run, sizeof outcome->not_run, format, arguments);
    va_end(arguments);
    return true;
}

unsigned times(unsigned whole)
{
    return world.quick && whole > 2 ? 2 : whole;
}

/* --- A child for each trial --- */

static bool in_child(bool (*run)(const struct trial *trial, struct outcome *ret_outcome),
                     const struct trial *trial, struct outcome *outcome)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        alarm(LONGEST_TRIAL);
        _exit(run(trial, outcome) ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool make_blob(const struct trial *trial, struct outcome *outcome)
{
    char *token = curl_peer_token(place_at(0));
    bool good = curl_peer_make_blob(place_at(0), token, known->blob);

    (void)trial, (void)outcome;
    free(token);
    return good;
}

/* --- Printing --- */

static const char *sign_of(enum sense sense)
{
    return sense == AT_MOST ? "<=" : sense == AT_LEAST ? ">=" : "==";
}

static bool is_reached(const struct row *row, double value)
{
    return row->sense == AT_MOST    ? value <= row->wanted
           : row->sense == AT_LEAST ? value >= row->wanted
                                    : value == row->wanted;
}

static void print_row(const struct row *row, double value, double noise)
{
    bool reached = is_reached(row, value);
    bool decided = reached || (row->sense == AT_MOST ? value - row->wanted : row->wanted - value) > noise;

    printf("  %-62s %9.4g %-8s %s %-6.4g %s\n", row->what, value, row->unit, sign_of(row->sense), row->wanted,
           reached   ? "reached"
           : decided ? "MISSED"
                     : "not decided");
    if (!decided) {
        printf("      why: here and now this can be told to %.2g %s and no better; is the machine busy?\n",
               noise, row->unit);
    } else if (!reached) {
        printf("      why: %s\n", row->why != NULL
                                      ? row->why
                                      : "no reason is known: it was reached before; is the machine busy?");
    }
}

static void print_not_run(const struct trial *trial, const char *reason)
{
    for (unsigned i = 0; i < MOST_ROWS && trial->rows[i].what != NULL; i++) {
        printf("  %-62s not run: %s\n", trial->rows[i].what, reason);
    }
}

static void print_trial(const struct trial *trial, const struct outcome *outcome, bool works)
{
    static unsigned goal;

    if (goal != trial->goal) {
        goal = trial->goal;
        printf("\n%u. %s\n", goal, goal_names[goal]);
    }
    if (!works || outcome->not_run[0] != 0) {
        print_not_run(trial, works ? outcome->not_run : "it does not work; see the lines before");
    }
    for (unsigned i = 0; works && outcome->not_run[0] == 0 && i < MOST_ROWS && trial->rows[i].what != NULL;
         i++) {
        print_row(&trial->rows[i], outcome->values[i], outcome->noise[i]);
    }
    if (outcome->note[0] != 0) {
        printf("      %s\n", outcome->note);
    }
    fflush(stdout);
}

/* Numbers that no noise changes are judged here too. */
static bool print_tap(const struct trial *trial, const struct outcome *outcome, bool works)
{
    static unsigned number;
    bool good = works;

    for (unsigned i = 0; works && outcome->not_run[0] == 0 && i < MOST_ROWS && trial->rows[i].what != NULL;
         i++) {
        const struct row *row = &trial->rows[i];

        if (row->sense == EXACTLY && !is_reached(row, outcome->values[i])) {
            printf("# %s: %g instead of %g %s\n", row->what, outcome->values[i], row->wanted, row->unit);
            good = false;
        }
    }
    printf("%s %u - goal %u: %s%s%s\n", good ? "ok" : "not ok", ++number, trial->goal, trial->name,
           works && outcome->not_run[0] != 0 ? " # SKIP " : "", works ? outcome->not_run : "");
    fflush(stdout);
    return good;
}

/* --- The walk --- */

static bool run_trial(const struct trial *trial, struct outcome *outcome)
{
    bool works;

    memset(outcome, 0, sizeof *outcome);
    works = in_child(trial->run, trial, outcome);
    if (world.quick) {
        return print_tap(trial, outcome, works);
    }
    print_trial(trial, outcome, works);
    return works;
}

static unsigned count_wanted(const bool *wanted)
{
    unsigned count = 0;

    for (const struct trial *trial = trials; trial->run != NULL; trial++) {
        count += wanted[trial->goal];
    }
    return count;
}

static bool run_all(const bool *wanted)
{
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool good = outcome != MAP_FAILED && in_child(make_blob, NULL, NULL);

    if (world.quick) {
        printf("1..%u\n", count_wanted(wanted));
    }
    if (!good) {
        return false;
    }
    for (const struct trial *trial = trials; trial->run != NULL; trial++) {
        if (wanted[trial->goal]) {
            good = run_trial(trial, outcome) && good;
        }
    }
    return good;
}

/* False: a word that is no goal. */
static bool read_words(int count, char **words, bool *wanted, bool *quick)
{
    bool all = true;

    for (int i = 1; i < count; i++) {
        unsigned goal = (unsigned)strtoul(words[i], NULL, 10);

        if (strcmp(words[i], "quick") == 0) {
            *quick = true;
        } else if (goal == 0 || goal >= MOST_GOALS) {
            return false;
        } else {
            wanted[goal] = true;
            all = false;
        }
    }
    for (unsigned i = 0; all && i < MOST_GOALS; i++) {
        wanted[i] = true;
    }
    return true;
}

int main(int count, char **words)
{
    bool wanted[MOST_GOALS] = {false}, quick = false, good;

    if (!read_words(count, words, wanted, &quick)) {
        fputs("usage: bench [quick] [GOAL...]\n", stderr);
        return 2;
    }
    good = world_make(quick) && run_all(wanted);
    world_end();
    return good ? 0 : 1;
}
