/*
 * One line per event: `byok-pkcs11[pid] LEVEL token: text`. What is foreign is logged where it becomes a
 * CK_RV, once, with the cause and what an operator can do. Never a secret, at any level; never a body.
 * Each line is one write. syslog is used without openlog, which belongs to the host. Safe from all threads.
 */
#ifndef BYOK_BASE_LOG_H
#define BYOK_BASE_LOG_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * `text` is "LEVEL DEST": a level of error, warning, info, debug, and stderr, syslog or file:PATH (absolute); DEST may be
 * left out (syslog). CKR_ARGUMENTS_BAD with the previous choice kept when it is neither. Until called:
 * "warning syslog". $BYOK_PKCS11_LOG=LEVEL[:DEST] wins over every such call; its DEST defaults to stderr.
 */
MUST_USE CK_RV log_configure(const char *text);

/* True where a line of this level would be written: for lines that are dear to compose. */
bool log_wants(enum log_level level);

/* `about` is the token's label, or NULL for the module as a whole. Control characters become '?'. */
void log_write(enum log_level level, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(about, ...)   log_write(LOG_LEVEL_ERROR, about, __VA_ARGS__)
#define log_warning(about, ...) log_write(LOG_LEVEL_WARNING, about, __VA_ARGS__)
#define log_info(about, ...)    log_write(LOG_LEVEL_INFO, about, __VA_ARGS__)
#define log_debug(about, ...)   log_write(LOG_LEVEL_DEBUG, about, __VA_ARGS__)

/*
 * From now on every line down to LOG_LEVEL_INFO goes to `listener` and nowhere else, whatever was or will be
 * configured; NULL: as configured again. For a program of our own, not for a host: set while nobody logs. The
 * listener may be called by any thread, by one at a time, and must not log. `text` is what comes after the
 * colon.
 */
typedef void log_listener(void *arg, enum log_level level, const char *about, const char *text);
void log_listen(log_listener *listener, void *arg);

/* In a forked child: forget locks that another thread of the parent may have held. One thread alone. */
void log_after_fork(void);

#endif
