/*
 * What an examination of the configuration finds, told one finding at a time to whoever asked for it (the
 * operator's command). Each kind of key store examines a section of its own by `diagnose` of struct
 * backend_kind; this room neither prints nor decides anything.
 *
 * A finding names its check by one word ("clock", "wrap-permission"), which programs rely on, and says in plain
 * words what was found and, unless all is well, what to do. Never a secret. What the module logs meanwhile is
 * collected, so that a finding can repeat it.
 *
 * One diagnosis at a time in a process, by one thread.
 */
#ifndef BYOK_BACKENDS_DIAGNOSIS_H
#define BYOK_BACKENDS_DIAGNOSIS_H

#include "backends/base/log.h"
#include "backends/base/settings.h"
#include <stdbool.h>

enum finding_status {
    FINDING_OK,
    FINDING_WARN, /* it works, but not for ever, or not as safely as it should */
    FINDING_FAIL  /* something that was asked for does not work */
};

struct finding {
    const char *check;
    const char *token; /* title of its section; NULL: of the configuration as a whole */
    enum finding_status status;
    const char *text;
    const char *advice; /* NULL: none */
};

/* Lent for the call. */
typedef void finding_listener(void *arg, const struct finding *finding);

enum { DIAGNOSIS_TEXT_SIZE = 2048, DIAGNOSIS_HEARD_SIZE = 2048 };

/* Where nobody has named keys, so many of a list are examined: each costs its owner ten lines of log. */
enum { DIAGNOSIS_SOME_KEYS = 5 };

struct diagnosis {
    /* The asker fills these in. */
    const char *token;      /* of the findings that come now */
    finding_listener *tell; /* never NULL */
    log_listener *overhear; /* also gets each line of the log as it comes; NULL: nobody */
    void *arg;              /* of both */

    /*
     * Set by `diagnose`, cleared by the asker for each section: to go on with this token would do harm (a PIN with
     * few tries left) or only wait for what is known not to answer. Nobody opens a session there then.
     */
    bool ends_here;

    /* Kept here. */
    unsigned count[FINDING_FAIL + 1]; /* findings, by status */
    char heard[DIAGNOSIS_HEARD_SIZE];
};

/* From now on, until the end, the log goes to the diagnosis and nowhere else. */
void diagnosis_begin(struct diagnosis *diagnosis);
void diagnosis_end(struct diagnosis *diagnosis);

void diagnosis_ok(struct diagnosis *diagnosis, const char *check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diagnosis_warn(struct diagnosis *diagnosis, const char *check, const char *advice, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
void diagnosis_fail(struct diagnosis *diagnosis, const char *check, const char *advice, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/*
 * The texts of the errors and warnings that were logged since the last finding, with "; " between them; "" when
 * there were none. Lent until the next finding or line. Each finding begins anew.
 */
const char *diagnosis_heard(const struct diagnosis *diagnosis);
/*
 * The same in two: a line about a request says behind "(request id ..., tries N); " what to do. How long the text is
 * without that; NULL in *ret_advice where none says it.
 */
int diagnosis_split(const struct diagnosis *diagnosis, const char **ret_advice);
/* Begins anew without a finding. */
void diagnosis_forget(struct diagnosis *diagnosis);

/*
 * A file that an option names: is it there, can it be read, who else can read (when it is secret) or change it.
 * True: it can be used, perhaps with a warning. Reads nothing of it.
 */
bool diagnosis_file(struct diagnosis *diagnosis, const char *check, const char *option, const char *path,
                    bool secret);

#endif
