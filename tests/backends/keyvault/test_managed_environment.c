/* Which service of a machine is asked: the environment alone says so. */
#include "backends/base/child.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "tests/backends/base/base_test.h"

#define SECRET "the-secret-of-the-environment"

static const char *const variables[] = {
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT",       "IMDS_ENDPOINT",
    "MSI_ENDPOINT",      "MSI_SECRET",      "AZURE_POD_IDENTITY_AUTHORITY_HOST"};
static const struct managed_places bare = {"/nonexistent", "/nonexistent"};
static const struct managed_places with_agent = {"/nonexistent", "/dev/null"};

static int forget_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
    return 0;
}

/* The source's name and address, or the problem. */
static void expect_way(const struct managed_places *places, const char *words, const char *url)
{
    struct managed_way way SCOPED(managed_way_done);

    assert_int_equal(managed_way_read(places, &way), CKR_OK);
    if (strstr(way.source == NULL ? way.problem : way.source->name, words) == NULL ||
        (url != NULL && strcmp(buffer_text(&way.url), url) != 0)) {
        fail_msg("not %s: %s at %s", words, way.source == NULL ? way.problem : way.source->name,
                 buffer_text(&way.url));
    }
    assert_true(url == NULL ? way.source == NULL && way.header.size == 0 : way.source != NULL);
}

static void test_which_it_is(void **state)
{
    static const char imds[] = "http://169.254.169.254/metadata/identity/oauth2/token";

    (void)state;
    expect_way(&bare, "metadata service", imds);
    expect_way(&with_agent, "Azure Arc", "http://127.0.0.1:40342/metadata/identity/oauth2/token");
    setenv("IDENTITY_HEADER", SECRET, 1); /* Container Instances has it alone, beside IMDS */
    expect_way(&bare, "metadata service", imds);
    unsetenv("IDENTITY_HEADER");
    setenv("MSI_ENDPOINT", "http://localhost:50342/oauth2/token", 1);
    expect_way(&with_agent, "azure-cli works there", NULL);
    setenv("MSI_SECRET", SECRET, 1);
    expect_way(&bare, "MSI_ENDPOINT", "http://localhost:50342/oauth2/token");
    setenv("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token", 1);
    expect_way(&bare, "IDENTITY_ENDPOINT is set without", NULL);
    setenv("IMDS_ENDPOINT", "http://localhost:40342", 1);
    expect_way(&bare, "Azure Arc", "http://localhost:42356/msi/token");
    setenv("IDENTITY_HEADER", SECRET, 1);
    expect_way(&bare, "App Service", "http://localhost:42356/msi/token");
    setenv("IDENTITY_SERVER_THUMBPRINT", "aa", 1);
    expect_way(&bare, "Service Fabric", NULL);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        setenv(variables[i], "", 1);
    }
    expect_way(&bare, "metadata service", imds);
}

static void test_addresses_of_this_machine(void **state)
{
    static const char *const near[] = {"http://localhost:42356/msi/token",
                                       "http://127.0.0.1:41741/MSI/token/",
                                       "http://169.254.129.2:8081/msi/token",
                                       "http://172.16.5.3:8081/msi/token",
                                       "http://172.31.255.255/x",
                                       "http://10.0.0.1:1/x",
                                       "http://192.168.1.1/x",
                                       "https://127.0.0.1:8443/x",
                                       "http://[::1]:80/x",
                                       "HTTP://LocalHost/x"};

    (void)state;
    setenv("IDENTITY_HEADER", SECRET, 1);
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        setenv("IDENTITY_ENDPOINT", near[i], 1);
        expect_way(&bare, "App Service", near[i]);
    }
}

/* The secret would go to them. */
static void test_addresses_of_others(void **state)
{
    static const char *const far[] = {"http://example.org/msi/token",
                                      "http://8.8.8.8/x",
                                      "http://172.32.0.1/x",
                                      "http://172.15.0.1/x",
                                      "http://169.253.1.1/x",
                                      "http://192.169.0.1/x",
                                      "http://127.0.0.1.example.org/x",
                                      "http://127.0.0.1.5/x",
                                      "http://localhost.example.org/x",
                                      "http://localhost@example.org/x",
                                      "http://127.0.0.1:80@example.org/x",
                                      "http://127.1/x",
                                      "http://2130706433/x",
                                      "http://0177.0.0.1/x",
                                      "http://[::ffff:8.8.8.8]/x",
                                      "http://localhost\\@example.org/x",
                                      "http://localhost/x#y",
                                      "http://localhost/x y",
                                      "http://localhost/x\r\nX-Evil: 1",
                                      "ftp://localhost/x",
                                      "file:///etc/passwd",
                                      "localhost:42356/msi/token",
                                      "http:localhost/x",
                                      "http://",
                                      "http://localhost:0/x",
                                      "http://localhost:99999/x"};
    static const char *const where[] = {"IDENTITY_ENDPOINT", "MSI_ENDPOINT",
                                        "AZURE_POD_IDENTITY_AUTHORITY_HOST"};

    (void)state;
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        (void)forget_environment(NULL);
        setenv("MSI_SECRET", SECRET, 1);
        setenv("IMDS_ENDPOINT", "x", 1);
        if (i == 0) {
            setenv("IDENTITY_HEADER", SECRET, 1);
        }
        for (size_t j = 0; j < sizeof far / sizeof far[0]; j++) {
            setenv(where[i], far[j], 1);
            expect_way(&bare, "nothing is asked there", NULL);
        }
    }
}

static void test_secret_that_is_no_header(void **state)
{
    char large[5000] = "";

    (void)state;
    setenv("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token", 1);
    setenv("IDENTITY_HEADER", "a\r\nX-Evil: 1", 1);
    expect_way(&bare, "cannot be sent", NULL);
    memset(large, 'x', sizeof large - 1);
    setenv("IDENTITY_HEADER", large, 1);
    expect_way(&bare, "cannot be sent", NULL);
}

/* --- A set-id process: this program again, as a set-uid copy that another user runs --- */

enum { NOT_SECURE = 77 };

/* Whoever started it must not choose whom it asks, nor what it runs. */
static int answer_as_secure(void)
{
    struct managed_way way SCOPED(managed_way_done) = {.source = NULL};
    struct buffer path SCOPED(buffer_free) = BUFFER_INIT(256);
    const char *const arguments[] = {"sh", "-c", "exit 0", NULL};

    if (!process_is_secure()) {
        return NOT_SECURE;
    }
    if (getenv("IDENTITY_HEADER") == NULL || managed_way_read(&with_agent, &way) != CKR_OK ||
        strcmp(buffer_text(&way.url), "http://169.254.169.254/metadata/identity/oauth2/token") != 0) {
        return 1;
    }
    if (child_find_program("sh", &path) != CKR_DATA_INVALID) {
        return 2;
    }
    return child_run("/bin/sh", arguments, deadline_in(1000), &path, &path).end == CHILD_NOT_STARTED ? 0 : 3;
}

static int run_as_another(void *arg)
{
    const char *path = arg;

    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 4;
    }
    execl(path, path, "secure", (char *)NULL);
    return 5;
}

static void test_a_set_id_process_asks_the_metadata_service(void **state)
{
    char command[1024], path[256];
    int answer;

    (void)state;
    if (geteuid() != 0 || TEST_SANITIZED != 0) {
        test_skip("needs root, and no sanitizer");
    }
    setenv("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token", 1);
    setenv("IDENTITY_HEADER", SECRET, 1);
    snprintf(path, sizeof path, "%s", test_path("secure"));
    snprintf(command, sizeof command, "cp /proc/%d/exe %s && chmod 4755 %s && chmod 755 %s", (int)getpid(),
             path, path, test_directory);
    assert_int_equal(system(command), 0);
    answer = test_in_child(run_as_another, path);
    if (answer == NOT_SECURE) {
        test_skip("set-uid has no effect on this file system");
    }
    assert_int_equal(answer, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define WAY_TEST(name) cmocka_unit_test_setup_teardown(name, forget_environment, forget_environment)
        WAY_TEST(test_which_it_is),
        WAY_TEST(test_addresses_of_this_machine),
        WAY_TEST(test_addresses_of_others),
        WAY_TEST(test_secret_that_is_no_header),
        WAY_TEST(test_a_set_id_process_asks_the_metadata_service),
    };

    if (argc == 2 && strcmp(argv[1], "secure") == 0) {
        return answer_as_secure();
    }
    return cmocka_run_group_tests(tests, test_begin, test_end);
}
