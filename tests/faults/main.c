/* One operation under each fault, or each third one: faults OPERATION PART PARTS. A line of the table for
 * each, or TAP with $CMOCKA_MESSAGE_OUTPUT=TAP. */
#include "tests/faults/control.h"
#include "tests/faults/faults.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

CK_FUNCTION_LIST *p11;

enum {
    A_LITTLE = 4000,  /* what a machine under load may add */
    PATIENCE = 12000, /* until work must have gone on by itself: the breaker asks every 5 s */
    MOST_THREADS = 32,
    TRIES = 3
};

static const struct operation *operation;
static long timeout = 5000; /* milliseconds: the token's */
static bool tap;
static unsigned tests, failures;

/* --- The stand-in --- */

static void set_fault(const struct fault *fault)
{
    char list[512];

    if (fault->what[0] == '\0') {
        return;
    }
    if (fault->cold || strstr(fault->what, "half_open") != NULL) {
        snprintf(list, sizeof list, "[{%s,\"match\":{\"server\":\"%s\"}}]", fault->what, operation->server);
    } else {
        snprintf(list, sizeof list, "[{%s,\"match\":{\"op\":\"%s\"}}]", fault->what, operation->request);
    }
    control("PUT", "/faults", list);
}

/* --- Threads --- */

struct caller {
    pthread_t thread;
    CK_SESSION_HANDLE session;
    CK_RV rv;
    bool right;
    long took;
};

static pthread_barrier_t start;

static long since(const struct timespec *from)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct timespec from;

    pthread_barrier_wait(&start);
    clock_gettime(CLOCK_MONOTONIC, &from);
    caller->right = operation->run(caller->session, &caller->rv);
    caller->took = since(&from);
    return NULL;
}

static void call_all(struct caller *callers, unsigned count)
{
    pthread_barrier_init(&start, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &callers[i].session) != CKR_OK ||
            pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0) {
            printf("Bail out! no session or no thread\n");
            exit(99);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(callers[i].thread, NULL);
    }
    pthread_barrier_destroy(&start);
}

/* --- One cell of the table --- */

static CK_RV expected_rv(enum outcome outcome)
{
    switch (outcome) {
    case GOES_ON:
    case ONLY_NAMED:
        return CKR_OK;
    case NOT_LOGGED_IN:
        return CKR_USER_NOT_LOGGED_IN;
    case NOT_PERMITTED:
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    case KEY_GONE:
        return operation->key_is_gone;
    case BAD_REQUEST:
        return operation->bad_request;
    case BAD_KEY:
        return CKR_WRAPPED_KEY_INVALID;
    case NOT_TOLD:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    case FAILS:
    case FAILS_LATE:
    case NOT_MEANT:
        break;
    }
    return CKR_DEVICE_ERROR;
}

static const char a_wrong_result[] = "a wrong result";

/* NULL: as it should be. */
static const char *judge(enum outcome outcome, const struct caller *callers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (callers[i].right == (outcome == ONLY_NAMED)) {
            return a_wrong_result;
        }
        if (callers[i].rv != expected_rv(outcome)) {
            return "another code than it should be";
        }
        if (callers[i].took > timeout + A_LITTLE) {
            return "it took longer than the deadline";
        }
        if (outcome == FAILS_LATE && count == 1 && callers[i].took < timeout - 100) {
            return "it gave up before the deadline";
        }
    }
    return NULL;
}

/* Without a new C_Initialize. Milliseconds until the operation works again, -1: it does not. */
static long recover(CK_SESSION_HANDLE session)
{
    const struct timespec pause = {0, 100 * 1000 * 1000};
    struct timespec from;
    CK_RV rv = CKR_FUNCTION_FAILED;

    clock_gettime(CLOCK_MONOTONIC, &from);
    while (since(&from) < PATIENCE) {
        if (operation->run(session, &rv) && rv == CKR_OK) {
            return since(&from);
        }
        nanosleep(&pause, NULL);
    }
    return -1;
}

static const char *name_of(CK_RV rv)
{
    static const struct {
        CK_RV rv;
        const char *name;
    } names[] = {
        {CKR_OK, "OK"},
        {CKR_DEVICE_ERROR, "DEVICE_ERROR"},
        {CKR_USER_NOT_LOGGED_IN, "USER_NOT_LOGGED_IN"},
        {CKR_KEY_FUNCTION_NOT_PERMITTED, "KEY_FUNCTION_NOT_PERMITTED"},
        {CKR_KEY_HANDLE_INVALID, "KEY_HANDLE_INVALID"},
        {CKR_WRAPPING_KEY_HANDLE_INVALID, "WRAPPING_KEY_HANDLE_INVALID"},
        {CKR_UNWRAPPING_KEY_HANDLE_INVALID, "UNWRAPPING_KEY_HANDLE_INVALID"},
        {CKR_WRAPPING_KEY_TYPE_INCONSISTENT, "WRAPPING_KEY_TYPE_INCONSISTENT"},
        {CKR_WRAPPED_KEY_INVALID, "WRAPPED_KEY_INVALID"},
        {CKR_ENCRYPTED_DATA_INVALID, "ENCRYPTED_DATA_INVALID"},
        {CKR_ATTRIBUTE_TYPE_INVALID, "ATTRIBUTE_TYPE_INVALID"},
        {CKR_FUNCTION_FAILED, "FUNCTION_FAILED"},
    };
    static char other[32];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].rv == rv) {
            return names[i].name;
        }
    }
    snprintf(other, sizeof other, "0x%lx", rv);
    return other;
}

static void report(const struct fault *fault, unsigned count, const struct caller *worst, long made,
                   long recovered, const char *wrong)
{
    tests++;
    failures += wrong != NULL;
    if (tap) {
        printf("%s %u - %s: %s, %u thread%s%s%s\n", wrong == NULL ? "ok" : "not ok", tests, operation->name,
               fault->name, count, count == 1 ? "" : "s", wrong == NULL ? "" : ": ",
               wrong == NULL ? "" : wrong);
    }
    if (!tap || wrong != NULL) {
        printf("%s%3td %-27s %-8s %7u  %-30s %7ld %8ld %7ld%s%s\n", tap ? "# " : "", fault - faults,
               fault->name, operation->name, count, name_of(worst->rv), worst->took, made, recovered,
               wrong == NULL ? "" : "  <- ", wrong == NULL ? "" : wrong);
    }
    fflush(stdout);
}

/* The token is at hand and a connection open, except where the fault is about these. */
static bool begin(const struct fault *fault, CK_SESSION_HANDLE *ret_session)
{
    CK_RV rv;

    return operations_begin(ret_session) &&
           (fault->cold || operation->server[0] == 'i' ||
            (operation_of("unwrap")->run(*ret_session, &rv) && rv == CKR_OK));
}

static const struct caller *worst_of(const struct caller *callers, unsigned count, enum outcome outcome)
{
    const struct caller *worst = callers;

    for (unsigned i = 1; i < count; i++) {
        if (worst->rv == expected_rv(outcome) &&
            (callers[i].rv != expected_rv(outcome) || callers[i].took > worst->took)) {
            worst = &callers[i];
        }
    }
    return worst;
}

/* What a busy machine can be the reason of. A wrong result has no excuse. */
static bool may_be_haste(const char *wrong)
{
    return wrong != NULL && strcmp(wrong, a_wrong_result) != 0;
}

/* False, and nothing said, where it is to be tried again. */
static bool meet(const struct fault *fault, enum outcome outcome, unsigned count, bool last)
{
    struct caller callers[MOST_THREADS] = {{0}};
    CK_SESSION_HANDLE session;
    long before, made = 0, recovered = -1;
    const char *wrong = "work does not begin";

    if (begin(fault, &session)) {
        set_fault(fault);
        before = counted(operation->request);
        call_all(callers, count);
        made = counted(operation->request) - before;
        control("DELETE", "/faults", "");
        recovered = outcome != BAD_REQUEST || operations_renew(session) ? recover(session) : -1;
        wrong = judge(outcome, callers, count);
        if (wrong == NULL && recovered < 0) {
            wrong = "it does not go on by itself";
        }
    }
    p11->C_Finalize(NULL);
    if (may_be_haste(wrong) && !last) {
        return false;
    }
    report(fault, count, worst_of(callers, count, outcome), made, recovered, wrong);
    return true;
}

static void try_fault(const struct fault *fault, unsigned count)
{
    enum outcome outcome = fault_outcome(fault, operation);

    for (int try = 1; outcome != NOT_MEANT && !meet(fault, outcome, count, try == TRIES); try++) {
        printf("# %s: %s, %u threads: once more\n", operation->name, fault->name, count);
    }
}

int main(int count, char **words)
{
    const char *output = getenv("CMOCKA_MESSAGE_OUTPUT");

    long part = count == 4 ? strtol(words[2], NULL, 10) : 0,
         parts = count == 4 ? strtol(words[3], NULL, 10) : 0;

    operation = parts > 0 ? operation_of(words[1]) : NULL;
    if (getenv("FAULTS_SECONDS") != NULL) {
        timeout = strtol(getenv("FAULTS_SECONDS"), NULL, 10) * 1000;
    }
    tap = output != NULL && strcmp(output, "TAP") == 0;
    p11 = module_functions();
    if (operation == NULL || p11 == NULL) {
        fprintf(stderr, "usage: tests/faults/run [OPERATION...]\n");
        return 99;
    }
    if (!operations_prepare()) {
        printf("Bail out! nothing works even without a fault\n");
        return 99;
    }
    for (const struct fault *fault = faults; fault->name != NULL; fault++) {
        if ((fault - faults) % parts == part) {
            try_fault(fault, 1);
            try_fault(fault, MOST_THREADS);
        }
    }
    if (tap) {
        printf("1..%u\n", tests);
    }
    let_threads_end();
    return (int)failures;
}
