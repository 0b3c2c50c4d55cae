/* Goal 7: what stays in memory. */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/world.h"
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, MANY_SESSIONS = 10000, MANY_NAMED = 1000, USED_KEYS = 24, MOST_THREADS = 64 };

/* --- Over the HSM's own module --- */

static bool use_hsm(CK_SLOT_ID slot)
{
    CK_OBJECT_HANDLE objects[64];
    CK_SESSION_HANDLE session;
    CK_ULONG found;

    if (!client_expect(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession") ||
        !client_expect(p11->C_FindObjectsInit(session, NULL, 0), "C_FindObjectsInit")) {
        return false;
    }
    p11->C_FindObjects(session, objects, 64, &found);
    p11->C_FindObjectsFinal(session);
    return true;
}

/* The path that tests/with-tokens has written down. */
static bool load_bare(void)
{
    char path[TEXT_SIZE], module[TEXT_SIZE] = "";
    CK_C_GetFunctionList get = NULL;
    void *library;
    FILE *file;

    snprintf(path, sizeof path, "%s/hsm/module", world.dir);
    file = fopen(path, "re");
    if (file == NULL || fgets(module, sizeof module, file) == NULL) {
        perror(path);
        return false;
    }
    fclose(file);
    module[strcspn(module, "\n")] = 0;
    library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) {
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    }
    return get != NULL && get(&p11) == CKR_OK;
}

static bool measure_hsm(const void *arg, double *ret_values)
{
    bool bare = *(const bool *)arg;
    CK_SLOT_ID slot;

    if ((bare && !load_bare()) || !client_initialize() || !client_slot("hsm", &slot) || !use_hsm(slot)) {
        return false;
    }
    ret_values[0] = resident() / 1024;
    return true;
}

/* The configuration is that of tests/with-tokens: the HSM and the vault, of which nobody asks anything. */
bool memory_over_hsm(const struct trial *trial, struct outcome *ret_outcome)
{
    double bare[MOST_VALUES], ours[MOST_VALUES];
    bool yes = true, no = false;

    (void)trial;
    if (!measure_apart(measure_hsm, &yes, times(ROUNDS), bare) ||
        !measure_apart(measure_hsm, &no, times(ROUNDS), ours)) {
        return false;
    }
    ret_outcome->values[0] = ours[0] - bare[0];
    note(ret_outcome, "a program with the HSM's module has %.1f MiB, with ours %.1f MiB", bare[0], ours[0]);
    return true;
}

/* --- For each of many --- */

static bool begin(const char *name, unsigned round_trip, unsigned named, struct client *ret_client)
{
    struct configuration how = {.name = name, .place = place_at(round_trip), .named = named};

    mallopt(M_ARENA_MAX, 1); /* so that the heap tells of all threads */
    return world_configure(&how) && client_initialize() && client_open("vault", ret_client);
}

bool memory_of_sessions(const struct trial *trial, struct outcome *ret_outcome)
{
    unsigned many = times(MANY_SESSIONS);
    struct client client;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;
    double before;

    (void)trial;
    if (!begin("sessions", 0, 0, &client) || !client_slot("vault", &slot)) {
        return false;
    }
    before = resident();
    for (unsigned i = 0; i < many; i++) {
        if (!client_expect(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
                           "C_OpenSession")) {
            return false;
        }
    }
    ret_outcome->values[0] = (resident() - before) / many;
    return true;
}

static bool use_key(struct client *client, unsigned number)
{
    char label[32];
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, label, (CK_ULONG)snprintf(label, sizeof label, "extra-%u", number)}};

    return client_find(client->session, template, 2, &client->public_kek) && client_wrap_sha256(client, 3);
}

/* What a key costs that wraps here: its name, its public part, and a context prepared for it. */
static bool measure_used(const void *arg, double *ret_values)
{
    unsigned first = *(const unsigned *)arg, count = times(USED_KEYS);
    struct client client;
    double before;

    if (!begin("used", 0, first + count, &client) || !client_make_data_key(&client) ||
        !client_wrap_sha256(&client, 3) || !use_key(&client, first)) {
        return false;
    }
    before = heap_used();
    for (unsigned i = 1; i < count; i++) {
        if (!use_key(&client, first + i)) {
            return false;
        }
    }
    ret_values[0] = (heap_used() - before) / (count - 1);
    return true;
}

static bool measure_named(const void *arg, double *ret_values)
{
    struct client client;

    if (!begin("named", 0, *(const unsigned *)arg, &client)) {
        return false;
    }
    ret_values[0] = heap_used();
    return true;
}

bool memory_of_keys(const struct trial *trial, struct outcome *ret_outcome)
{
    unsigned none = 0, many = times(MANY_NAMED), first = 900, count = times(USED_KEYS);
    double without[MOST_VALUES], with[MOST_VALUES], used[MOST_VALUES], named;
    bool good = true;

    (void)trial;
    for (unsigned i = 0; good && i < count; i++) {
        good = world_put_key(first + i, "{\"kty\":\"RSA\"}");
    }
    if (!good || !measure_apart(measure_named, &none, 1, without) ||
        !measure_apart(measure_named, &many, 1, with) || !measure_apart(measure_used, &first, 1, used)) {
        return false;
    }
    named = (with[0] - without[0]) / many;
    ret_outcome->values[0] = named + used[0];
    note(ret_outcome, "%.2f KiB for a key that has a name only, %.2f KiB more when it wraps", named, used[0]);
    return true;
}

/* --- Threads --- */

static struct {
    pthread_barrier_t met;
    double resident;
} crowd;

/* Unwraps, and waits for all others, so that each has a connection of its own; one looks around. */
static bool unwrap_and_meet(void *arg, unsigned count)
{
    bool good = client_unwrap(arg, count);

    if (pthread_barrier_wait(&crowd.met) == PTHREAD_BARRIER_SERIAL_THREAD) {
        crowd.resident = resident();
    }
    pthread_barrier_wait(&crowd.met);
    return good;
}

static bool meet(const struct trial *trial)
{
    static struct client clients[MOST_THREADS];
    void *args[MOST_THREADS];
    bool good = pthread_barrier_init(&crowd.met, NULL, trial->threads) == 0;

    for (unsigned i = 0; good && i < trial->threads; i++) {
        args[i] = &clients[i];
        good = client_open("vault", &clients[i]);
    }
    return good && measure_crowd(trial->threads, unwrap_and_meet, args, 1) > 0;
}

static bool measure_connections(const void *arg, double *ret_values)
{
    struct client client;
    double before;

    if (!begin("connections", 20, 0, &client) || !client_unwrap(&client, 1)) {
        return false;
    }
    counts_reset();
    before = heap_used();
    if (!meet(arg)) {
        return false;
    }
    ret_values[0] = (heap_used() - before) / (double)counts_of("vault");
    ret_values[1] = (double)counts_of("vault");
    return true;
}

bool memory_of_connections(const struct trial *trial, struct outcome *ret_outcome)
{
    double values[MOST_VALUES];

    if (!measure_apart(measure_connections, trial, times(ROUNDS), values)) {
        return false;
    }
    ret_outcome->values[0] = values[0];
    note(ret_outcome, "on the heap, for each of %.0f connections, TLS and libcurl's handle included",
         values[1]);
    return true;
}

static bool measure_threads(const void *arg, double *ret_values)
{
    struct configuration how = {.name = "crowd", .place = place_at(20)};
    double before;

    if (!world_configure(&how) || !client_initialize()) {
        return false;
    }
    before = resident();
    if (!meet(arg)) {
        return false;
    }
    ret_values[0] = (crowd.resident - before) / 1024;
    return true;
}

bool memory_of_threads(const struct trial *trial, struct outcome *ret_outcome)
{
    double values[MOST_VALUES];

    if (!measure_apart(measure_threads, trial, times(ROUNDS), values)) {
        return false;
    }
    ret_outcome->values[0] = values[0];
    return true;
}
