/* Goal 2: a wrap with a key that is known costs what OpenSSL's RSA costs. */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/sdk.h"
#include "tests/bench/world.h"
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { COUNT = 1000, ROUNDS = 25, SCALING_COUNT = 2000, SCALING_ROUNDS = 15, MOST_THREADS = 8 };

/* The peer: one prepared context, used again and again. */
struct openssl {
    EVP_PKEY_CTX *context;
};

static bool openssl_wrap(void *arg, unsigned count)
{
    static const unsigned char data_key[32] = {1, 2, 3};
    struct openssl *peer = arg;
    unsigned char blob[BLOB_SIZE];

    for (unsigned i = 0; i < count; i++) {
        size_t size = sizeof blob;

        if (EVP_PKEY_encrypt(peer->context, blob, &size, data_key, sizeof data_key) != 1) {
            return false;
        }
    }
    return true;
}

static EVP_PKEY *read_key(const struct client *client)
{
    unsigned char info[1024];
    const unsigned char *at = info;
    CK_ATTRIBUTE attribute = {CKA_PUBLIC_KEY_INFO, info, sizeof info};

    if (!client_expect(p11->C_GetAttributeValue(client->session, client->public_kek, &attribute, 1),
                       "C_GetAttributeValue")) {
        return NULL;
    }
    return d2i_PUBKEY(NULL, &at, (long)attribute.ulValueLen);
}

static bool openssl_open(const struct client *client, const EVP_MD *hash, struct openssl *ret_peer)
{
    EVP_PKEY *key = read_key(client);

    ret_peer->context = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    return ret_peer->context != NULL && EVP_PKEY_encrypt_init(ret_peer->context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(ret_peer->context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ret_peer->context, hash) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ret_peer->context, hash) == 1;
}

/* The service has accepted a wrap, and the public part is here. */
static bool begin(struct client *client)
{
    struct configuration how = {.name = "wrap", .place = place_at(0)};

    return world_configure(&how) && client_initialize() && client_open("vault", client) &&
           client_make_data_key(client) && client_wrap_sha256(client, 3);
}

static bool against_openssl(bool (*wrap)(void *client, unsigned count), const EVP_MD *hash,
                            struct outcome *ret_outcome)
{
    struct client client;
    struct openssl peer;
    struct pair pair;

    if (!begin(&client) || !openssl_open(&client, hash, &peer)) {
        return false;
    }
    struct work ours = {wrap, &client}, theirs = {openssl_wrap, &peer};

    counts_reset();
    if (!measure_pair(&ours, &theirs, times(COUNT), times(ROUNDS), &pair)) {
        return false;
    }
    ret_outcome->values[0] = 1 / pair.cpu_ratio;
    ret_outcome->values[1] = (double)counts_of("total");
    note(ret_outcome, "ours %.2f us, OpenSSL %.2f us", pair.cpu_a * 1e6, pair.cpu_b * 1e6);
    return true;
}

bool wrap_against_openssl_sha1(const struct trial *trial, struct outcome *ret_outcome)
{
    (void)trial;
    return against_openssl(client_wrap_sha1, EVP_sha1(), ret_outcome);
}

bool wrap_against_openssl_sha256(const struct trial *trial, struct outcome *ret_outcome)
{
    (void)trial;
    return against_openssl(client_wrap_sha256, EVP_sha256(), ret_outcome);
}

struct contest {
    struct client clients[MOST_THREADS];
    struct openssl peers[MOST_THREADS];
    void *client_args[MOST_THREADS], *peer_args[MOST_THREADS];
};

static bool contest_begin(struct contest *contest, unsigned threads)
{
    bool good = begin(&contest->clients[0]);

    for (unsigned i = 0; good && i < threads; i++) {
        contest->client_args[i] = &contest->clients[i];
        contest->peer_args[i] = &contest->peers[i];
        good = (i == 0 ||
                (client_open("vault", &contest->clients[i]) && client_make_data_key(&contest->clients[i]))) &&
               openssl_open(&contest->clients[i], EVP_sha256(), &contest->peers[i]);
    }
    return good;
}

/* How many times as much so many threads do as one. Below 0: one failed. */
static double scale(bool (*run)(void *arg, unsigned count), void *const *args, unsigned threads)
{
    unsigned count = times(SCALING_COUNT);
    double one = measure_crowd(1, run, args, count), all = measure_crowd(threads, run, args, count);

    return one < 0 || all < 0 ? -1 : threads * one / all;
}

bool wrap_scaling(const struct trial *trial, struct outcome *ret_outcome)
{
    static struct contest contest;
    double ours[SCALING_ROUNDS], theirs[SCALING_ROUNDS], ratios[SCALING_ROUNDS];
    unsigned rounds = times(SCALING_ROUNDS);

    if (!contest_begin(&contest, trial->threads)) {
        return false;
    }
    for (unsigned i = 0; i < rounds; i++) {
        ours[i] = scale(client_wrap_sha256, contest.client_args, trial->threads);
        theirs[i] = scale(openssl_wrap, contest.peer_args, trial->threads);
        if (ours[i] < 0 || theirs[i] < 0) {
            return false;
        }
        ratios[i] = ours[i] / theirs[i];
    }
    ret_outcome->values[0] = median(ratios, rounds);
    note(ret_outcome, "%u threads do %.2f times what one does, OpenSSL's %.2f times", trial->threads,
         median(ours, rounds), median(theirs, rounds));
    return true;
}

/* Seconds for one. Below 0: one failed. */
static double time_ours(struct client *client, bool (*wrap)(void *client, unsigned count))
{
    unsigned count = times(COUNT);
    double began = wall_now();

    return wrap(client, count) ? (wall_now() - began) / count : -1;
}

static bool race_sdk(struct client *client, const char *task, bool (*wrap)(void *client, unsigned count),
                     double *ret_ratio, double *ret_theirs)
{
    double ratios[3], theirs[3];
    unsigned rounds = times(3);

    for (unsigned i = 0; i < rounds; i++) {
        double ours = time_ours(client, wrap);
        struct sdk_figures sdk;

        if (ours < 0 || !sdk_run(place_at(0), task, &sdk)) {
            return false;
        }
        theirs[i] = sdk.seconds;
        ratios[i] = sdk.seconds / ours;
    }
    *ret_ratio = median(ratios, rounds);
    *ret_theirs = median(theirs, rounds);
    return true;
}

bool wrap_against_sdk(const struct trial *trial, struct outcome *ret_outcome)
{
    const char *missing = sdk_missing();
    double there, here;
    struct client client;

    (void)trial;
    if (missing != NULL) {
        return not_run(ret_outcome, "%s", missing);
    }
    if (!begin(&client) ||
        !race_sdk(&client, world.quick ? "wrap:RSA-OAEP-256:3" : "wrap:RSA-OAEP-256:400", client_wrap_sha256,
                  &ret_outcome->values[0], &there) ||
        !race_sdk(&client, world.quick ? "wrap:RSA-OAEP:3" : "wrap:RSA-OAEP:8000", client_wrap_sha1,
                  &ret_outcome->values[1], &here)) {
        return false;
    }
    note(ret_outcome, "the SDK: RSA-OAEP-256 at the service %.0f us, RSA-OAEP in the process %.1f us",
         there * 1e6, here * 1e6);
    return true;
}
