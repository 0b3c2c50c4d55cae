/* From C_Initialize to C_Finalize, all forms of both, and what a forked child finds. */
#include "tests/pkcs11/house.h"
#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60 /* seconds until a hang is a failure */ };

static CK_RV no_mutex(void **mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV no_lock(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static int configure(void **state)
{
    (void)state;
    house_configure_fakes();
    return 0;
}

static int finalize(void **state)
{
    (void)state;
    C_Finalize(NULL);
    return 0;
}

static void assert_runs(void)
{
    CK_ULONG count = 0;

    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
}

static void assert_does_not_run(void)
{
    CK_ULONG count = 0;

    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void assert_starts(CK_C_INITIALIZE_ARGS *arguments)
{
    assert_int_equal(C_Initialize(arguments), CKR_OK);
    assert_runs();
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_does_not_run();
}

static void test_nothing_works_before(void **state)
{
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;
    CK_INFO info;

    (void)state;
    assert_does_not_run();
    assert_int_equal(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_GetSlotInfo(0, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session),
                     CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_CloseSession(1), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_CloseAllSessions(0), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_GenerateRandom(1, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_SessionCancel(1, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void test_null_arguments(void **state)
{
    (void)state;
    assert_starts(NULL);
}

static void test_every_flag(void **state)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = 0};

    (void)state;
    for (arguments.flags = 0; arguments.flags <= 3; arguments.flags++) {
        assert_starts(&arguments);
    }
}

static void test_callbacks_with_every_flag(void **state)
{
    CK_C_INITIALIZE_ARGS arguments = {no_mutex, no_lock, no_lock, no_lock, 0, NULL};

    (void)state;
    for (arguments.flags = 0; arguments.flags <= 3; arguments.flags++) {
        assert_starts(&arguments);
    }
}

static void test_some_callbacks(void **state)
{
    (void)state;
    for (unsigned given = 1; given < 15; given++) {
        CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};

        arguments.CreateMutex = (given & 1) != 0 ? no_mutex : NULL;
        arguments.DestroyMutex = (given & 2) != 0 ? no_lock : NULL;
        arguments.LockMutex = (given & 4) != 0 ? no_lock : NULL;
        arguments.UnlockMutex = (given & 8) != 0 ? no_lock : NULL;
        assert_int_equal(C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
        assert_does_not_run();
    }
}

static void test_reserved_names_the_configuration(void **state)
{
    char reserved[600] = "config=";
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = reserved};

    (void)state;
    strcat(reserved, getenv("BYOK_PKCS11_CONF"));
    unsetenv("BYOK_PKCS11_CONF");
    assert_starts(&arguments);
    strcat(reserved, ".missing");
    assert_int_equal(C_Initialize(&arguments), CKR_GENERAL_ERROR);
    assert_does_not_run();
}

/* NSS has its parameters where the standard has pReserved. */
static void test_reserved_of_others(void **state)
{
    char nss[] =
        "configdir='sql:/etc/pki/nssdb' certPrefix='' keyPrefix='' secmod='secmod.db' flags=readOnly";
    char empty[] = "";
    CK_C_INITIALIZE_ARGS arguments = {.flags = 3, .pReserved = nss};

    (void)state;
    assert_starts(&arguments);
    arguments.pReserved = empty;
    assert_starts(&arguments);
}

static void test_reserved_is_no_pointer(void **state)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = (void *)1};

    (void)state;
    assert_int_equal(C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
    assert_does_not_run();
}

static void test_second_initialize(void **state)
{
    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_runs();
}

static void test_finalize_with_an_argument(void **state)
{
    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(&state), CKR_ARGUMENTS_BAD);
    assert_runs();
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static unsigned open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void start_and_stop(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(C_Initialize(NULL), CKR_OK);
        house_session(0);
        assert_int_equal(C_Finalize(NULL), CKR_OK);
    }
}

static void test_a_thousand_starts_leave_nothing(void **state)
{
    (void)state;
    start_and_stop(50);
    size_t memory = mallinfo2().uordblks;
    unsigned files = open_files();

    start_and_stop(1000);
    assert_true(mallinfo2().uordblks < memory + 16384);
    assert_int_equal(open_files(), files);
    assert_int_equal(atomic_load(&house_fake()->sessions), 0);
}

static void test_bad_configuration_leaves_nothing(void **state)
{
    (void)state;
    house_configure(
        "token \"first\" {\n backend = hsm\n uri = \"%s\"\n}\ntoken \"second\" {\n backend = hsn\n}\n",
        house_fake_uri(0));
    house_log();
    assert_int_equal(C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_does_not_run();
    assert_non_null(strstr(house_log(), "byok-pkcs11.conf:6:"));
    house_configure_fakes();
    assert_starts(NULL);
}

static void test_no_configuration(void **state)
{
    CK_ULONG count = 9;

    (void)state;
    unsetenv("BYOK_PKCS11_CONF");
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(C_GetSlotInfo(0, NULL), CKR_SLOT_ID_INVALID);
}

static void test_log_option_is_checked(void **state)
{
    (void)state;
    house_configure("\nlog = \"chatty\"\n");
    house_log();
    assert_int_equal(C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_non_null(strstr(house_log(), "byok-pkcs11.conf:2:"));
    house_configure("log = \"info syslog\"\n");
    assert_int_equal(C_Initialize(NULL), CKR_OK);
}

static void test_start_is_logged(void **state)
{
    (void)state;
    house_log();
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_non_null(strstr(house_log(), "started with 2 tokens"));
}

static void test_info(void **state)
{
    CK_INFO info;

    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetInfo(&info), CKR_OK);
    assert_int_equal(info.cryptokiVersion.major, 2);
    assert_int_equal(info.cryptokiVersion.minor, 40);
    assert_int_equal(info.flags, 0);
    assert_memory_equal(info.manufacturerID, "byok-pkcs11                     ", 32);
    assert_null(memchr(info.libraryDescription, '\0', sizeof info.libraryDescription));
}

/* --- two threads at once --- */

struct starter {
    pthread_t thread;
    pthread_barrier_t *together;
    CK_RV rv, seen;
};

static void *start_together(void *arg)
{
    struct starter *starter = arg;
    CK_ULONG count;

    pthread_barrier_wait(starter->together);
    starter->rv = C_Initialize(NULL);
    starter->seen = C_GetSlotList(CK_TRUE, NULL, &count);
    return NULL;
}

static void race_to_start(void)
{
    pthread_barrier_t together;
    struct starter starters[4];
    unsigned winners = 0;

    pthread_barrier_init(&together, NULL, 4);
    for (int i = 0; i < 4; i++) {
        starters[i].together = &together;
        assert_int_equal(pthread_create(&starters[i].thread, NULL, start_together, &starters[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(starters[i].thread, NULL);
        winners += starters[i].rv == CKR_OK;
        assert_true(starters[i].rv == CKR_OK || starters[i].rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_int_equal(starters[i].seen, CKR_OK);
    }
    assert_int_equal(winners, 1);
    pthread_barrier_destroy(&together);
}

static void test_one_of_many_threads_starts(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        race_to_start();
        assert_int_equal(C_Finalize(NULL), CKR_OK);
    }
}

/* --- fork --- */

#define CHILD_WANTS(fact)                                                                                    \
    do {                                                                                                     \
        if (!(fact)) {                                                                                       \
            return __LINE__ % 256;                                                                           \
        }                                                                                                    \
    } while (0)

/* Runs `child` in one; its answer is 0, or something like the line of what was wrong. */
static void assert_child(int (*child)(CK_SESSION_HANDLE session), CK_SESSION_HANDLE session)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        alarm(PATIENCE);
        _exit(child(session));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int child_starts_empty(CK_SESSION_HANDLE session)
{
    CK_ULONG count;
    CK_SESSION_HANDLE own;
    CK_SESSION_INFO info;
    unsigned char byte;

    CHILD_WANTS(C_GetSlotList(CK_TRUE, NULL, &count) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CHILD_WANTS(C_GenerateRandom(session, &byte, 1) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CHILD_WANTS(C_CloseSession(session) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CHILD_WANTS(C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
    CHILD_WANTS(C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID);
    CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own) == CKR_OK);
    CHILD_WANTS(own != session);
    CHILD_WANTS(C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID);
    CHILD_WANTS(C_GetSessionInfo(own, &info) == CKR_OK);
    CHILD_WANTS(C_Initialize(NULL) == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
    return 0;
}

static void test_child_starts_empty(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = house_session(0);

    assert_child(child_starts_empty, session);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_runs();
}

static int grandchild_starts_empty(CK_SESSION_HANDLE session)
{
    CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        _exit(child_starts_empty(session));
    }
    CHILD_WANTS(waitpid(pid, &status, 0) == pid);
    CHILD_WANTS(status == 0);
    return 0;
}

static void test_grandchild_starts_empty(void **state)
{
    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_child(grandchild_starts_empty, house_session(0));
}

static int child_of_the_finalized(CK_SESSION_HANDLE session)
{
    (void)session;
    CHILD_WANTS(C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
    CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
    return 0;
}

static void test_child_of_a_finalized_parent(void **state)
{
    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_child(child_of_the_finalized, 0);
}

static atomic_bool stop;

static void *restart_for_ever(void *arg)
{
    while (!atomic_load(&stop)) {
        C_Initialize(NULL);
        C_Finalize(NULL);
    }
    return arg;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Whatever lock the other thread held at the fork. */
static void test_fork_while_others_start_and_stop(void **state)
{
    pthread_t thread;

    (void)state;
    if (SANITIZED) {
        print_message("# SKIP the sanitizers' own allocators do not survive a fork beside other threads\n");
        skip();
    }
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, restart_for_ever, NULL), 0);
    for (int i = 0; i < 100; i++) {
        assert_child(child_of_the_finalized, 0);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

#define test_with_fakes(name) cmocka_unit_test_setup_teardown(name, configure, finalize)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_fakes(test_nothing_works_before),
        test_with_fakes(test_null_arguments),
        test_with_fakes(test_every_flag),
        test_with_fakes(test_callbacks_with_every_flag),
        test_with_fakes(test_some_callbacks),
        test_with_fakes(test_reserved_names_the_configuration),
        test_with_fakes(test_reserved_of_others),
        test_with_fakes(test_reserved_is_no_pointer),
        test_with_fakes(test_second_initialize),
        test_with_fakes(test_finalize_with_an_argument),
        test_with_fakes(test_a_thousand_starts_leave_nothing),
        test_with_fakes(test_bad_configuration_leaves_nothing),
        test_with_fakes(test_no_configuration),
        test_with_fakes(test_log_option_is_checked),
        test_with_fakes(test_start_is_logged),
        test_with_fakes(test_info),
        test_with_fakes(test_one_of_many_threads_starts),
        test_with_fakes(test_child_starts_empty),
        test_with_fakes(test_grandchild_starts_empty),
        test_with_fakes(test_child_of_a_finalized_parent),
        test_with_fakes(test_fork_while_others_start_and_stop),
    };

    alarm(PATIENCE);
    return cmocka_run_group_tests_name("pkcs11/module", tests, house_build, house_tear_down);
}
