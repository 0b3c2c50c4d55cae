/* A file that lines are appended to. */
#include "backends/base/append_file.h"
#include "backends/base/scope.h"
#include "backends/base/sigpipe.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Still the file that we opened, under the number that it had then. */
static bool is_ours(const struct append_file *file, struct stat *ret_about)
{
    return file->file >= 0 && fstat(file->file, ret_about) == 0 && ret_about->st_dev == file->device &&
           ret_about->st_ino == file->inode;
}

static void leave(struct append_file *file)
{
    struct stat about;

    if (is_ours(file, &about)) {
        close(file->file);
    }
    file->file = -1;
    file->torn = false;
}

void append_file_choose(struct append_file *file, char *path, mode_t mode, bool secure)
{
    leave(file);
    free(file->path);
    file->path = path;
    file->mode = mode;
    file->secure = secure;
}

/* Somebody else's file must not be what a set-id program is made to write to. */
static int check_secure(const struct stat *about)
{
    if (!S_ISREG(about->st_mode) || about->st_nlink != 1) {
        return EPERM;
    }
    return about->st_uid == 0 || about->st_uid == geteuid() ? 0 : EPERM;
}

/* Without waiting for the reader of a FIFO, nor becoming the terminal of the process. */
static int open_new(struct append_file *file)
{
    int flags =
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (file->secure ? O_NOFOLLOW : 0);
    int opened = open(file->path, flags, file->mode), cause;
    struct stat about;

    if (opened < 0) {
        return errno;
    }
    cause = fstat(opened, &about) != 0 ? errno : file->secure ? check_secure(&about) : 0;
    if (cause != 0) {
        close(opened);
        return cause;
    }
    leave(file);
    file->file = opened;
    file->device = about.st_dev;
    file->inode = about.st_ino;
    return 0;
}

/* A process that may not open it any more, having changed its user or its root, goes on with what it has. */
int append_file_open(struct append_file *file)
{
    struct stat ours, named;
    bool open_still = is_ours(file, &ours);
    int cause;

    if (open_still && stat(file->path, &named) == 0 && named.st_dev == ours.st_dev &&
        named.st_ino == ours.st_ino) {
        return 0;
    }
    cause = open_new(file);
    return cause != 0 && open_still && ours.st_nlink != 0 ? 0 : cause;
}

static ssize_t write_once(int file, struct bytes text)
{
    struct sigpipe before;
    ssize_t written;

    sigpipe_hold(&before);
    do {
        written = write(file, text.data, text.size);
    } while (written < 0 && errno == EINTR);
    sigpipe_release(&before);
    return written;
}

static int write_line(struct append_file *file, struct bytes line)
{
    ssize_t written = write_once(file->file, line);

    if (written < 0) {
        return errno;
    }
    if (written > 0) {
        file->torn = (size_t)written != line.size;
    }
    return (size_t)written == line.size ? 0 : EIO;
}

/*
 * What is left of a line that did not fit (ENOSPC) must not spoil the next one, which begins on a line of its own.
 * Others do not know of it; who reads the file finds their record behind what is left of ours.
 */
static int write_after_torn(struct append_file *file, struct bytes line)
{
    struct buffer whole SCOPED(buffer_free) = BUFFER_INIT(line.size + 1);

    if (buffer_append(&whole, "\n", 1) != CKR_OK || buffer_append(&whole, line.data, line.size) != CKR_OK) {
        return ENOMEM;
    }
    return write_line(file, buffer_bytes(&whole));
}

int append_file_write(struct append_file *file, struct bytes line)
{
    int cause = append_file_open(file);

    if (cause != 0) {
        return cause;
    }
    return file->torn ? write_after_torn(file, line) : write_line(file, line);
}
