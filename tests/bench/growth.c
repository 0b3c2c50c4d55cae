/* Goal 8: nothing becomes dearer because there is more of it. */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW = 8,
    MANY_KEYS = 1000,
    MANY_SESSIONS = 10000,
    FINDS = 10000,
    OPENS = 20000,
    ROUNDS = 15,
    SESSION_ROUNDS = 7,
    STARTS = 15
};

/* --- Finding a key by its name --- */

struct finder {
    CK_SESSION_HANDLE session;
    CK_ATTRIBUTE_TYPE by;
    char name[32];
};

static bool find(void *arg, unsigned count)
{
    struct finder *finder = arg;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {finder->by, finder->name, strlen(finder->name)}};
    CK_OBJECT_HANDLE object;

    while (count > 0 && client_find(finder->session, template, 2, &object)) {
        count--;
    }
    return count == 0;
}

static bool race(CK_SESSION_HANDLE few, CK_SESSION_HANDLE many, CK_ATTRIBUTE_TYPE by, struct pair *ret_pair)
{
    struct finder here = {few, by, "extra-5"}, there = {many, by, ""};
    struct work a = {find, &there}, b = {find, &here};

    snprintf(there.name, sizeof there.name, "extra-%u", times(MANY_KEYS) * 3 / 4);
    return measure_pair(&a, &b, times(FINDS), times(ROUNDS), ret_pair);
}

bool growth_of_find(const struct trial *trial, struct outcome *ret_outcome)
{
    struct configuration how = {
        .name = "find", .place = place_at(0), .named = FEW, .also_named = times(MANY_KEYS)};
    struct client few, many;
    struct pair by_label, by_id;

    (void)trial;
    if (!world_configure(&how) || !client_initialize() || !client_open("vault", &few) ||
        !client_open("other", &many)) {
        return false;
    }
    counts_reset();
    if (!race(few.session, many.session, CKA_LABEL, &by_label) ||
        !race(few.session, many.session, CKA_ID, &by_id)) {
        return false;
    }
    ret_outcome->values[0] = by_label.cpu_ratio;
    ret_outcome->values[1] = by_id.cpu_ratio;
    ret_outcome->values[2] = (double)counts_of("total");
    note(ret_outcome, "by label %.2f us and %.2f us", by_label.cpu_a * 1e6, by_label.cpu_b * 1e6);
    return true;
}

/* --- Sessions --- */

static bool open_and_close(CK_SLOT_ID slot, unsigned count)
{
    CK_SESSION_HANDLE session;

    for (unsigned i = 0; i < count; i++) {
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
            p11->C_CloseSession(session) != CKR_OK) {
            return false;
        }
    }
    return true;
}

/* Seconds for one. Below 0: one failed. */
static double time_sessions(CK_SLOT_ID slot)
{
    double began = cpu_now();

    return open_and_close(slot, times(OPENS)) ? (cpu_now() - began) / times(OPENS) : -1;
}

static bool open_many(CK_SLOT_ID slot, CK_SESSION_HANDLE *sessions, unsigned count)
{
    bool good = true;

    for (unsigned i = 0; good && i < count; i++) {
        good = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &sessions[i]) == CKR_OK;
    }
    return good;
}

bool growth_of_sessions(const struct trial *trial, struct outcome *ret_outcome)
{
    static CK_SESSION_HANDLE sessions[MANY_SESSIONS];
    struct configuration how = {.name = "sessions", .place = place_at(0)};
    unsigned many = times(MANY_SESSIONS), rounds = times(SESSION_ROUNDS);
    double ratios[SESSION_ROUNDS], few[SESSION_ROUNDS];
    CK_SLOT_ID slot;

    (void)trial;
    if (!world_configure(&how) || !client_initialize() || !client_slot("vault", &slot) ||
        time_sessions(slot) < 0) {
        return false;
    }
    for (unsigned i = 0; i < rounds; i++) {
        double among_many;

        few[i] = time_sessions(slot);
        if (!open_many(slot, sessions, many)) {
            return false;
        }
        among_many = time_sessions(slot);
        for (unsigned at = 0; at < many; at++) {
            p11->C_CloseSession(sessions[at]);
        }
        ratios[i] = among_many / few[i];
    }
    ret_outcome->values[0] = median(ratios, rounds);
    note(ret_outcome, "%.0f ns where there is no other session", median(few, rounds) * 1e9);
    return true;
}

/* --- The size of the vault --- */

/* Seconds from C_Initialize to an open session. Below 0: it failed. */
static double time_start(void)
{
    double began = wall_now(), took;
    struct client client;

    if (!client_initialize() || !client_open("vault", &client)) {
        return -1;
    }
    took = wall_now() - began;
    return client_expect(p11->C_Finalize(NULL), "C_Finalize") ? took : -1;
}

static double time_starts(void)
{
    double took[STARTS];
    unsigned count = times(STARTS);

    for (unsigned i = 0; i < count; i++) {
        took[i] = time_start();
        if (took[i] < 0) {
            return -1;
        }
    }
    return median(took, count);
}

bool growth_of_vault(const struct trial *trial, struct outcome *ret_outcome)
{
    struct configuration how = {.name = "vault", .place = place_at(0)};
    struct client client;
    double few, many;

    (void)trial;
    if (!world_configure(&how) || !client_load() || time_start() < 0 || (few = time_starts()) < 0) {
        return false;
    }
    for (unsigned i = 0; i < times(MANY_KEYS); i++) {
        if (!world_put_key(i, "{\"kty\":\"EC\"}")) {
            return false;
        }
    }
    counts_reset();
    many = time_starts();
    ret_outcome->values[0] = many / few;
    ret_outcome->values[1] = (double)counts_of("total");
    if (many < 0 || !client_initialize() || !client_open("vault", &client) || !client_unwrap(&client, 1)) {
        return false;
    }
    ret_outcome->values[2] = (double)counts_of("total");
    note(ret_outcome, "%.2f ms, with a thousand keys more %.2f ms", few * 1e3, many * 1e3);
    return true;
}
