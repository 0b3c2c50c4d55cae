/* Reading small files that matter. */
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_scoped(const int *file)
{
    if (*file >= 0) {
        close(*file);
    }
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct file_version version_of(const struct stat *about)
{
    int64_t modified = nanoseconds(about->st_mtim), changed = nanoseconds(about->st_ctim);

    return (struct file_version){about->st_dev, about->st_ino, about->st_size,
                                 modified > changed ? modified : changed};
}

static CK_RV refuse(const char *about, const char *what, const char *path, const char *cause)
{
    log_error(about, "%s %s: %s", what, path, cause);
    return CKR_GENERAL_ERROR;
}

/* 0 or an errno value; EFBIG beyond the buffer's limit. */
static int read_all(int file, struct buffer *to)
{
    unsigned char part[4096];
    ssize_t got;
    CK_RV rv = CKR_OK;
    int cause = 0;

    while (rv == CKR_OK && (got = read(file, part, sizeof part)) != 0) {
        if (got > 0) {
            rv = buffer_append(to, part, (size_t)got);
        } else if (errno != EINTR) {
            cause = errno;
            break;
        }
    }
    wipe(part, sizeof part);
    return rv == CKR_OK ? cause : rv == CKR_DATA_LEN_RANGE ? EFBIG : ENOMEM;
}

/* What fstat said is left in ret_stat. */
static CK_RV read_file(const char *about, const char *what, const char *path, int file, struct buffer *to,
                       struct stat *ret_stat)
{
    int cause;

    buffer_clear(to);
    if (file < 0 || fstat(file, ret_stat) != 0) {
        return refuse(about, what, path, strerror(errno));
    }
    if (!S_ISREG(ret_stat->st_mode)) {
        return refuse(about, what, path, "not a regular file");
    }
    cause = read_all(file, to);
    if (cause != 0) {
        buffer_clear(to);
        return refuse(about, what, path, strerror(cause));
    }
    return CKR_OK;
}

/* O_NONBLOCK: a pipe in its place must not hold us. */
static int open_path(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

CK_RV file_read_open(const char *about, const char *what, const char *path, int file, struct buffer *to,
                     struct file_version *ret_version)
{
    struct stat stat;
    CK_RV rv = read_file(about, what, path, file, to, &stat);

    if (rv == CKR_OK && ret_version != NULL) {
        *ret_version = version_of(&stat);
    }
    return rv;
}

CK_RV file_read(const char *about, const char *what, const char *path, struct buffer *to,
                struct file_version *ret_version)
{
    int file SCOPED(close_scoped) = open_path(path);

    return file_read_open(about, what, path, file, to, ret_version);
}

CK_RV file_read_private(const char *about, const char *what, const char *path, struct buffer *to,
                        struct file_version *ret_version)
{
    int file SCOPED(close_scoped) = open_path(path);
    struct stat stat;
    CK_RV rv = read_file(about, what, path, file, to, &stat);

    if (rv != CKR_OK) {
        return rv;
    }
    if ((stat.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        log_warning(about, "%s %s: others than its owner can read it; chmod 600 %s", what, path, path);
    }
    if (ret_version != NULL) {
        *ret_version = version_of(&stat);
    }
    return CKR_OK;
}

/* What an editor or `echo` adds. */
static size_t size_without_newline(const struct buffer *text)
{
    size_t size = text->size;

    if (size != 0 && text->data[size - 1] == '\n') {
        size--;
        if (size != 0 && text->data[size - 1] == '\r') {
            size--;
        }
    }
    return size;
}

CK_RV file_read_secret(const char *about, const char *what, const char *path, struct buffer *to,
                       struct file_version *ret_version)
{
    CK_RV rv = file_read_private(about, what, path, to, ret_version);

    return rv == CKR_OK ? buffer_resize(to, size_without_newline(to)) : rv;
}

bool file_changed(const char *path, const struct file_version *read)
{
    struct stat about;
    struct file_version now;

    if (stat(path, &about) != 0) {
        return true;
    }
    now = version_of(&about);
    return now.device != read->device || now.inode != read->inode || now.size != read->size ||
           now.changed != read->changed;
}
