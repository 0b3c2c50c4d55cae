/* Goal 4: one CA store, connections that are made once. */
#include "tests/bench/apart.h"
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/world.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { MOST_THREADS = 64, AGAIN = 5, ROUNDS = 5 };
enum { OPENS, WALL, CPU, SURPLUS, CONNECTIONS, BUNDLE_KIB };

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

static void append_file(const char *path, FILE *to)
{
    FILE *from = fopen(path, "re");
    int character;

    while (from != NULL && (character = getc(from)) != EOF) {
        putc(character, to);
    }
    if (from != NULL) {
        fclose(from);
    }
}

/* The system's bundle, where there is one, and the stand-in's CA at its end. Its size in KiB. */
static double write_bundle(char path[TEXT_SIZE])
{
    FILE *to;
    double size;

    snprintf(path, TEXT_SIZE, "%s/bundle.pem", world.dir);
    to = fopen(path, "we");
    if (to == NULL) {
        return -1;
    }
    append_file(system_bundle, to);
    append_file(world.ca, to);
    size = (double)ftell(to) / 1024;
    return fclose(to) == 0 ? size : -1;
}

static unsigned count_events(int watcher)
{
    struct inotify_event events[64];
    ssize_t size;
    unsigned count = 0;

    while ((size = read(watcher, events, sizeof events)) > 0) {
        count += (unsigned)((size_t)size / sizeof events[0]); /* a watched file's events have no names */
    }
    return count;
}

/* All threads at once, by a module that has asked nobody anything yet. */
static bool warm(const void *arg, double *ret_values)
{
    static struct client clients[MOST_THREADS];
    const struct trial *trial = arg;
    void *args[MOST_THREADS];
    char path[TEXT_SIZE];
    double size = write_bundle(path), cpu;
    struct configuration how = {.name = "warm", .place = place_at(trial->round_trip), .ca = path};
    int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bool good = size > 0 && world_configure(&how) && client_initialize() &&
                inotify_add_watch(watcher, path, IN_OPEN) >= 0;

    for (unsigned i = 0; good && i < trial->threads; i++) {
        args[i] = &clients[i];
        good = client_open("vault", &clients[i]);
    }
    counts_reset();
    cpu = cpu_now();
    ret_values[WALL] = good ? measure_crowd(trial->threads, client_unwrap, args, 1) : -1;
    ret_values[CPU] = cpu_now() - cpu;
    good = good && ret_values[WALL] > 0 && measure_crowd(trial->threads, client_unwrap, args, AGAIN) > 0;
    ret_values[CONNECTIONS] = (double)counts_of("vault");
    ret_values[SURPLUS] = fmax(0, ret_values[CONNECTIONS] - trial->threads);
    ret_values[OPENS] = count_events(watcher);
    ret_values[BUNDLE_KIB] = size;
    return good;
}

bool connections_warm(const struct trial *trial, struct outcome *ret_outcome)
{
    double values[MOST_VALUES];
    bool good;

    world_opens_once(true);
    good = measure_apart(warm, trial, times(ROUNDS), values);
    world_opens_once(false);
    for (unsigned i = OPENS; i <= SURPLUS; i++) {
        ret_outcome->values[i] = values[i];
    }
    note(ret_outcome,
         "a CA bundle of %.0f KiB, %.0f connections to the vault; the token is fetched within that time",
         values[BUNDLE_KIB], values[CONNECTIONS]);
    return good;
}
