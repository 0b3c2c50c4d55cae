/* Composing findings, and hearing what the log says between them. */
#include "backends/diagnosis.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void hear(void *arg, enum log_level level, const char *about, const char *text)
{
    struct diagnosis *diagnosis = arg;
    size_t size = strlen(diagnosis->heard);

    if (level <= LOG_LEVEL_WARNING) {
        snprintf(diagnosis->heard + size, sizeof diagnosis->heard - size, "%s%s", size == 0 ? "" : "; ",
                 text);
    }
    if (diagnosis->overhear != NULL) {
        diagnosis->overhear(diagnosis->arg, level, about, text);
    }
}

void diagnosis_begin(struct diagnosis *diagnosis)
{
    diagnosis_forget(diagnosis);
    memset(diagnosis->count, 0, sizeof diagnosis->count);
    log_listen(hear, diagnosis);
}

void diagnosis_end(struct diagnosis *diagnosis)
{
    diagnosis_forget(diagnosis);
    log_listen(NULL, NULL);
}

const char *diagnosis_heard(const struct diagnosis *diagnosis)
{
    return diagnosis->heard;
}

int diagnosis_split(const struct diagnosis *diagnosis, const char **ret_advice)
{
    const char *heard = diagnosis->heard, *tries = strstr(heard, ", tries ");
    const char *end = tries == NULL ? NULL : strstr(tries, "); ");

    *ret_advice = end == NULL ? NULL : end + 3;
    return end == NULL ? (int)strlen(heard) : (int)(end + 1 - heard);
}

void diagnosis_forget(struct diagnosis *diagnosis)
{
    diagnosis->heard[0] = '\0';
}

/* The text is complete before what was heard is forgotten: it may be part of it. */
static void __attribute__((format(printf, 5, 0)))
find(struct diagnosis *diagnosis, enum finding_status status, const char *check, const char *advice,
     const char *format, va_list arguments)
{
    char text[DIAGNOSIS_TEXT_SIZE];
    struct finding finding = {check, diagnosis->token, status, text, advice};

    vsnprintf(text, sizeof text, format, arguments);
    diagnosis->count[status]++;
    diagnosis->tell(diagnosis->arg, &finding);
    diagnosis_forget(diagnosis);
}

void diagnosis_ok(struct diagnosis *diagnosis, const char *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(diagnosis, FINDING_OK, check, NULL, format, arguments);
    va_end(arguments);
}

void diagnosis_warn(struct diagnosis *diagnosis, const char *check, const char *advice, const char *format,
                    ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(diagnosis, FINDING_WARN, check, advice, format, arguments);
    va_end(arguments);
}

void diagnosis_fail(struct diagnosis *diagnosis, const char *check, const char *advice, const char *format,
                    ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(diagnosis, FINDING_FAIL, check, advice, format, arguments);
    va_end(arguments);
}
