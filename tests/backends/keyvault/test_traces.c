/*
 * What stays in this process's memory after a request: no wrapped or unwrapped key, no client secret, neither
 * plain nor as base64url, in anybody's heap. The server runs in another process, and what is looked for is
 * computed byte by byte, so that the test itself does not hold it. (The access token does leave copies in
 * libcurl; it ends by itself.)
 */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/vault_client.h"
#include "tests/backends/keyvault/https_server.h"
#include "tests/backends/keyvault/traces.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VERSION "0123456789abcdef0123456789abcdef"

enum { KEY_SIZE = 32 };

/* The key that is wrapped (0) or unwrapped (1), and the client secret (2, letters only). */
static unsigned char byte_of(unsigned what, size_t at)
{
    uint32_t mixed = (uint32_t)(at + 1) * 2654435761u + what * 40503u;

    mixed ^= mixed >> 13;
    mixed *= 1540483477u;
    mixed ^= mixed >> 15;
    return what == 2 ? (unsigned char)('a' + mixed % 26) : (unsigned char)mixed;
}

/* The character of its base64url text. */
static unsigned char character_of(unsigned what, size_t at)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t bit = at * 6, byte = bit / 8, shift = bit % 8;
    unsigned two = (unsigned)byte_of(what, byte) << 8 | (byte + 1 < KEY_SIZE ? byte_of(what, byte + 1) : 0);

    return (unsigned char)digits[two >> (10 - shift) & 63];
}

/* --- The other process --- */

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    char body[1024], value[400] = "";
    unsigned *port = arg;

    if (strstr(request->path, "/oauth2/") != NULL) {
        https_say(reply, 200, NULL, "{\"access_token\":\"T\",\"expires_in\":3599}");
        return;
    }
    if (strstr(request->path, "/unwrapkey") != NULL || strstr(request->path, "/rng") != NULL) {
        for (size_t i = 0; i < (KEY_SIZE * 8 + 5) / 6; i++) {
            value[i] = (char)character_of(1, i);
        }
    } else { /* of RSA-2048, or of RFC 3394 */
        memset(value, 'A', memmem(request->body.data, request->body.size, "KW", 2) == NULL ? 342 : 54);
    }
    snprintf(body, sizeof body, "{\"kid\":\"https://127.0.0.1:%u/keys/kek/" VERSION "\",\"value\":\"%s\"}",
             *port, value);
    https_say(reply, 200, NULL, body);
}

struct place_of_server {
    unsigned port;
    char url[64], ca[128];
};

static void run_server(int to_parent, int from_parent)
{
    static unsigned port;
    struct https_server *server = https_server_start("127.0.0.1", serve, &port);
    struct place_of_server place;
    char secret[KEY_SIZE + 1] = "", end;

    for (size_t i = 0; i < KEY_SIZE; i++) {
        secret[i] = (char)byte_of(2, i);
    }
    (void)test_file("secret", secret);
    port = place.port = https_server_port(server);
    snprintf(place.url, sizeof place.url, "%s", https_server_url(server));
    snprintf(place.ca, sizeof place.ca, "%s", https_server_ca(server));
    if (write(to_parent, &place, sizeof place) == (ssize_t)sizeof place) {
        (void)!read(from_parent, &end, 1); /* until the parent is gone */
    }
    _exit(0);
}

/* --- This one --- */

static struct place_of_server server;

struct house {
    struct place place;
    struct http_client *http;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct vault_client client;
    struct service_answer answer;
};

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    struct http_options options = {
        .about = "test", .ca_file = server.ca, .connect_timeout = 2000, .connection_age = 600000};
    struct identity_options who = {.about = "test", .client_id = "c"};
    struct identity *identity;
    char file[128];
    const char *rest;

    snprintf(file, sizeof file, "%s/secret", test_folder());
    who.client_secret_file = file;
    assert_true(place_parse(server.url, &house->place, &rest));
    assert_int_equal(http_client_new(&options, &house->http), CKR_OK);
    who.http = house->http;
    assert_int_equal(client_secret_kind.open(&who, &identity), CKR_OK);
    assert_int_equal(
        endpoint_new(&(struct endpoint_options){.about = "test", .http = house->http}, &house->endpoint),
        CKR_OK);
    assert_int_equal(token_cache_new("test", identity, &house->tokens), CKR_OK);
    house->client = (struct vault_client){.about = "test",
                                          .vault = &house->place,
                                          .url = server.url,
                                          .api_version = "7.6",
                                          .endpoint = house->endpoint,
                                          .tokens = house->tokens,
                                          .scope = {server.url, "t", "https://vault.azure.net", NULL}};
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;

    token_cache_free(house->tokens);
    endpoint_free(house->endpoint);
    http_client_free(house->http);
    free(house);
    return 0;
}

static const struct key_ref kek = {"kek", NULL};

static void test_the_search_finds(void **state)
{
    unsigned char *copy SCOPED(scope_free) = NULL;

    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    copy = malloc(KEY_SIZE);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        copy[i] = byte_of(0, i);
    }
    assert_int_equal(traces_count(KEY_SIZE, 0, byte_of), 1);
    wipe(copy, KEY_SIZE);
    assert_int_equal(traces_count(KEY_SIZE, 0, byte_of), 0);
}

static void test_wrapped_key_leaves_no_trace(void **state)
{
    struct house *house = *state;
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(512);
    struct secret key = SECRET_INIT;

    if (traces_cannot_be_sought()) {
        skip();
    }
    assert_int_equal(secret_new(KEY_SIZE, &key), CKR_OK);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        key.data[i] = byte_of(0, i);
    }
    assert_int_equal(vault_client_seal(&house->client, VAULT_WRAP, &kek, RSA_PADDING_OAEP_SHA1,
                                       secret_bytes(&key), deadline_in(5000), &blob, &house->answer),
                     CKR_OK);
    secret_free(&key);
    assert_int_equal(traces_count(16, 0, byte_of), 0);
    assert_int_equal(traces_count(20, 0, character_of), 0);
}

static void test_unwrapped_key_leaves_no_trace(void **state)
{
    static const unsigned char blob[256] = {1};
    struct house *house = *state;
    struct secret key = SECRET_INIT;

    if (traces_cannot_be_sought()) {
        skip();
    }
    assert_int_equal(vault_client_open(&house->client, VAULT_UNWRAP, &kek, RSA_PADDING_OAEP_SHA1,
                                       bytes_of(blob, sizeof blob), deadline_in(5000), &key, &house->answer),
                     CKR_OK);
    assert_int_equal(key.size, KEY_SIZE);
    assert_true(traces_are_at(key.data, KEY_SIZE, 1, byte_of));
    assert_int_equal(traces_count(16, 1, byte_of), 1);
    secret_free(&key);
    assert_int_equal(traces_count(16, 1, byte_of), 0);
    assert_int_equal(traces_count(20, 1, character_of), 0);
}

static CK_RV aes(struct house *house, enum aes_verb verb, struct bytes data, struct secret *ret_value)
{
    const struct aes_task task = {.verb = verb, .algorithm = AES_KW, .key_bits = 256, .data = data};
    struct aes_extra extra;

    return vault_client_aes(&house->client, &kek, &task, deadline_in(10000), ret_value, &extra,
                            &house->answer);
}

static void test_key_wrapped_by_aes_leaves_no_trace(void **state)
{
    struct house *house = *state;
    struct secret key = SECRET_INIT, blob = SECRET_INIT;

    if (traces_cannot_be_sought()) {
        skip();
    }
    assert_int_equal(secret_new(KEY_SIZE, &key), CKR_OK);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        key.data[i] = byte_of(0, i);
    }
    assert_int_equal(aes(house, AES_WRAP, secret_bytes(&key), &blob), CKR_OK);
    secret_free(&key);
    secret_free(&blob);
    assert_int_equal(traces_count(16, 0, byte_of), 0);
    assert_int_equal(traces_count(20, 0, character_of), 0);
}

static void test_key_unwrapped_by_aes_leaves_no_trace(void **state)
{
    static const unsigned char blob[KEY_SIZE + 8] = {1};
    struct house *house = *state;
    struct secret key = SECRET_INIT;

    if (traces_cannot_be_sought()) {
        skip();
    }
    assert_int_equal(aes(house, AES_UNWRAP, bytes_of(blob, sizeof blob), &key), CKR_OK);
    assert_true(traces_are_at(key.data, KEY_SIZE, 1, byte_of));
    assert_int_equal(traces_count(16, 1, byte_of), 1);
    secret_free(&key);
    assert_int_equal(traces_count(16, 1, byte_of), 0);
    assert_int_equal(traces_count(20, 1, character_of), 0);
}

/* They may become a key. */
static void test_random_bytes_leave_no_trace(void **state)
{
    static unsigned char data[KEY_SIZE];
    struct house *house = *state;

    if (traces_cannot_be_sought()) {
        skip();
    }
    assert_int_equal(
        vault_client_random(&house->client, data, sizeof data, deadline_in(10000), &house->answer), CKR_OK);
    assert_true(traces_are_at(data, KEY_SIZE, 1, byte_of));
    assert_int_equal(traces_count(16, 1, byte_of), 1);
    wipe(data, sizeof data);
    assert_int_equal(traces_count(16, 1, byte_of), 0);
    assert_int_equal(traces_count(20, 1, character_of), 0);
}

static void test_client_secret_leaves_no_trace(void **state)
{
    test_unwrapped_key_leaves_no_trace(state);
    assert_int_equal(traces_count(20, 2, byte_of), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TRACE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TRACE_TEST(test_the_search_finds),
        TRACE_TEST(test_wrapped_key_leaves_no_trace),
        TRACE_TEST(test_unwrapped_key_leaves_no_trace),
        TRACE_TEST(test_key_wrapped_by_aes_leaves_no_trace),
        TRACE_TEST(test_key_unwrapped_by_aes_leaves_no_trace),
        TRACE_TEST(test_random_bytes_leave_no_trace),
        TRACE_TEST(test_client_secret_leaves_no_trace),
    };
    int up[2], down[2], failed;
    pid_t child;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    (void)test_folder();
    if (pipe(up) != 0 || pipe(down) != 0 || (child = fork()) < 0) {
        return 1;
    }
    if (child == 0) {
        close(down[1]);
        run_server(up[1], down[0]);
    }
    close(down[0]);
    if (read(up[0], &server, sizeof server) != (ssize_t)sizeof server) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    close(down[1]);
    waitpid(child, NULL, 0);
    test_folder_remove();
    return failed;
}
