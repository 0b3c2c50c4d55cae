/* Goal 7: what stays in memory. */
#include "tests/bench/apart.h"
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/world.h"
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 3,
    MANY_SESSIONS = 10000,
    USED_KEYS = 24,
    FIRST_USED = 900,
    LISTED_KEYS = 300,
    MOST_FOUND = 2000,
    MOST_THREADS = 64
};

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

static bool begin(const char *name, unsigned round_trip, struct client *ret_client)
{
    struct configuration how = {.name = name, .place = place_at(round_trip)};

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
    if (!begin("sessions", 0, &client) || !client_slot("vault", &slot)) {
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

static bool list(struct client *client, CK_ULONG *ret_count)
{
    static CK_OBJECT_HANDLE objects[MOST_FOUND];
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};

    if (!client_expect(p11->C_FindObjectsInit(client->session, &template, 1), "C_FindObjectsInit")) {
        return false;
    }
    p11->C_FindObjects(client->session, objects, MOST_FOUND, ret_count);
    p11->C_FindObjectsFinal(client->session);
    return *ret_count > 0;
}

static bool find_extra(struct client *client, unsigned number)
{
    char label[32];
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, label, (CK_ULONG)snprintf(label, sizeof label, "extra-%u", number)}};

    return client_find(client->session, template, 2, &client->public_kek);
}

static bool read_public_part(struct client *client)
{
    unsigned char modulus[512];
    CK_ATTRIBUTE attribute = {CKA_MODULUS, modulus, sizeof modulus};

    return client_expect(p11->C_GetAttributeValue(client->session, client->public_kek, &attribute, 1),
                         "C_GetAttributeValue");
}

static bool wrap_thrice(struct client *client)
{
    return client_wrap_sha256(client, 3);
}

/* KiB for each of the RSA keys, the first of which warms up what all share. Below 0: it failed. */
static double measure_each(struct client *client, bool (*use)(struct client *client))
{
    unsigned count = times(USED_KEYS);
    double before = 0;

    for (unsigned i = 0; i < count; i++) {
        if (!find_extra(client, FIRST_USED + i) || !use(client)) {
            return -1;
        }
        before = i == 0 ? heap_used() : before;
    }
    return (heap_used() - before) / (count - 1);
}

enum { LISTED, KNOWN, WRAPPING };

static bool measure_keys(const void *arg, double *ret_values)
{
    struct client client;
    CK_ULONG count = 0;
    double before;

    (void)arg;
    if (!begin("keys", 0, &client) || !client_make_data_key(&client) || !wrap_thrice(&client)) {
        return false;
    }
    before = heap_used();
    if (!list(&client, &count)) {
        return false;
    }
    ret_values[LISTED] = (heap_used() - before) / (double)count;
    ret_values[KNOWN] = measure_each(&client, read_public_part);
    ret_values[WRAPPING] = measure_each(&client, wrap_thrice);
    return ret_values[KNOWN] >= 0 && ret_values[WRAPPING] >= 0;
}

bool memory_of_keys(const struct trial *trial, struct outcome *ret_outcome)
{
    double values[MOST_VALUES];
    bool good = true;

    (void)trial;
    for (unsigned i = 0; good && i < times(LISTED_KEYS); i++) {
        good = world_put_key(i, "{\"kty\":\"EC\"}");
    }
    for (unsigned i = 0; good && i < times(USED_KEYS); i++) {
        good = world_put_key(FIRST_USED + i, "{\"kty\":\"RSA\"}");
    }
    if (!good || !measure_apart(measure_keys, NULL, 1, values)) {
        return false;
    }
    ret_outcome->values[0] = values[LISTED] + values[KNOWN];
    ret_outcome->values[1] = ret_outcome->values[0] + values[WRAPPING];
    note(ret_outcome, "listed %.2f KiB, its public part %.2f KiB more, and %.2f KiB more to wrap with it",
         values[LISTED], values[KNOWN], values[WRAPPING]);
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

    if (!begin("connections", 20, &client) || !client_unwrap(&client, 1)) {
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
