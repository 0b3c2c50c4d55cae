/*
 * 200 processes start at once, each of them to open one data key, against a vault that answers 20 requests a
 * second: all finish, and the requests are at most three times those that the work needs.
 */
#include "tests/faults/control.h"
#include "tests/faults/faults.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

CK_FUNCTION_LIST *p11;

enum { PROCESSES = 200, A_SECOND = 20, MOST_TIMES = 3, PATH_ROOM = 4096 };

static const char *truth_path(void)
{
    static char path[PATH_ROOM];

    snprintf(path, sizeof path, "%s/truth", getenv("TOKENS_DIR"));
    return path;
}

/* One process of the fleet: begins when the other end of the pipe is closed. */
static int member(int start)
{
    CK_SESSION_HANDLE session;
    CK_RV rv = CKR_FUNCTION_FAILED;
    char end;

    if (!operations_load(truth_path()) || read(start, &end, 1) != 0) {
        return 2;
    }
    if (!operations_begin(&session) || !operation_of("unwrap")->run(session, &rv)) {
        return 3;
    }
    if (rv != CKR_OK) {
        printf("# C_UnwrapKey: 0x%lx\n", rv);
    }
    return rv == CKR_OK ? 0 : 1;
}

static pid_t launch(int start, int other_end)
{
    pid_t pid = fork();
    char number[16];

    if (pid == 0) {
        close(other_end);
        snprintf(number, sizeof number, "%d", start);
        execl("/proc/self/exe", "fleet", number, (char *)NULL);
        _exit(4);
    }
    return pid;
}

/* How many did not open their key. */
static unsigned sail(void)
{
    pid_t members[PROCESSES];
    int ends[2], status;
    unsigned lost = 0;

    if (pipe(ends) != 0) {
        return PROCESSES;
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        members[i] = launch(ends[0], ends[1]);
    }
    close(ends[0]);
    sleep(1); /* they are loaded and wait */
    close(ends[1]);
    for (unsigned i = 0; i < PROCESSES; i++) {
        lost += members[i] < 0 || waitpid(members[i], &status, 0) != members[i] || !WIFEXITED(status) ||
                WEXITSTATUS(status) != 0;
    }
    return lost;
}

static void say(bool right, unsigned number, const char *fact)
{
    printf("%s %u - %s\n", right ? "ok" : "not ok", number, fact);
}

int main(int count, char **words)
{
    char quota[64];
    unsigned lost;
    long asked, tokens;

    p11 = module_functions();
    if (p11 == NULL) {
        return 99;
    }
    if (count == 2) {
        return member((int)strtol(words[1], NULL, 10));
    }
    if (!operations_prepare() || !operations_save(truth_path())) {
        printf("Bail out! nothing works even without a quota\n");
        return 99;
    }
    snprintf(quota, sizeof quota, "{\"quota_per_second\":%d}", A_SECOND);
    control("PUT", "/settings", quota);
    control("DELETE", "/counts", "");
    lost = sail();
    asked = counted("unwrapkey");
    tokens = counted("token");
    printf("# %u processes, %u lost; %ld requests to the vault, %ld for tokens\n", PROCESSES, lost, asked,
           tokens);
    say(lost == 0, 1, "every process of a fleet that starts at once does its work");
    say(asked <= (long)PROCESSES * MOST_TIMES, 2,
        "with at most three times the requests that the work needs");
    say(tokens == PROCESSES, 3, "and one token each");
    printf("1..3\n");
    return (lost != 0) + (asked > (long)PROCESSES * MOST_TIMES) + (tokens != PROCESSES);
}
