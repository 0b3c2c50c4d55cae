/* libcurl by itself. */
#include "tests/bench/curl_peer.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a JSON text has for a name; from malloc, NULL: nothing. Good for what the stand-in writes. */
static char *value_of(const char *json, const char *name)
{
    char *quoted = text("\"%s\":\"", name), *value = NULL;
    const char *at = strstr(json, quoted);

    if (at != NULL) {
        at += strlen(quoted);
        value = strndup(at, strcspn(at, "\""));
    }
    free(quoted);
    return value;
}

static size_t take(char *data, size_t one, size_t size, void *arg)
{
    struct curl_peer *peer = arg;

    (void)one;
    if (size >= sizeof peer->answer - peer->answer_size) {
        return 0;
    }
    memcpy(peer->answer + peer->answer_size, data, size);
    peer->answer_size += size;
    peer->answer[peer->answer_size] = 0;
    return size;
}

static bool begin(struct curl_peer *peer)
{
    memset(peer, 0, sizeof *peer);
    peer->easy = curl_easy_init();
    if (peer->easy == NULL) {
        return false;
    }
    curl_easy_setopt(peer->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(peer->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(peer->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(peer->easy, CURLOPT_CAINFO, world.ca);
    curl_easy_setopt(peer->easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(peer->easy, CURLOPT_WRITEDATA, peer);
    return true;
}

static bool post(struct curl_peer *peer)
{
    long status = 0;
    CURLcode code;

    peer->answer_size = 0;
    code = curl_easy_perform(peer->easy);
    curl_easy_getinfo(peer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        fprintf(stderr, "bench: libcurl by itself: %s, status %ld\n", curl_easy_strerror(code), status);
        return false;
    }
    return true;
}

void curl_peer_close(struct curl_peer *peer)
{
    curl_easy_cleanup(peer->easy);
    curl_slist_free_all(peer->headers);
}

static char *read_secret(void)
{
    FILE *file = fopen(world.client_secret_file, "re");
    char secret[TEXT_SIZE] = "";

    if (file != NULL) {
        if (fgets(secret, sizeof secret, file) == NULL) {
            secret[0] = 0;
        }
        fclose(file);
    }
    return curl_easy_escape(NULL, secret, (int)strcspn(secret, "\n"));
}

char *curl_peer_token(const struct place *place)
{
    struct curl_peer peer;
    char *secret = read_secret(), *token = NULL;

    if (begin(&peer)) {
        snprintf(peer.url, sizeof peer.url, "%s/%s/oauth2/v2.0/token", place->identity_url, world.tenant);
        snprintf(
            peer.body, sizeof peer.body,
            "grant_type=client_credentials&client_id=%s&client_secret=%s&scope="
            "https%%3A%%2F%%2Fvault.azure.net%%2F.default"
            "&claims=%%7B%%22access_token%%22%%3A%%7B%%22xms_cc%%22%%3A%%7B%%22values%%22%%3A%%5B%%22cp1%%22%%5D%%7D%%7D%%7D",
            world.client_id, secret);
        curl_easy_setopt(peer.easy, CURLOPT_URL, peer.url);
        curl_easy_setopt(peer.easy, CURLOPT_POSTFIELDS, peer.body);
        token = post(&peer) ? value_of(peer.answer, "access_token") : NULL;
        curl_peer_close(&peer);
    }
    curl_free(secret);
    return token != NULL ? token : strdup("");
}

static void set_request(struct curl_peer *peer, const struct place *place, const char *token,
                        const char *verb, const unsigned char *value, size_t size)
{
    char *encoded = base64url(value, size), *bearer = text("Authorization: Bearer %s", token);

    snprintf(peer->url, sizeof peer->url, "%s/keys/kek/%s?api-version=7.6", place->vault_url, verb);
    snprintf(peer->body, sizeof peer->body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", encoded);
    peer->headers = curl_slist_append(NULL, "Content-Type: application/json");
    peer->headers = curl_slist_append(peer->headers, "Accept: application/json");
    peer->headers = curl_slist_append(peer->headers, bearer);
    curl_easy_setopt(peer->easy, CURLOPT_URL, peer->url);
    curl_easy_setopt(peer->easy, CURLOPT_HTTPHEADER, peer->headers);
    curl_easy_setopt(peer->easy, CURLOPT_POSTFIELDS, peer->body);
    free(encoded);
    free(bearer);
}

bool curl_peer_open(const struct place *place, const char *token, struct curl_peer *ret_peer)
{
    if (!begin(ret_peer)) {
        return false;
    }
    set_request(ret_peer, place, token, "unwrapkey", known->blob, sizeof known->blob);
    return true;
}

bool curl_peer_unwrap(void *arg, unsigned count)
{
    struct curl_peer *peer = arg;

    while (count > 0 && post(peer)) {
        count--;
    }
    return count == 0;
}

bool curl_peer_make_blob(const struct place *place, const char *token, unsigned char ret_blob[BLOB_SIZE])
{
    static const unsigned char data_key[32] = {1, 2, 3};
    struct curl_peer peer;
    struct blob blob = {NULL, 0};
    char *value = NULL;
    bool good = false;

    if (begin(&peer)) {
        set_request(&peer, place, token, "wrapkey", data_key, sizeof data_key);
        value = post(&peer) ? value_of(peer.answer, "value") : NULL;
        good = value != NULL && base64url_decode(value, &blob) && blob.size == BLOB_SIZE;
        if (good) {
            memcpy(ret_blob, blob.data, BLOB_SIZE);
        }
        free(blob.data);
        free(value);
        curl_peer_close(&peer);
    }
    return good;
}
