/* tests/vault-curl: what it prints, how it ends, and that no command line ever has a secret. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a command prints, from malloc. */
static char *output_of(const char *command, int *ret_status)
{
    char *output = need(calloc(1, 1 << 16));
    FILE *stream = popen(command, "re");

    assert_non_null(stream);
    output[fread(output, 1, (1 << 16) - 1, stream)] = '\0';
    *ret_status = pclose(stream);
    return output;
}

/* tests/vault-curl with these arguments, as the shell reads them. */
static char *vault_curl(const char *arguments, int *ret_status)
{
    const char *source = getenv("srcdir");
    char *command OWNED(owned_free) =
        text("'%s/tests/vault-curl' %s", source == NULL ? "." : source, arguments);

    return output_of(command, ret_status);
}

static int export(void **state)
{
    (void)state;
    setenv("VAULT_URL", standin.vault_url, 1);
    setenv("VAULT_CA", standin.vault_ca, 1);
    setenv("IDENTITY_URL", standin.identity_url, 1);
    setenv("TENANT_ID", standin.tenant_id, 1);
    setenv("CLIENT_ID", standin.client_id, 1);
    setenv("CLIENT_SECRET_FILE", standin.client_secret_file, 1);
    return 0;
}

static void test_it_prints_the_answer(void **state)
{
    int status;
    char *output OWNED(owned_free) = vault_curl("GET /keys/kek", &status);
    cJSON *json OWNED(owned_json) = cJSON_Parse(output);

    (void)state;
    assert_int_equal(status, 0);
    assert_true(cJSON_HasObjectItem(json, "key"));
}

static void test_it_sends_json(void **state)
{
    int status;
    char *output OWNED(owned_free) = vault_curl(
        "POST '/keys/kek/wrapkey?api-version=7.4' '{\"alg\":\"RSA-OAEP\",\"value\":\"AQ\"}'", &status);
    cJSON *json OWNED(owned_json) = cJSON_Parse(output);

    (void)state;
    assert_int_equal(status, 0);
    assert_true(cJSON_HasObjectItem(json, "value"));
}

static void test_it_fails_when_the_vault_refuses(void **state)
{
    int status;
    char *output OWNED(owned_free) = vault_curl("GET /keys/nobody", &status);
    cJSON *json OWNED(owned_json) = cJSON_Parse(output);

    (void)state;
    assert_int_not_equal(status, 0);
    assert_true(cJSON_HasObjectItem(json, "error"));
}

static void test_it_fails_without_a_token(void **state)
{
    int status;
    char *output OWNED(owned_free) = NULL;

    (void)state;
    setenv("CLIENT_ID", "00000000-0000-0000-0000-00000000dead", 1);
    output = vault_curl("GET /keys/kek 2>&1", &status);
    assert_int_not_equal(status, 0);
    assert_non_null(strstr(output, "AADSTS700016"));
}

/* A curl that writes down how it was called. */
static void make_spy(const char *path, const char *log)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file, "#!/bin/sh\necho \"$@\" >>'%s'\nPATH=${PATH#*:} exec curl \"$@\"\n", log);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
}

static void test_no_secret_on_a_command_line(void **state)
{
    char *spy OWNED(owned_free) = text("%s/curl", standin.dir),
              *log OWNED(owned_free) = text("%s/calls", standin.dir);
    char *command OWNED(owned_free) = text("cat '%s'", log), *calls OWNED(owned_free) = NULL;
    char *path OWNED(owned_free) = text("%s", getenv("PATH")), *with_spy OWNED(owned_free) = NULL;
    char *output OWNED(owned_free) = NULL;
    int status, read_status;

    (void)state;
    make_spy(spy, log);
    with_spy = text("%s:%s", standin.dir, path);
    setenv("PATH", with_spy, 1);
    output = vault_curl("GET /keys/kek", &status);
    setenv("PATH", path, 1);
    calls = output_of(command, &read_status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(calls, "--config"));
    assert_null(strstr(calls, client_secret()));
    assert_null(strstr(calls, "eyJ"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_it_prints_the_answer, export),
    cmocka_unit_test_setup(test_it_sends_json, export),
    cmocka_unit_test_setup(test_it_fails_when_the_vault_refuses, export),
    cmocka_unit_test_setup(test_it_fails_without_a_token, export),
    cmocka_unit_test_setup(test_no_secret_on_a_command_line, export),
};
const struct test_list vault_curl_tests = TEST_LIST(tests);
