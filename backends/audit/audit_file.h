/*
 * The file that records are appended to. Other processes append to the same one, and somebody may rename it at any
 * time (logrotate). Not for two threads at once.
 */
#ifndef BYOK_BACKENDS_AUDIT_FILE_H
#define BYOK_BACKENDS_AUDIT_FILE_H

#include "backends/base/buffer.h"
#include <sys/types.h>

struct audit_file {
    char *path;   /* owned; NULL: none */
    int file;     /* -1: not open */
    dev_t device; /* what was opened: the host may have closed the number and have another file there */
    ino_t inode;
    bool secure; /* it must be nobody else's */
    bool torn;   /* the end of the last line is missing there */
};

#define AUDIT_FILE_INIT                                                                                      \
    {                                                                                                        \
        .file = -1                                                                                           \
    }

/*
 * From now on `path`, which is taken; NULL: none. Closes the former. `secure`: this is a set-id process, so it has to
 * be a regular file with one name that belongs to root or to the effective user, and is not reached through a link.
 */
void audit_file_choose(struct audit_file *file, char *path, bool secure);

/*
 * Opens it, makes it (for its owner alone), or opens it again where the path names another by now. 0 or an errno value.
 */
int audit_file_open(struct audit_file *file);

/* One line in one write(); `line` ends in a newline. 0 or an errno value; EIO: not all of it. */
int audit_file_append(struct audit_file *file, struct bytes line);

#endif
