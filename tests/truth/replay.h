/*
 * Recorded requests, sent again to the stand-in. What the service made up when they were recorded (versions,
 * ciphertexts, tokens of lists) is not known there: it is replaced by what the stand-in made up instead.
 */
#ifndef TRUTH_REPLAY_H
#define TRUTH_REPLAY_H

#include "tests/standin/test_client.h"
#include "tests/truth/difference.h"
#include "tests/truth/recorded.h"

enum { REPLAY_WORDS = 64 };

struct replay {
    bool hsm;  /* of a Managed HSM, not of a vault */
    int delay; /* milliseconds that a deletion takes */
    struct {
        char *from, *to;
    } words[REPLAY_WORDS];
    size_t word_count;
};

void replay_done(struct replay *replay);
/* From now on `to` is said in place of `from`. */
void replay_learn(struct replay *replay, const char *from, const char *to);
/* The version, the ciphertext and the place in a list of an answer, in place of the recorded ones. */
void replay_learn_answer(struct replay *replay, const cJSON *recorded, const cJSON *got);

/* `request`: method, url, headers, body as recorded. */
struct reply replay_send(const struct replay *replay, const cJSON *request, bool with_token);
/* A request of the preparation, which must be answered with this status. Takes the body (NULL: none). */
cJSON *replay_ask(const struct replay *replay, const char *host, const char *method, const char *path,
                  cJSON *body, long status);

/* "fakevault.local" of "https://fakevault.local:443/keys"; from malloc. */
char *url_host(const char *url);
/* "/keys?..." of it. Borrowed. */
const char *url_path(const char *url);
/* NAME of .../keys/NAME/... or .../deletedkeys/NAME/...; from malloc, "" where there is none. */
char *url_key(const char *url);
/* The 32 characters behind it, from malloc; "": there are none. */
char *url_version(const char *url);

/*
 * Makes the stand-in what the service was when this exchange was recorded: keys by their answers, blobs that
 * are opened, settings. Changes the request where it must be about them.
 */
void replay_prepare(struct replay *replay, const cJSON *exchange, cJSON *request);
/* Some requests were kept without their bodies: what they said is in the answer. */
void replay_fill(const cJSON *exchange, cJSON *request);
/* A new private key of the type and curve of a recorded one, as a JSON web key without its type. */
cJSON *replay_private_key(const cJSON *recorded);
/* The same for keys that a list is of. */
void replay_prepare_list(const struct replay *replay, const cJSON *items, const char *url);
/* From an empty vault on: all that the exchange needs, and the answer to its request. */
struct reply replay_exchange(struct replay *replay, const cJSON *exchange);
/* An empty vault with the settings of the start. */
void replay_begin(const struct replay *replay, const cJSON *response);

#endif
