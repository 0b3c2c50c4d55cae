/*
 * life [ROUNDS]: the module's life under load, run under tests/with-tokens by tests/hammer-life. Forks while
 * other threads are inside calls, C_Finalize while they are, and many lives in one process, which must not
 * grow. Speaks TAP.
 */
#include "tests/built_module.h"
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HSM, VAULT, THREADS = 6, FORKS = 16, CHILD_SECONDS = 30, STOPS = 30, GROWTH_KIB = 3000 };

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static CK_FUNCTION_LIST *p11;
static atomic_bool over;

static __attribute__((format(printf, 2, 3))) void check(bool holds, const char *format, ...)
{
    va_list arguments;

    if (!holds) {
        va_start(arguments, format);
        printf("# ");
        vprintf(format, arguments);
        printf("\nBail out!\n");
        fflush(stdout);
        _exit(1);
    }
}

static CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_RV *ret_rv)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count;

    if ((*ret_rv = p11->C_FindObjectsInit(session, template, 2)) == CKR_OK &&
        (*ret_rv = p11->C_FindObjects(session, &found, 1, &count)) == CKR_OK) {
        *ret_rv = p11->C_FindObjectsFinal(session);
    }
    return found;
}

/* A data key there and back; the first code that is not CKR_OK. */
static CK_RV round_trip(CK_SESSION_HANDLE session)
{
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG length = 32, size = 512;
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0}, wrap = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_VALUE_LEN, &length, sizeof length}};
    unsigned char blob[512], one[32] = {1}, two[32] = {2};
    CK_ATTRIBUTE value = {CKA_VALUE, one, 32}, again = {CKA_VALUE, two, 32};
    CK_OBJECT_HANDLE public, private, key, opened;
    CK_RV rv;

    if ((public = kek(session, CKO_PUBLIC_KEY, &rv), rv) != CKR_OK ||
        (private = kek(session, CKO_PRIVATE_KEY, &rv), rv) != CKR_OK ||
        (rv = p11->C_GenerateKey(session, &generate, template, 6, &key)) != CKR_OK ||
        (rv = p11->C_WrapKey(session, &wrap, public, key, blob, &size)) != CKR_OK ||
        (rv = p11->C_UnwrapKey(session, &wrap, private, blob, size, template, 5, &opened)) != CKR_OK ||
        (rv = p11->C_GetAttributeValue(session, key, &value, 1)) != CKR_OK ||
        (rv = p11->C_GetAttributeValue(session, opened, &again, 1)) != CKR_OK) {
        return rv;
    }
    check(memcmp(one, two, 32) == 0, "another key came back");
    return CKR_OK;
}

static CK_RV work(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session;
    CK_RV rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), closed;

    if (rv != CKR_OK) {
        return rv;
    }
    rv = round_trip(session);
    closed = p11->C_CloseSession(session);
    return rv != CKR_OK ? rv : closed;
}

static void must_work(const char *when)
{
    for (CK_SLOT_ID slot = HSM; slot <= VAULT; slot++) {
        CK_RV rv = work(slot);

        check(rv == CKR_OK, "%s: slot %lu answers 0x%lx", when, slot, rv);
    }
}

static void *work_on(void *slot)
{
    while (!atomic_load(&over)) {
        CK_RV rv = work((CK_SLOT_ID)(uintptr_t)slot);

        check(rv == CKR_OK, "beside the forks: 0x%lx", rv);
    }
    return NULL;
}

static void *work_while_there_is_some(void *slot)
{
    while (!atomic_load(&over)) {
        CK_RV rv = work((CK_SLOT_ID)(uintptr_t)slot);

        check(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED || rv == CKR_SESSION_HANDLE_INVALID,
              "beside C_Finalize: slot %lu answers 0x%lx", (CK_SLOT_ID)(uintptr_t)slot, rv);
    }
    return NULL;
}

/* `slots` of them, from the last: 1 for the vault alone. */
static void start(pthread_t thread[THREADS], void *(*what)(void *slot), unsigned slots)
{
    atomic_store(&over, false);
    for (unsigned i = 0; i < THREADS; i++) {
        check(pthread_create(&thread[i], NULL, what, (void *)(uintptr_t)(VAULT - i % slots)) == 0,
              "no thread");
    }
}

static void stop(pthread_t thread[THREADS])
{
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
}

static void child(CK_SESSION_HANDLE parents)
{
    CK_RV rv;

    alarm(CHILD_SECONDS);
    rv = p11->C_GetSessionInfo(parents, &(CK_SESSION_INFO){0});
    check(rv == CKR_CRYPTOKI_NOT_INITIALIZED, "the parent's session answers the child 0x%lx", rv);
    rv = p11->C_Initialize(NULL);
    check(rv == CKR_OK, "C_Initialize in the child: 0x%lx", rv);
    rv = p11->C_GetSessionInfo(parents, &(CK_SESSION_INFO){0});
    check(rv == CKR_SESSION_HANDLE_INVALID, "the parent's session answers the child again: 0x%lx", rv);
    must_work("in the child");
    rv = p11->C_Finalize(NULL);
    check(rv == CKR_OK, "C_Finalize in the child: 0x%lx", rv);
    _exit(0);
}

/* The HSM module is somebody else's and takes a fork badly while its locks are held: the vault alone. */
static void forks(void)
{
    if (SANITIZED) { /* its allocator has locks that a child finds held */
        printf("ok 1 - forks # SKIP not with this sanitizer\n");
        return;
    }
    pthread_t thread[THREADS];
    CK_SESSION_HANDLE session;
    int status;

    check(p11->C_OpenSession(VAULT, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK, "no session");
    must_work("before the forks");
    start(thread, work_on, 1);
    for (int i = 0; i < FORKS; i++) {
        usleep(5000 + 7919u * (unsigned)i % 20000);
        pid_t pid = fork();

        if (pid == 0) {
            child(session);
        }
        pid = waitpid(pid, &status, 0);
        check(pid > 0 && status == 0, "child %d ended with status 0x%x", i, (unsigned)status);
    }
    stop(thread);
    must_work("after the forks");
    printf("ok 1 - forks while threads are inside calls\n");
    fflush(stdout);
}

static void stops(void)
{
    pthread_t thread[THREADS];

    start(thread, work_while_there_is_some, 2);
    for (int i = 0; i < STOPS; i++) {
        usleep(20000);
        check(p11->C_Finalize(NULL) == CKR_OK, "C_Finalize");
        check(p11->C_Initialize(NULL) == CKR_OK, "C_Initialize");
    }
    stop(thread);
    must_work("after all those ends");
    printf("ok 2 - C_Finalize while threads are inside calls\n");
    fflush(stdout);
}

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    check(file != NULL && fscanf(file, "%*d %ld", &pages) == 1, "no /proc/self/statm");
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void lives(int rounds)
{
    long before = 0, after;
    int files = 0;

    for (int i = 0; i < rounds; i++) {
        if (i == rounds / 4) {
            before = resident_kib();
            files = open_files();
        }
        must_work("in a life");
        check(p11->C_Finalize(NULL) == CKR_OK && p11->C_Initialize(NULL) == CKR_OK, "the next life");
    }
    after = resident_kib();
    printf("# resident: %ld KiB, then %ld KiB; files: %d, then %d\n", before, after, files, open_files());
    check(open_files() <= files, "files stay open");
    check(SANITIZED || after - before < GROWTH_KIB, "memory grows");
    printf("ok 3 - %d lives in one process\n", rounds);
}

int main(int count, char **words)
{
    p11 = module_functions();
    printf("1..3\n");
    fflush(stdout);
    check(p11 != NULL && p11->C_Initialize(NULL) == CKR_OK, "no module");
    forks();
    stops();
    lives(count > 1 ? atoi(words[1]) : 60);
    p11->C_Finalize(NULL);
    let_threads_end();
    return 0;
}
