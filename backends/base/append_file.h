/*
 * A file that lines are appended to. Other processes append to the same one, and somebody may rename it at any time
 * (logrotate); the host may close its number, and have another file there. Not for two threads at once.
 */
#ifndef BYOK_BASE_APPEND_FILE_H
#define BYOK_BASE_APPEND_FILE_H

#include "backends/base/buffer.h"
#include <sys/types.h>

struct append_file {
    char *path;   /* owned; NULL: none */
    int file;     /* -1: not open */
    dev_t device; /* what was opened */
    ino_t inode;
    mode_t mode; /* with which it is made */
    bool secure; /* it must be nobody else's */
    bool torn;   /* the end of the last line is missing there */
};

#define APPEND_FILE_INIT                                                                                     \
    {                                                                                                        \
        .file = -1                                                                                           \
    }

/*
 * From now on `path`, which is taken and made with `mode`; NULL: none. Closes the former. `secure`: this is a set-id process, so it has to
 * be a regular file with one name that belongs to root or to the effective user, and is not reached through a link.
 */
void append_file_choose(struct append_file *file, char *path, mode_t mode, bool secure);

/*
 * Opens it, makes it, or opens it again where the path names another by now. 0 or an errno value.
 */
int append_file_open(struct append_file *file);

/* One line in one write(); `line` ends in a newline. 0 or an errno value; EIO: not all of it. */
int append_file_write(struct append_file *file, struct bytes line);

#endif
