/*
 * The bench: a table of trials (trials.c), each a function that measures and the rows that it fills. Each
 * trial is a child process, so that it begins with a module that nobody has used.
 */
#ifndef BYOK_TESTS_BENCH_BENCH_H
#define BYOK_TESTS_BENCH_BENCH_H

#include <stdbool.h>

enum { MOST_ROWS = 6, NOTE_SIZE = 256 };

enum sense { AT_MOST, AT_LEAST, EXACTLY };

/*
 * One figure with its goal. EXACTLY is for numbers that no noise changes:
 * they are judged in a quick run too.
 */
struct row {
    const char *what; /* NULL: there are no more */
    enum sense sense;
    double wanted;
    const char *unit;
    const char *why; /* what measuring has told of a goal that was missed; NULL: it has been reached */
};

struct outcome {
    double values[MOST_ROWS];
    double noise[MOST_ROWS]; /* a value that misses its goal by no more decides nothing; 0: it does */
    char note[NOTE_SIZE];    /* what the ratios are made of */
    char not_run[NOTE_SIZE]; /* "": it ran; else why not */
};

struct trial {
    unsigned goal;
    const char *name;
    bool (*run)(const struct trial *trial, struct outcome *ret_outcome); /* false: something does not work */
    unsigned threads, round_trip; /* where the function asks for them */
    struct row rows[MOST_ROWS];
};

/* Ends with one that has no function. */
extern const struct trial trials[];
/* What each goal is about, by its number; NULL: nothing here. */
extern const char *const goal_names[];

void note(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Always true: not running is no failure. */
bool not_run(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How often: `whole`, or little where it is only asked whether it works. */
unsigned times(unsigned whole);

bool passing_over_nothing(const struct trial *trial, struct outcome *ret_outcome);
bool passing_over_softhsm(const struct trial *trial, struct outcome *ret_outcome);
bool passing_scaling(const struct trial *trial, struct outcome *ret_outcome);

bool wrap_against_openssl_sha1(const struct trial *trial, struct outcome *ret_outcome);
bool wrap_against_openssl_sha256(const struct trial *trial, struct outcome *ret_outcome);
bool wrap_scaling(const struct trial *trial, struct outcome *ret_outcome);
bool wrap_against_sdk(const struct trial *trial, struct outcome *ret_outcome);

bool unwrap_far(const struct trial *trial, struct outcome *ret_outcome);
bool unwrap_near(const struct trial *trial, struct outcome *ret_outcome);
bool unwrap_against_sdk(const struct trial *trial, struct outcome *ret_outcome);

bool connections_warm(const struct trial *trial, struct outcome *ret_outcome);

bool requests_of_a_life(const struct trial *trial, struct outcome *ret_outcome);
bool requests_of_threads(const struct trial *trial, struct outcome *ret_outcome);
bool requests_of_listing(const struct trial *trial, struct outcome *ret_outcome);

bool cold_start(const struct trial *trial, struct outcome *ret_outcome);
bool cold_start_against_sdk(const struct trial *trial, struct outcome *ret_outcome);

bool memory_over_hsm(const struct trial *trial, struct outcome *ret_outcome);
bool memory_of_sessions(const struct trial *trial, struct outcome *ret_outcome);
bool memory_of_keys(const struct trial *trial, struct outcome *ret_outcome);
bool memory_of_connections(const struct trial *trial, struct outcome *ret_outcome);
bool memory_of_threads(const struct trial *trial, struct outcome *ret_outcome);

bool growth_of_find(const struct trial *trial, struct outcome *ret_outcome);
bool growth_of_sessions(const struct trial *trial, struct outcome *ret_outcome);
bool growth_of_vault(const struct trial *trial, struct outcome *ret_outcome);

bool keys_gcm(const struct trial *trial, struct outcome *ret_outcome);
bool keys_cbc(const struct trial *trial, struct outcome *ret_outcome);
bool keys_key_wrap(const struct trial *trial, struct outcome *ret_outcome);
bool keys_hmac(const struct trial *trial, struct outcome *ret_outcome);

#endif
