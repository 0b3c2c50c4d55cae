/* The composed service: opening without network, serial, named keys, fork. */
#include "backends/base/libcrypto.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/key_service.h"
#include "backends/keyvault/keyvault.h"
#include "tests/backends/keyvault/https_server.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VERSION "0123456789abcdef0123456789abcdef"

static const char *const words[] = {"keyvault", NULL};
static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = words}};
static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};

struct world {
    struct https_server *server;
    struct settings_file *file;
    struct key_service *service;
};

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    struct world *world = arg;
    char body[512];

    if (strstr(request->path, "/oauth2/") != NULL) {
        https_say(reply, 200, NULL, "{\"access_token\":\"T\",\"expires_in\":3599}");
        return;
    }
    snprintf(body, sizeof body,
             "{\"kid\":\"https://127.0.0.1:%u/keys/kek/" VERSION "\",\"value\":\"AAECAw\"}",
             https_server_port(world->server));
    https_say(reply, 200, NULL, body);
}

/* `more`: further lines of its section. */
static void open_service_with(struct world *world, const char *keys, const char *more)
{
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"keyvault", keyvault_kind.options, keyvault_kind.option_count}};
    char text[2048], reserved[160];

    snprintf(
        text, sizeof text,
        "token \"t\" {\nbackend = keyvault\nvault = \"%s\"\nkeys = {%s}\nidentity = client-secret\ntenant = t\n"
        "client-id = c\nclient-secret-file = \"%s\"\nauthority = \"%s\"\nca-file = \"%s\"\ntimeout = 5s\n%s}\n",
        https_server_url(world->server), keys, test_file("secret", "s"), https_server_url(world->server),
        https_server_ca(world->server), more);
    snprintf(reserved, sizeof reserved, "config=%s", test_file("conf", text));
    assert_int_equal(settings_read(reserved, &globals, groups, 2, &world->file), CKR_OK);
    assert_int_equal(keyvault_kind.open_service(settings_section(world->file, 0), &world->service), CKR_OK);
}

static void open_service(struct world *world, const char *keys)
{
    open_service_with(world, keys, "");
}

static void close_service(struct world *world)
{
    world->service->ops->close(world->service);
    settings_free(world->file);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    world->server = https_server_start("127.0.0.1", serve, world);
    open_service(world, "\"kek\", \"kek/" VERSION "\"");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    close_service(world);
    https_server_stop(world->server);
    free(world);
    return 0;
}

static CK_RV unwrap(struct key_service *service)
{
    static const unsigned char blob[256] = {1};
    const struct key_ref kek = {"kek", NULL};
    struct secret key SCOPED(secret_free) = SECRET_INIT;
    struct service_answer answer;
    CK_RV rv = service->ops->unwrap(service, &kek, RSA_PADDING_OAEP_SHA1, bytes_of(blob, sizeof blob),
                                    deadline_in(service->timeout), &key, &answer);

    return rv == CKR_OK && key.size != 4 ? CKR_GENERAL_ERROR : rv;
}

static void test_open_asks_nobody(void **state)
{
    struct world *world = *state;

    assert_int_equal(https_server_connections(world->server), 0);
    assert_int_equal(world->service->timeout, 5000);
    assert_string_equal(world->service->model, "Key Vault");
}

static void test_serial_is_of_the_vault(void **state)
{
    struct world *world = *state;
    struct world again = {.server = world->server};
    struct https_server *other = https_server_start("127.0.0.1", serve, NULL);
    struct world elsewhere = {.server = other};

    open_service(&again, "\"another\"");
    open_service(&elsewhere, "\"kek\"");
    assert_int_equal(strlen(world->service->serial), 16);
    assert_string_equal(world->service->serial, again.service->serial);
    assert_string_not_equal(world->service->serial, elsewhere.service->serial);
    again.service->ops->close(again.service);
    settings_free(again.file);
    elsewhere.service->ops->close(elsewhere.service);
    settings_free(elsewhere.file);
    https_server_stop(other);
}

static void test_a_vault_and_a_managed_hsm_differ(void **state)
{
    struct world *world = *state;
    struct world hsm = {.server = world->server};

    open_service_with(&hsm, "\"kek\"", "audience = \"https://managedhsm.azure.net\"\n");
    assert_string_equal(hsm.service->model, "Managed HSM");
    assert_non_null(hsm.service->ops->random);
    assert_null(hsm.service->ops->each_certificate);
    assert_null(hsm.service->ops->certificate);
    assert_null(world->service->ops->random);
    assert_non_null(world->service->ops->each_certificate);
    assert_non_null(world->service->ops->certificate);
    assert_ptr_equal(world->service->ops->sign, hsm.service->ops->sign);
    close_service(&hsm);
}

static void test_api_version_tells_what_aes_does(void **state)
{
    struct world *world = *state;
    struct world older = {.server = world->server}, oldest = {.server = world->server};
    const unsigned all = 1 << AES_KW | 1 << AES_KWP | 1 << AES_CBC | 1 << AES_CBC_PAD | 1 << AES_GCM;

    open_service_with(&older, "\"kek\"", "api-version = \"7.5\"\n");
    open_service_with(&oldest, "\"kek\"", "api-version = \"7.1\"\n");
    assert_int_equal(world->service->aes_algorithms, all);
    assert_int_equal(older.service->aes_algorithms, all - (1 << AES_KWP));
    assert_int_equal(oldest.service->aes_algorithms, 0);
    close_service(&older);
    close_service(&oldest);
}

static void collect(void *arg, const struct key_ref *key)
{
    char *names = arg;

    sprintf(names + strlen(names), "%s(%.4s) ", key->name, key->version == NULL ? "" : key->version);
}

static void test_named_keys(void **state)
{
    struct world *world = *state;
    char names[256] = "";

    world->service->ops->each_named(world->service, collect, names);
    assert_string_equal(names, "kek() kek(0123) ");
    assert_int_equal(https_server_connections(world->server), 0);
}

static void test_older_versions(void **state)
{
    struct world *world = *state;
    struct world own = {.server = world->server};
    char names[256] = "";

    world->service->ops->each_older(world->service, collect, names);
    assert_string_equal(names, "");
    open_service_with(&own, "\"kek\"", "older = {\"" VERSION "\", \"old/" VERSION "\"}\n");
    own.service->ops->each_older(own.service, collect, names);
    assert_string_equal(names, "kek(0123) old(0123) ");
    assert_int_equal(https_server_connections(world->server), 0);
    close_service(&own);
}

static void test_the_latest_of_what_is_named(void **state)
{
    struct world *world = *state;
    struct world own = {.server = world->server};
    char names[256] = "";

    open_service_with(&own, "\"kek/" VERSION "\", \"kek\"", "versions = latest\n");
    own.service->ops->each_named(own.service, collect, names);
    own.service->ops->each_older(own.service, collect, names);
    assert_string_equal(names, "kek() kek(0123) ");
    close_service(&own);
}

static void test_unwrap(void **state)
{
    struct world *world = *state;

    assert_int_equal(unwrap(world->service), CKR_OK);
    assert_int_equal(https_server_requests(world->server), 2);
    assert_int_equal(unwrap(world->service), CKR_OK);
    assert_int_equal(https_server_requests(world->server), 3);
}

static void test_close_null(void **state)
{
    struct world *world = *state;

    world->service->ops->close(NULL);
}

static void test_wrong_section_is_refused(void **state)
{
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"keyvault", keyvault_kind.options, keyvault_kind.option_count}};
    struct settings_file *file;
    struct key_service *service = NULL;
    char reserved[160];

    (void)state;
    snprintf(reserved, sizeof reserved, "config=%s",
             test_file("bad", "token \"t\" {\nbackend = keyvault\n}\n"));
    assert_int_equal(settings_read(reserved, &globals, groups, 2, &file), CKR_OK);
    assert_int_equal(keyvault_kind.open_service(settings_section(file, 0), &service), CKR_GENERAL_ERROR);
    assert_null(service);
    settings_free(file);
}

/*
 * A child opens its own service and leaves the parent's alone;
 * the parent's connection still works afterwards.
 */
static void test_fork(void **state)
{
    struct world *world = *state;
    int status;
    pid_t child;

    assert_int_equal(unwrap(world->service), CKR_OK);
    child = fork();
    if (child == 0) {
        struct world own = {.server = world->server};

        libcrypto_after_fork();
        secret_after_fork();
        keyvault_kind.after_fork();
        open_service(&own, "\"kek\"");
        _exit(unwrap(own.service) == CKR_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(https_server_requests(world->server), 4);
    assert_int_equal(unwrap(world->service), CKR_OK);
    assert_int_equal(https_server_requests(world->server), 5);
    assert_int_equal(https_server_connections(world->server), 4); /* tokens twice, vault twice */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SERVICE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        SERVICE_TEST(test_open_asks_nobody),
        SERVICE_TEST(test_serial_is_of_the_vault),
        SERVICE_TEST(test_a_vault_and_a_managed_hsm_differ),
        SERVICE_TEST(test_api_version_tells_what_aes_does),
        SERVICE_TEST(test_named_keys),
        SERVICE_TEST(test_older_versions),
        SERVICE_TEST(test_the_latest_of_what_is_named),
        SERVICE_TEST(test_unwrap),
        SERVICE_TEST(test_close_null),
        SERVICE_TEST(test_wrong_section_is_refused),
        SERVICE_TEST(test_fork),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    setenv("BYOK_PKCS11_LOG", "error:stderr", 1);
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
