/*
 * The peer of an unwrap: one easy handle of libcurl,
 * kept, that posts the same request to the same stand-in.
 */
#ifndef BYOK_TESTS_BENCH_CURL_PEER_H
#define BYOK_TESTS_BENCH_CURL_PEER_H

#include "tests/bench/world.h"
#include <curl/curl.h>

enum { ANSWER_SIZE = 16 * 1024 };

struct curl_peer {
    CURL *easy;
    struct curl_slist *headers;
    char url[TEXT_SIZE + 64];
    char body[1024];
    char answer[ANSWER_SIZE];
    size_t answer_size;
};

/* A token of the identity service at that place, "" where it gives none. From malloc. */
char *curl_peer_token(const struct place *place);
/* Ready to unwrap the known blob there. */
bool curl_peer_open(const struct place *place, const char *token, struct curl_peer *ret_peer);
void curl_peer_close(struct curl_peer *peer);
/* struct curl_peer: `count` requests. */
bool curl_peer_unwrap(void *peer, unsigned count);
/* Wraps 32 bytes of any kind there into the known blob. */
bool curl_peer_make_blob(const struct place *place, const char *token, unsigned char ret_blob[BLOB_SIZE]);

#endif
