/* Running another program as a guest. */
#include "backends/base/child.h"
#include "backends/base/scope.h"
#include "backends/base/settings.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOWEST_PIPE = 3, /* the child's ends of the pipes must not lie where its own 0 to 2 will be */
    LOOK_EVERY = 20, /* milliseconds: whether it has ended, though somebody still holds its output open */
    PATIENCE = 1000, /* milliseconds for a killed one to be gone */
    PIECE_LIMIT = 1024 * 1024
};

/* --- Finding it --- */

/* Whoever may write there may choose what we run: that must be root or ourselves. */
static bool is_trusted(const struct stat *status)
{
    return (status->st_mode & S_IWOTH) == 0 && (status->st_uid == 0 || status->st_uid == geteuid());
}

static bool is_safe_program(const char *folder, const char *path)
{
    struct stat of_folder, of_program;

    return stat(folder, &of_folder) == 0 && is_trusted(&of_folder) && stat(path, &of_program) == 0 &&
           S_ISREG(of_program.st_mode) && is_trusted(&of_program) && access(path, X_OK) == 0;
}

/* One folder of PATH, of `length` characters. */
static CK_RV look_into(const char *folder, size_t length, const char *name, struct buffer *ret_path)
{
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(ret_path->limit);
    struct buffer path SCOPED(buffer_free) = BUFFER_INIT(ret_path->limit);

    if (length == 0 || folder[0] != '/' || buffer_append(&text, folder, length) != CKR_OK ||
        buffer_printf(&path, "%s/%s", buffer_text(&text), name) != CKR_OK ||
        !is_safe_program(buffer_text(&text), buffer_text(&path))) {
        return CKR_DATA_INVALID;
    }
    return buffer_append(ret_path, path.data, path.size);
}

CK_RV child_find_program(const char *name, struct buffer *ret_path)
{
    const char *folder = settings_environment("PATH");
    CK_RV rv = CKR_DATA_INVALID;

    while (folder != NULL && rv == CKR_DATA_INVALID) {
        size_t length = strcspn(folder, ":");

        rv = look_into(folder, length, name, ret_path);
        folder = folder[length] == 0 ? NULL : folder + length + 1;
    }
    return rv;
}

/* --- Starting it --- */

/* Both ends, -1 where closed. */
struct pipe_ends {
    int reading, writing;
};

static void close_end(int *end)
{
    if (*end >= 0) {
        close(*end);
        *end = -1;
    }
}

static void pipe_close(struct pipe_ends *ends)
{
    close_end(&ends->reading);
    close_end(&ends->writing);
}

static int pipe_open(struct pipe_ends *ret_ends)
{
    struct pipe_ends ends SCOPED(pipe_close) = {-1, -1};
    int both[2];

    if (pipe2(both, O_CLOEXEC) != 0) {
        return errno;
    }
    ends = (struct pipe_ends){both[0], both[1]};
    ret_ends->writing = fcntl(ends.writing, F_DUPFD_CLOEXEC, LOWEST_PIPE);
    if (ret_ends->writing < 0 || fcntl(ends.reading, F_SETFL, O_NONBLOCK) != 0) {
        return errno;
    }
    ret_ends->reading = ends.reading;
    ends.reading = -1;
    return 0;
}

static int set_files(posix_spawn_file_actions_t *files, const struct pipe_ends *output,
                     const struct pipe_ends *complaint)
{
    int cause = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (cause == 0) {
        cause = posix_spawn_file_actions_adddup2(files, output->writing, STDOUT_FILENO);
    }
    if (cause == 0) {
        cause = posix_spawn_file_actions_adddup2(files, complaint->writing, STDERR_FILENO);
    }
    return cause == 0 ? posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1) : cause;
}

/* A session of its own: no terminal to ask on, and one group to kill. */
static int set_manners(posix_spawnattr_t *manners)
{
    sigset_t every, none;
    int cause;

    sigfillset(&every);
    sigemptyset(&none);
    cause = posix_spawnattr_setsigdefault(manners, &every);
    if (cause == 0) {
        cause = posix_spawnattr_setsigmask(manners, &none);
    }
    return cause == 0 ? posix_spawnattr_setflags(manners, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                              POSIX_SPAWN_SETSID)
                      : cause;
}

static int spawn(const char *path, const char *const *arguments, const posix_spawn_file_actions_t *files,
                 const posix_spawnattr_t *manners, pid_t *ret_pid)
{
    char *const *environment = settings_environment_whole();

    /* It takes the arguments as they are; only the type of old says that it might change them. */
    return environment == NULL
               ? EPERM
               : posix_spawn(ret_pid, path, files, manners, (char *const *)(uintptr_t)arguments, environment);
}

/* 0 or an errno value. */
static int start(const char *path, const char *const *arguments, const struct pipe_ends *output,
                 const struct pipe_ends *complaint, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t manners;
    int cause = posix_spawn_file_actions_init(&files);

    if (cause != 0) {
        return cause;
    }
    cause = posix_spawnattr_init(&manners);
    if (cause == 0) {
        cause = set_manners(&manners);
        if (cause == 0) {
            cause = set_files(&files, output, complaint);
        }
        if (cause == 0) {
            cause = spawn(path, arguments, &files, &manners, ret_pid);
        }
        posix_spawnattr_destroy(&manners);
    }
    posix_spawn_file_actions_destroy(&files);
    return cause;
}

/* --- Watching it --- */

struct child {
    pid_t pid;
    bool ended;
    struct child_outcome outcome; /* once it has ended */
    struct pipe_ends output, complaint;
};

/* The host may have been told already, or have asked the kernel to tell nobody. */
static void look(struct child *child)
{
    int status;
    pid_t got;

    do {
        got = waitpid(child->pid, &status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        return;
    }
    child->ended = true;
    if (got < 0) {
        child->outcome = (struct child_outcome){CHILD_UNKNOWN, 0};
    } else if (WIFEXITED(status)) {
        child->outcome = (struct child_outcome){CHILD_EXITED, WEXITSTATUS(status)};
    } else {
        child->outcome = (struct child_outcome){CHILD_SIGNALLED, WTERMSIG(status)};
    }
}

/*
 * As far as we know it has not ended, so its number is still its own. One that even so does not end, being
 * stuck in the kernel, is left to the host.
 */
static struct child_outcome finish(struct child *child, enum child_end why)
{
    struct deadline patience = deadline_in(PATIENCE);

    look(child);
    if (!child->ended) {
        kill(-child->pid, SIGKILL);
        look(child);
    }
    while (!child->ended && deadline_sleep(patience, 1)) {
        look(child);
    }
    return (struct child_outcome){why, 0};
}

/*
 * Reads what is there now, at most PIECE_LIMIT, so that one who never stops writing meets the deadline. What
 * does not fit is dropped, and then the answer is false. At the end of it the pipe is closed.
 */
static bool drain(struct pipe_ends *from, struct buffer *to)
{
    char part[4096];
    size_t taken = 0;
    ssize_t got = 1;
    bool all = true;

    while (from->reading >= 0 && taken < PIECE_LIMIT && got > 0) {
        got = read(from->reading, part, sizeof part);
        if (got > 0) {
            size_t room = to->limit - to->size, part_size = (size_t)got < room ? (size_t)got : room;

            all = buffer_append(to, part, part_size) == CKR_OK && (size_t)got <= room && all;
            taken += (size_t)got;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_end(&from->reading);
        }
    }
    wipe(part, sizeof part);
    return all;
}

static void wait_for_more(const struct child *child, struct deadline deadline)
{
    struct pollfd files[] = {{.fd = child->output.reading, .events = POLLIN},
                             {.fd = child->complaint.reading, .events = POLLIN}};
    int64_t left = deadline_left(deadline);

    (void)poll(files, 2, left < LOOK_EVERY ? (int)left : LOOK_EVERY);
}

/* Something that it has started may hold the pipes open for longer: that is not waited for. */
static struct child_outcome watch(struct child *child, struct deadline deadline, struct buffer *ret_output,
                                  struct buffer *ret_complaint)
{
    for (;;) {
        look(child); /* before the reading: what it wrote before its end is there then */
        if (!drain(&child->output, ret_output)) {
            return finish(child, CHILD_TOO_MUCH);
        }
        (void)drain(&child->complaint, ret_complaint);
        if (child->ended) {
            return child->outcome;
        }
        if (deadline_passed(deadline)) {
            return finish(child, CHILD_TIMED_OUT);
        }
        wait_for_more(child, deadline);
    }
}

static void child_done(struct child *child)
{
    pipe_close(&child->output);
    pipe_close(&child->complaint);
}

struct child_outcome child_run(const char *path, const char *const *arguments, struct deadline deadline,
                               struct buffer *ret_output, struct buffer *ret_complaint)
{
    struct child child SCOPED(child_done) = {.output = {-1, -1}, .complaint = {-1, -1}};
    int cause = pipe_open(&child.output);

    if (cause == 0) {
        cause = pipe_open(&child.complaint);
    }
    if (cause == 0) {
        cause = start(path, arguments, &child.output, &child.complaint, &child.pid);
    }
    if (cause != 0) {
        return (struct child_outcome){CHILD_NOT_STARTED, cause};
    }
    close_end(&child.output.writing);
    close_end(&child.complaint.writing);
    return watch(&child, deadline, ret_output, ret_complaint);
}
