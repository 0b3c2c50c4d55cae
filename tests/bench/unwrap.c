/* Goal 3: what an unwrap costs, far and near. */
#include "tests/bench/apart.h"
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/curl_peer.h"
#include "tests/bench/sdk.h"
#include <stdlib.h>

enum { MOST_THREADS = 64, FAR_SECONDS = 1, NEAR_COUNT = 100, NEAR_ROUNDS = 45, SDK_COUNT = 300 };

struct callers {
    struct client clients[MOST_THREADS];
    struct curl_peer peers[MOST_THREADS];
    void *client_args[MOST_THREADS], *peer_args[MOST_THREADS];
};

/* All of them know their way: a token, and a connection each. */
static struct callers *callers_new(const struct place *place, unsigned threads)
{
    struct configuration how = {.name = "unwrap", .place = place};
    struct callers *callers = calloc(1, sizeof *callers);
    char *token = curl_peer_token(place);
    bool good = callers != NULL && world_configure(&how) && client_initialize();

    for (unsigned i = 0; good && i < threads; i++) {
        callers->client_args[i] = &callers->clients[i];
        callers->peer_args[i] = &callers->peers[i];
        good = client_open("vault", &callers->clients[i]) && curl_peer_open(place, token, &callers->peers[i]);
    }
    good = good && measure_crowd(threads, client_unwrap, callers->client_args, 2) > 0 &&
           measure_crowd(threads, curl_peer_unwrap, callers->peer_args, 2) > 0;
    free(token);
    return good ? callers : NULL;
}

/*
 * The part of what so many threads could do if a request took the round trip and nothing more. Without RSA at
 * the stand-in: 64 threads over 20 ms ask for 3,200 a second, which is most of a processor there.
 */
bool unwrap_far(const struct trial *trial, struct outcome *ret_outcome)
{
    struct callers *callers = callers_new(place_at(trial->round_trip), trial->threads);
    unsigned count = times(FAR_SECONDS * 1000 / trial->round_trip), rounds = times(3);
    double ideal = count * trial->round_trip / 1000.0, ours[3], theirs[3];

    if (callers == NULL || !world_opens_once(true)) {
        return false;
    }
    for (unsigned i = 0; i < rounds; i++) {
        double took = measure_crowd(trial->threads, client_unwrap, callers->client_args, count);
        double peer = measure_crowd(trial->threads, curl_peer_unwrap, callers->peer_args, count);

        if (took < 0 || peer < 0) {
            return false;
        }
        ours[i] = ideal / took;
        theirs[i] = ideal / peer;
    }
    world_opens_once(false);
    ret_outcome->values[0] = median(ours, rounds);
    note(ret_outcome, "a reused curl handle for each thread: %.3f", median(theirs, rounds));
    return true;
}

static bool begin_ours(struct work *ret_work)
{
    static struct client client;
    struct configuration how = {.name = "near", .place = place_at(0)};

    *ret_work = (struct work){client_unwrap, &client};
    return world_configure(&how) && client_initialize() && client_open("vault", &client) &&
           client_unwrap(&client, 3);
}

static bool begin_theirs(struct work *ret_work)
{
    static struct curl_peer peer;
    char *token = curl_peer_token(place_at(0));
    bool good = curl_peer_open(place_at(0), token, &peer) && curl_peer_unwrap(&peer, 3);

    free(token);
    *ret_work = (struct work){curl_peer_unwrap, &peer};
    return good;
}

/* In two processes, because who is the first to use libcurl in one decides how its memory is freed. */
bool unwrap_near(const struct trial *trial, struct outcome *ret_outcome)
{
    struct pair pair;

    (void)trial;
    if (!measure_pair_apart(begin_ours, begin_theirs, times(NEAR_COUNT), times(NEAR_ROUNDS), &pair)) {
        return false;
    }
    ret_outcome->values[0] = 1 / pair.wall_ratio;
    ret_outcome->values[1] = pair.cpu_ratio;
    note(ret_outcome, "ours %.0f/s with %.0f us of CPU each, the curl handle %.0f/s with %.0f us",
         1 / pair.wall_a, pair.cpu_a * 1e6, 1 / pair.wall_b, pair.cpu_b * 1e6);
    return true;
}

bool unwrap_against_sdk(const struct trial *trial, struct outcome *ret_outcome)
{
    const char *missing = sdk_missing();
    double rates[3], cpus[3], seconds[3];
    unsigned rounds = times(3), count = times(SDK_COUNT);
    struct callers *callers;

    (void)trial;
    if (missing != NULL) {
        return not_run(ret_outcome, "%s", missing);
    }
    callers = callers_new(place_at(0), 1);
    for (unsigned i = 0; i < rounds; i++) {
        double wall = wall_now(), cpu = cpu_now();
        struct sdk_figures sdk;

        if (callers == NULL || !client_unwrap(&callers->clients[0], count)) {
            return false;
        }
        wall = (wall_now() - wall) / count;
        cpu = (cpu_now() - cpu) / count;
        if (!sdk_run(place_at(0), world.quick ? "unwrap:1:3" : "unwrap:1:300", &sdk)) {
            return false;
        }
        rates[i] = sdk.seconds / wall;
        cpus[i] = cpu / sdk.cpu;
        seconds[i] = sdk.seconds;
    }
    ret_outcome->values[0] = median(rates, rounds);
    ret_outcome->values[1] = median(cpus, rounds);
    note(ret_outcome, "the SDK %.0f/s", 1 / median(seconds, rounds));
    return true;
}
