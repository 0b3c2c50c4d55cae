/* Where a line goes, and how it looks. */
#include "backends/base/log.h"
#include "backends/base/append_file.h"
#include "backends/base/settings.h"
#include "backends/base/sigpipe.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

enum { LINE_SIZE = 1024 };

enum place { PLACE_SYSLOG, PLACE_STDERR, PLACE_FILE };

struct choice {
    enum log_level level;
    enum place place;
    const char *path; /* PLACE_FILE; lent */
};

static struct {
    atomic_bool ready; /* the environment has been asked */
    atomic_int level;
    pthread_mutex_t lock; /* for what follows; held while a line is written */
    enum place place;
    struct append_file file; /* of PLACE_FILE */
    log_listener *listener;  /* NULL: none; constant while anybody logs */
    void *listener_arg;
} state = {.level = LOG_LEVEL_WARNING, .lock = PTHREAD_MUTEX_INITIALIZER, .file = APPEND_FILE_INIT};

static const char *const level_words[] = {"error", "warning", "info", "debug"};
static const int syslog_priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static bool read_level(const char *text, size_t size, enum log_level *ret_level)
{
    size_t at;

    for (at = 0; at < sizeof level_words / sizeof level_words[0]; at++) {
        if (strlen(level_words[at]) == size && strncmp(text, level_words[at], size) == 0) {
            *ret_level = (enum log_level)at;
            return true;
        }
    }
    return false;
}

static bool read_place(const char *text, struct choice *choice)
{
    if (strcmp(text, "stderr") == 0) {
        choice->place = PLACE_STDERR;
        return true;
    }
    if (strcmp(text, "syslog") == 0) {
        choice->place = PLACE_SYSLOG;
        return true;
    }
    choice->place = PLACE_FILE;
    choice->path = text + strlen("file:");
    return strncmp(text, "file:/", strlen("file:/")) == 0;
}

/* "LEVEL", or LEVEL and a place with one of `separators` between. */
static bool read_choice(const char *text, const char *separators, enum place preset,
                        struct choice *ret_choice)
{
    size_t size = strcspn(text, separators);
    struct choice choice = {.place = preset};

    if (!read_level(text, size, &choice.level)) {
        return false;
    }
    text += size;
    if (*text != '\0' && !read_place(text + strspn(text, separators), &choice)) {
        return false;
    }
    *ret_choice = choice;
    return true;
}

static CK_RV choose(const struct choice *choice)
{
    char *path = NULL;

    if (choice->place == PLACE_FILE) {
        path = strdup(choice->path);
        if (path == NULL) {
            return CKR_HOST_MEMORY;
        }
    }
    pthread_mutex_lock(&state.lock);
    append_file_choose(&state.file, path, S_IRUSR | S_IWUSR | S_IRGRP, false);
    state.place = choice->place;
    atomic_store(&state.level, (int)choice->level);
    atomic_store(&state.ready, true);
    pthread_mutex_unlock(&state.lock);
    return CKR_OK;
}

/* True when the environment decides. */
static bool choose_by_environment(void)
{
    const char *text = settings_environment("BYOK_PKCS11_LOG");
    struct choice choice;

    return text != NULL && read_choice(text, ":", PLACE_STDERR, &choice) && choose(&choice) == CKR_OK;
}

static void get_ready(void)
{
    if (!atomic_load_explicit(&state.ready, memory_order_acquire) && !choose_by_environment()) {
        atomic_store(&state.ready, true);
    }
}

CK_RV log_configure(const char *text)
{
    struct choice choice;

    if (!read_choice(text, " \t", PLACE_SYSLOG, &choice)) {
        return CKR_ARGUMENTS_BAD;
    }
    return choose_by_environment() ? CKR_OK : choose(&choice);
}

bool log_wants(enum log_level level)
{
    if (state.listener != NULL) {
        return level <= LOG_LEVEL_INFO;
    }
    get_ready();
    return (int)level <= atomic_load_explicit(&state.level, memory_order_relaxed);
}

static void write_line(int file, char *line, size_t size)
{
    struct sigpipe before;

    line[size] = '\n';
    sigpipe_hold(&before);
    while (write(file, line, size + 1) < 0 && errno == EINTR) {
    }
    sigpipe_release(&before);
}

/* What a line is made of: `text` is its end, after the colon. */
struct line {
    enum log_level level;
    const char *about;
    const char *text;
};

/* `line` has room for the newline that replaces its final zero. */
static bool put_into_file(char *line, size_t size)
{
    int cause;

    line[size] = '\n';
    cause = append_file_write(&state.file, bytes_of(line, size + 1));
    line[size] = '\0';
    return cause == 0;
}

static void put_locked(const struct line *of, char *line, size_t size)
{
    if (state.listener != NULL) {
        state.listener(state.listener_arg, of->level, of->about, of->text);
    } else if (state.place == PLACE_STDERR) {
        write_line(STDERR_FILENO, line, size);
    } else if (state.place != PLACE_FILE || !put_into_file(line, size)) {
        syslog(LOG_USER | syslog_priorities[of->level], "%s", line);
    }
}

static size_t clean(char *line, size_t size)
{
    size_t at;

    for (at = 0; at < size; at++) {
        if ((unsigned char)line[at] < ' ' || line[at] == 0x7f) {
            line[at] = '?';
        }
    }
    return size;
}

static size_t bounded(int length, size_t room)
{
    return length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

void log_write(enum log_level level, const char *about, const char *format, ...)
{
    int errno_before = errno;
    char line[LINE_SIZE];
    va_list arguments;
    size_t size;

    if (!log_wants(level)) {
        errno = errno_before;
        return;
    }
    size = bounded(snprintf(line, sizeof line, "byok-pkcs11[%ld] %s%s%s: ", (long)getpid(),
                            level_words[level], about == NULL ? "" : " ", about == NULL ? "" : about),
                   sizeof line);
    struct line of = {level, about, line + size};

    va_start(arguments, format);
    size += bounded(vsnprintf(line + size, sizeof line - size, format, arguments), sizeof line - size);
    va_end(arguments);
    size = clean(line, size);
    pthread_mutex_lock(&state.lock);
    put_locked(&of, line, size);
    pthread_mutex_unlock(&state.lock);
    errno = errno_before;
}

void log_listen(log_listener *listener, void *arg)
{
    pthread_mutex_lock(&state.lock);
    state.listener = listener;
    state.listener_arg = arg;
    pthread_mutex_unlock(&state.lock);
}

void log_after_fork(void)
{
    pthread_mutex_init(&state.lock, NULL);
}
