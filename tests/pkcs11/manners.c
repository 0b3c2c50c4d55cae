/* A guest's manners, one test for each. See manners.h. */
#include "tests/pkcs11/manners.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_ROOM = 512 };

static const char *in_folder(const char *name)
{
    static char path[PATH_ROOM];

    snprintf(path, sizeof path, "%s/%s", getenv("TOKENS_DIR"), name);
    return path;
}

static void assert_work(void)
{
    const char *failed = manners_work();

    if (failed != NULL) {
        fail_msg("%s", failed);
    }
}

static int finalize(void **state)
{
    (void)state;
    p11->C_Finalize(NULL);
    return 0;
}

/* What the stand-in's control port answers; `more` are words for curl. */
static void control(const char *more, const char *path, char *ret_answer, size_t room)
{
    char command[2 * PATH_ROOM];

    snprintf(command, sizeof command, "curl --silent --fail %s \"$CONTROL_URL%s\"", more, path);
    FILE *curl = popen(command, "r");

    assert_non_null(curl);
    size_t size = fread(ret_answer, 1, room - 1, curl);

    ret_answer[size] = '\0';
    assert_int_equal(pclose(curl), 0);
}

/* --- what is quiet --- */

static void test_no_request_before_there_is_need(void **state)
{
    char answer[1024];
    CK_SESSION_HANDLE session;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_ULONG count = 0;
    CK_BYTE pin[] = "1234";

    (void)state;
    control("--request DELETE", "/counts", answer, sizeof answer);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(p11->C_GetSlotInfo(VAULT_SLOT, &slot), CKR_OK);
    assert_int_equal(p11->C_GetTokenInfo(VAULT_SLOT, &token), CKR_OK);
    assert_int_equal(p11->C_GetMechanismList(VAULT_SLOT, NULL, &count), CKR_OK);
    assert_int_equal(p11->C_OpenSession(VAULT_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(p11->C_Login(session, CKU_USER, pin, 4), CKR_OK);
    control("", "/requests", answer, sizeof answer);
    assert_null(strstr(answer, "{"));
    assert_work();
    control("", "/requests", answer, sizeof answer);
    assert_non_null(strstr(answer, "{"));
}

/* Standard output and error, as they were before; returns what was written in between. */
static off_t written_by(void (*doing)(void))
{
    int before[2] = {dup(1), dup(2)};
    int file = open(in_folder("written"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat about;

    assert_true(file >= 0);
    fflush(NULL);
    dup2(file, 1);
    dup2(file, 2);
    doing();
    fflush(NULL);
    dup2(before[0], 1);
    dup2(before[1], 2);
    assert_int_equal(fstat(file, &about), 0);
    close(before[0]);
    close(before[1]);
    close(file);
    return about.st_size;
}

static const char *quiet_result;

static void work_quietly(void)
{
    quiet_result = manners_work();
}

static void say_something(void)
{
    printf("something");
}

static void test_nothing_is_written_to_the_hosts_output(void **state)
{
    (void)state;
    assert_int_equal(written_by(say_something), 9);
    assert_int_equal(written_by(work_quietly), 0);
    assert_null(quiet_result);
}

static unsigned threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    assert_non_null(tasks);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        count += task->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

static void test_no_threads_of_our_own(void **state)
{
    unsigned before = threads(); /* a sanitizer may have one */

    (void)state;
    assert_work();
    assert_int_equal(threads(), before);
}

/* --- signals --- */

/* The next request loses its connection; what is written into it afterwards raises SIGPIPE. */
static void cut_one_connection(void)
{
    char answer[1024];

    control("--request POST --data '[{\"cut\":true,\"times\":1,\"match\":{\"server\":\"vault\"}}]'",
            "/faults", answer, sizeof answer);
}

static bool sigpipe_is_pending(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

static void test_sigpipe_stays_the_hosts(void **state)
{
    struct sigaction before = {.sa_handler = SIG_DFL}, after;
    sigset_t mask_before, mask_after;

    (void)state;
    sigaction(SIGPIPE, &before, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    assert_work();
    cut_one_connection();
    assert_work();
    sigaction(SIGPIPE, NULL, &after);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    assert_ptr_equal(after.sa_handler, SIG_DFL);
    for (int signal = 1; signal < NSIG; signal++) {
        assert_int_equal(sigismember(&mask_after, signal), sigismember(&mask_before, signal));
    }
    assert_false(sigpipe_is_pending());
}

static void test_a_sigpipe_of_the_hosts_is_left_to_it(void **state)
{
    sigset_t sigpipe, before;
    struct timespec no_time = {0, 0};

    (void)state;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    raise(SIGPIPE);
    assert_work();
    assert_true(sigpipe_is_pending());
    assert_int_equal(sigtimedwait(&sigpipe, NULL, &no_time), SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- the host's OpenSSL --- */

static void test_the_default_context_stays_the_hosts(void **state)
{
    OSSL_LIB_CTX *own = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);

    (void)state;
    assert_work();
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(own), before);
    assert_work();
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(before), own);
    OSSL_LIB_CTX_free(own);
}

static void test_no_errors_in_the_hosts_queue(void **state)
{
    (void)state;
    ERR_clear_error();
    assert_work();
    assert_int_equal(ERR_peek_error(), 0);
}

/* Whole calls, with requests of libcurl's in them, which empties the queue as it goes. */
static void test_the_hosts_own_errors_stay_in_its_queue(void **state)
{
    (void)state;
    ERR_clear_error();
    ERR_raise_data(ERR_LIB_USER, 7, "the host's");
    assert_work();
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 7);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 7);
    assert_int_equal(ERR_get_error(), 0);
}

static void test_the_secure_heap_stays_the_hosts(void **state)
{
    (void)state;
    assert_work();
    assert_false(CRYPTO_secure_malloc_initialized());
    assert_int_equal(CRYPTO_secure_malloc_init(65536, 32), 1);
    assert_int_equal(CRYPTO_secure_malloc_done(), 1);
}

/* --- coming and going --- */

static void test_unloading_leaves_us_in_place(void **state)
{
    void *library = dlopen(getenv("MODULE"), RTLD_NOW | RTLD_LOCAL);
    CK_INFO info;

    (void)state;
    assert_non_null(library);
    assert_work();
    for (int more_than_loads = 0; more_than_loads < 4; more_than_loads++) {
        dlclose(library);
    }
    assert_int_equal(p11->C_GetInfo(&info), CKR_OK);
    assert_ptr_equal(module_functions(), p11);
    assert_work();
}

/* The exit status of "manners MODE"; below 0: the signal that ended it. */
static int run_mode(const char *mode)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execl("/proc/self/exe", "manners", mode, (char *)NULL);
        _exit(98);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_ending_without_finalize(void **state)
{
    (void)state;
    assert_int_equal(run_mode("never-finalize"), 0);
}

static void test_finalize_before_openssl_ends(void **state)
{
    (void)state;
    assert_int_equal(run_mode("finalize-before-openssl"), 0);
}

/* What OpenSSL would have to free then is left to the end of the process; that is no leak to look for. */
static void test_finalize_after_openssl_has_ended(void **state)
{
    const char *options = getenv("ASAN_OPTIONS");
    char more[PATH_ROOM];

    (void)state;
    snprintf(more, sizeof more, "%s:detect_leaks=0", options == NULL ? "" : options);
    setenv("ASAN_OPTIONS", more, 1);
    assert_int_equal(run_mode("finalize-after-openssl"), 0);
    assert_int_equal(run_mode("openssl-cleaned-up"), 0);
}

/* Where the built module is. */
static const char *module_folder(void)
{
    static char path[PATH_ROOM];

    snprintf(path, sizeof path, "%s", getenv("MODULE"));
    return dirname(path);
}

/* Measured as a hang: the host's OpenSSL has a provider over this module, and we are the first to use it. */
static void test_openssl_that_leads_back_to_us(void **state)
{
    char provider[PATH_ROOM];
    FILE *configuration = fopen(in_folder("openssl.cnf"), "w");

    (void)state;
    assert_non_null(configuration);
    snprintf(provider, sizeof provider, "%s/../tests/pkcs11/.libs/host_provider.so", module_folder());
    setenv("HOST_PROVIDER", provider, 1);
    fprintf(configuration,
            "openssl_conf = all\n[all]\nproviders = both\n[both]\ndefault = usual\nhosts = hosts\n"
            "[usual]\nactivate = 1\n[hosts]\nmodule = %s\nactivate = 1\n",
            provider);
    fclose(configuration);
    assert_int_equal(run_mode("routed-back-by-work"), 5); /* the host can tell */
    setenv("OPENSSL_CONF", in_folder("openssl.cnf"), 1);
    assert_int_equal(run_mode("routed-back-by-work"), 0);
    assert_int_equal(run_mode("routed-back-by-request"), 0);
    unsetenv("OPENSSL_CONF");
}

#define test_manner(name) cmocka_unit_test_teardown(name, finalize)

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        test_manner(test_no_request_before_there_is_need),
        test_manner(test_nothing_is_written_to_the_hosts_output),
        test_manner(test_no_threads_of_our_own),
        test_manner(test_sigpipe_stays_the_hosts),
        test_manner(test_a_sigpipe_of_the_hosts_is_left_to_it),
        test_manner(test_the_default_context_stays_the_hosts),
        test_manner(test_no_errors_in_the_hosts_queue),
        test_manner(test_the_hosts_own_errors_stay_in_its_queue),
        test_manner(test_the_secure_heap_stays_the_hosts),
        test_manner(test_unloading_leaves_us_in_place),
        test_manner(test_ending_without_finalize),
        test_manner(test_finalize_before_openssl_ends),
        test_manner(test_finalize_after_openssl_has_ended),
        test_manner(test_openssl_that_leads_back_to_us),
    };

    p11 = module_functions();
    if (p11 == NULL || getenv("TOKENS_DIR") == NULL) {
        fprintf(stderr, "usage: tests/with-tokens manners [MODE]\n");
        return 99;
    }
    return count == 2 ? manners_mode(words[1])
                      : cmocka_run_group_tests_name("pkcs11/manners", tests, NULL, NULL);
}
