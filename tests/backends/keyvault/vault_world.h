/* A vault that says what it is told, and the verbs before it. */
#ifndef BYOK_TESTS_VAULT_WORLD_H
#define BYOK_TESTS_VAULT_WORLD_H

#include "backends/keyvault/vault_client.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VERSION  "0123456789abcdef0123456789abcdef"
#define VERSION2 "fedcba9876543210fedcba9876543210"

enum { MOST_STEPS = 8 };

struct step {
    enum https_act act;
    unsigned status;
    const char *headers;
    char body[2048];
};

struct world {
    struct https_server *server;
    struct place place;
    struct http_client *http;
    struct endpoint *endpoint;
    struct token_cache *tokens;
    struct vault_client client;
    struct service_answer answer;
    char log[128];
    /* what the vault says: the steps in turn, the last one again and again */
    struct step steps[MOST_STEPS];
    unsigned step_count, asked;
    unsigned token_requests;
    const char *token_body;
    unsigned token_status;
    /* what it was asked last */
    char method[8], path[512], body[1024], bearer[64];
};

/* For each test. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* A program's tests; removes what they wrote. */
#define run_vault_tests(tests) (world_begin(), world_end(cmocka_run_group_tests(tests, NULL, NULL)))
#define VAULT_TEST(name)       cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
void world_begin(void);
int world_end(int failed);

/* What answers, for a server of a test's own. */
void world_serve(void *arg, const struct https_request *request, struct https_reply *reply);

/* The next step. */
struct step *say(struct world *world, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void say_refusal(struct world *world, unsigned status, const char *code, const char *inner);
/* An answer of an operation: `size` zero bytes. */
void say_value(struct world *world, const char *name, const char *version, size_t size);
/* The same with more members, from a comma on. */
void say_more(struct world *world, const char *name, const char *version, size_t size, const char *more);

/* As talkative as it can be from now on. */
void log_all(const struct world *world);
/* Nothing of these bytes, neither plain nor in base64url nor in hexadecimal digits. At least 8 of them. */
void expect_not_logged(const struct world *world, struct bytes secret);
const char *log_text(const struct world *world);
void expect_log_lines(const struct world *world, unsigned expected);
void expect_log(const struct world *world, const char *words);

/* What a listing gave: the names, a blank behind each; it has seen enough at `enough` of them (0: never). */
struct names_seen {
    unsigned count, enough;
    char names[256];
};

/* Whether it wants more. */
bool see_name(struct names_seen *seen, const char *name);

/* What each item of a page looks like. */
struct item_words {
    const char *id, *folder, *rest;
};

/* A page of items with these names, one letter each; `next` is what follows the port, NULL at the end. */
void say_page_of(struct world *world, const struct item_words *words, const char *names, const char *next);

#endif
