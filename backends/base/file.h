/*
 * Small files that hold something the module needs: secrets, PINs, certificates. Read when next needed, read
 * again when they have changed.
 */
#ifndef BYOK_BASE_FILE_H
#define BYOK_BASE_FILE_H

#include "backends/base/buffer.h"
#include <stdint.h>
#include <sys/types.h>

/* What tells one content of a path from the next. All zero: never read. */
struct file_version {
    dev_t device;
    ino_t inode;
    int64_t size;
    int64_t changed; /* nanoseconds, the later of mtime and ctime */
};

/*
 * Reads at most to->limit bytes of `path` into `to`, which is emptied first, and says in ret_version (NULL:
 * not wanted) what was read. Only regular files (and what /run/secrets links to). On failure
 * CKR_GENERAL_ERROR and one line for `about` that names `what` ("client-secret-file"), path and cause.
 */
MUST_USE CK_RV file_read(const char *about, const char *what, const char *path, struct buffer *to,
                         struct file_version *ret_version);
/* The same of a file that is open already; it stays open. */
MUST_USE CK_RV file_read_open(const char *about, const char *what, const char *path, int file,
                              struct buffer *to, struct file_version *ret_version);
/* The same for what nobody else may know: others than its owner can read it: a warning. */
MUST_USE CK_RV file_read_private(const char *about, const char *what, const char *path, struct buffer *to,
                                 struct file_version *ret_version);
/* The same for a secret on one line: one final newline is cut off. */
MUST_USE CK_RV file_read_secret(const char *about, const char *what, const char *path, struct buffer *to,
                                struct file_version *ret_version);
/* True when the path now holds something else than was read, or cannot be looked at. */
bool file_changed(const char *path, const struct file_version *read);

#endif
