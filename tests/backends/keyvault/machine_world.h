/* A machine whose own services give tokens, and who asks them: for the tests of managed identities. */
#ifndef BYOK_TESTS_MACHINE_WORLD_H
#define BYOK_TESTS_MACHINE_WORLD_H

#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "tests/backends/keyvault/https_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "11111111-2222-3333-4444-555555555555"
#define RESOURCE_ID                                                                                          \
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
#define SECRET "Se+cret/0f~the==environment"
#define KEY    "b64+key/of_the~machine=="
#define GOOD                                                                                                 \
    "{\"access_token\":\"abc.def\",\"expires_in\":\"85770\",\"resource\":\"r\",\"token_type\":\"Bearer\"}"
#define NO_IDENTITY "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}"

/* What one request is answered with. */
struct machine_answer {
    enum https_act act;
    unsigned status;
    const char *headers, *body;
};

struct machine_world {
    struct https_server *server;
    struct http_client *http;
    struct identity *identity;
    struct identity_options options;
    struct managed_places places;
    struct token_scope scope;
    struct buffer token;
    int64_t lifetime;
    struct identity_failure failure;
    struct machine_answer answers[4]; /* in turn; the last one again and again */
    unsigned answer_count;
    char path[1024], headers[8192]; /* of the last request */
};

/* Where it is, by its environment. */
void set_url(const struct machine_world *world, const char *variable, const char *path);
void on_a_virtual_machine(const struct machine_world *world);
void in_app_service(const struct machine_world *world);
void in_machine_learning(const struct machine_world *world);
void on_arc(const struct machine_world *world);

void answer_with(struct machine_world *world, unsigned status, const char *headers, const char *body);
bool fetch(struct machine_world *world, int64_t milliseconds);
void expect_token(struct machine_world *world);
void expect_failure(struct machine_world *world, CK_RV rv, const char *words);
/* A header of the last request. */
bool was_sent(const struct machine_world *world, const char *line);

const char *machine_log_path(void);
int machine_set_up(void **state);
int machine_tear_down(void **state);
#define MACHINE_TEST(name) cmocka_unit_test_setup_teardown(name, machine_set_up, machine_tear_down)

/* What main() returns. */
int machine_run(const struct CMUnitTest *tests, size_t count);
#define run_machine_tests(tests) machine_run(tests, sizeof(tests) / sizeof(tests)[0])

#endif
