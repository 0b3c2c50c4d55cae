/* Goal 5: how many requests are made, counted at the stand-in. */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/world.h"

enum { MOST_THREADS = 64, COUNT = 100, LISTED = 100, PAGE = 25, MOST_FOUND = 2000 };

/* From C_Initialize over the first unwrap to many wraps. */
bool requests_of_a_life(const struct trial *trial, struct outcome *ret_outcome)
{
    struct configuration how = {.name = "life", .place = place_at(0)};
    struct client client;

    (void)trial;
    counts_reset();
    if (!world_configure(&how) || !client_initialize() || !client_open("vault", &client) ||
        !client_expect(p11->C_Login(client.session, CKU_USER, NULL, 0), "C_Login")) {
        return false;
    }
    ret_outcome->values[0] = (double)counts_of("total");
    if (!client_unwrap(&client, 1)) {
        return false;
    }
    ret_outcome->values[1] = (double)counts_of("total");
    if (!client_unwrap(&client, COUNT)) {
        return false;
    }
    ret_outcome->values[2] = ((double)counts_of("total") - ret_outcome->values[1]) / COUNT;
    if (!client_make_data_key(&client) || !client_wrap_sha256(&client, 2)) {
        return false;
    }
    counts_reset();
    if (!client_wrap_sha256(&client, COUNT)) {
        return false;
    }
    ret_outcome->values[3] = (double)counts_of("total");
    return true;
}

static bool read_modulus(void *arg, unsigned count)
{
    struct client *client = arg;
    unsigned char modulus[512];
    CK_ATTRIBUTE attribute = {CKA_MODULUS, modulus, sizeof modulus};

    (void)count;
    return client_expect(p11->C_GetAttributeValue(client->session, client->public_kek, &attribute, 1),
                         "C_GetAttributeValue");
}

/* All at once, over a distance, so that the first answer comes after the last question. */
bool requests_of_threads(const struct trial *trial, struct outcome *ret_outcome)
{
    static struct client clients[MOST_THREADS];
    struct configuration how = {.name = "threads", .place = place_at(trial->round_trip)};
    void *args[MOST_THREADS];
    bool good = world_configure(&how) && client_initialize();

    for (unsigned i = 0; good && i < trial->threads; i++) {
        args[i] = &clients[i];
        good = client_open("vault", &clients[i]);
    }
    counts_reset();
    if (!good || measure_crowd(trial->threads, client_unwrap, args, 1) < 0 ||
        measure_crowd(trial->threads, read_modulus, args, 1) < 0) {
        return false;
    }
    ret_outcome->values[0] = (double)counts_of("token");
    ret_outcome->values[1] = (double)counts_of("get");
    return true;
}

bool requests_of_listing(const struct trial *trial, struct outcome *ret_outcome)
{
    static CK_OBJECT_HANDLE objects[MOST_FOUND];
    struct configuration how = {.name = "listing", .place = place_at(0)};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    struct client client;
    CK_ULONG found = 0;
    bool good = true;

    (void)trial;
    for (unsigned i = 0; good && i < LISTED; i++) {
        good = world_put_key(i, "{\"kty\":\"EC\"}");
    }
    if (!good || !world_configure(&how) || !client_initialize() || !client_open("vault", &client)) {
        return false;
    }
    counts_reset();
    if (!client_expect(p11->C_FindObjectsInit(client.session, &template, 1), "C_FindObjectsInit")) {
        return false;
    }
    p11->C_FindObjects(client.session, objects, MOST_FOUND, &found);
    p11->C_FindObjectsFinal(client.session);
    ret_outcome->values[0] = (double)counts_of("list") / (double)((found + PAGE - 1) / PAGE);
    note(ret_outcome, "%lu keys, %ld requests for their list and %ld for a key", (unsigned long)found,
         counts_of("list"), counts_of("get"));
    return found > LISTED;
}
