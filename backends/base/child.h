/*
 * Another program, run for its output, out of somebody else's process. It gets no terminal and no descriptor
 * of the host's, signals as at login, the host's environment and folder; it is killed at the deadline, with
 * what it has started. The host's SIGCHLD may be ignored, or the host may wait for all children: how the
 * child ended is then not known, and is no error.
 */
#ifndef BYOK_BASE_CHILD_H
#define BYOK_BASE_CHILD_H

#include "backends/base/buffer.h"
#include "backends/base/deadline.h"

enum child_end {
    CHILD_EXITED,
    CHILD_UNKNOWN,    /* it has ended; somebody else was told how */
    CHILD_SIGNALLED,  /* it was killed, not by us */
    CHILD_TIMED_OUT,  /* killed at the deadline */
    CHILD_TOO_MUCH,   /* killed because its output is longer than the buffer's limit */
    CHILD_NOT_STARTED /* `number` is an errno value */
};

struct child_outcome {
    enum child_end end;
    int number; /* exit status, signal or errno value */
};

/*
 * The first program of that name in PATH: only absolute folders count, and neither the folder nor the program
 * may be writable by everybody or belong to anyone but root and ourselves. Appended to ret_path. CKR_DATA_INVALID: there is none; CKR_HOST_MEMORY,
 * CKR_DATA_LEN_RANGE.
 */
MUST_USE CK_RV child_find_program(const char *name, struct buffer *ret_path);

/*
 * Runs the program at `path`. What it writes is appended to ret_output; of what it complains, the beginning,
 * up to that buffer's limit, to ret_complaint. No shell is involved.
 */
struct child_outcome child_run(const char *path, const char *const *arguments, struct deadline deadline,
                               struct buffer *ret_output, struct buffer *ret_complaint);

#endif
