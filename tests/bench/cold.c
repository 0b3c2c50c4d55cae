/* Goal 6: how long a program takes from exec to the end, of which the one thing that it does is an unwrap. */
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/bench/sdk.h"
#include "tests/bench/world.h"
#include "tests/standin/text.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { ROUNDS = 15, SDK_ROUNDS = 5 };

extern char **environ;

/* struct program: so many runs, one after the other. */
static bool run_program(void *path, unsigned count)
{
    char *words[] = {path, NULL};
    int status;
    pid_t pid;

    for (unsigned i = 0; i < count; i++) {
        if (posix_spawn(&pid, path, NULL, NULL, words, environ) != 0 || waitpid(pid, &status, 0) != pid ||
            status != 0) {
            fprintf(stderr, "bench: %s failed\n", (const char *)path);
            return false;
        }
    }
    return true;
}

static bool run_module(void *arg, unsigned count)
{
    char hex[2 * BLOB_SIZE + 1];

    for (unsigned i = 0; i < BLOB_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", known->blob[i]);
    }
    setenv("BLOB", hex, 1);
    return run_program(arg, count);
}

static bool run_curl(void *arg, unsigned count)
{
    char *encoded = base64url(known->blob, BLOB_SIZE);

    setenv("BLOB", encoded, 1);
    free(encoded);
    return run_program(arg, count);
}

static bool begin(const struct place *place, char module[TEXT_SIZE], char curl[TEXT_SIZE])
{
    struct configuration how = {.name = "cold", .place = place};

    setenv("VAULT_URL", place->vault_url, 1);
    setenv("IDENTITY_URL", place->identity_url, 1);
    snprintf(module, TEXT_SIZE, "%s/tests/bench/cold_module", world.builddir);
    snprintf(curl, TEXT_SIZE, "%s/tests/bench/cold_curl", world.builddir);
    return world_configure(&how);
}

bool cold_start(const struct trial *trial, struct outcome *ret_outcome)
{
    char module[TEXT_SIZE], curl[TEXT_SIZE];
    struct work ours = {run_module, module}, theirs = {run_curl, curl};
    struct pair pair;

    if (!begin(place_at(trial->round_trip), module, curl) ||
        !measure_pair(&ours, &theirs, 1, times(ROUNDS), &pair)) {
        return false;
    }
    ret_outcome->values[0] = pair.wall_ratio;
    note(ret_outcome, "ours %.1f ms, libcurl alone %.1f ms", pair.wall_a * 1e3, pair.wall_b * 1e3);
    return true;
}

/* The SDK tells its time itself, to the end of the unwrap; ours is to the end of the program. */
bool cold_start_against_sdk(const struct trial *trial, struct outcome *ret_outcome)
{
    const struct place *place = place_at(trial->round_trip);
    const char *missing = sdk_missing();
    char module[TEXT_SIZE], curl[TEXT_SIZE];
    double ratios[SDK_ROUNDS], theirs[SDK_ROUNDS];
    unsigned rounds = times(SDK_ROUNDS);

    if (missing != NULL) {
        return not_run(ret_outcome, "%s", missing);
    }
    if (!begin(place, module, curl)) {
        return false;
    }
    for (unsigned i = 0; i < rounds; i++) {
        double began = wall_now(), took;
        struct sdk_figures sdk;

        if (!run_module(module, 1)) {
            return false;
        }
        took = wall_now() - began;
        if (!sdk_run(place, NULL, &sdk)) {
            return false;
        }
        ratios[i] = took / sdk.cold;
        theirs[i] = sdk.cold;
    }
    ret_outcome->values[0] = median(ratios, rounds);
    note(ret_outcome, "the SDK %.0f ms", median(theirs, rounds) * 1e3);
    return true;
}
