/* Examining a key vault, one part after the other; and how findings are worded. */
#include "backends/keyvault/vault_diagnose.h"
#include "backends/keyvault/keyvault.h"
#include "backends/keyvault/vault_diagnose_private.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    LONGEST_REQUEST = 15 * 1000, /* milliseconds */
    CLOCK_WRONG_BY = 60,         /* seconds; less is the way and the roundness of the Date header */
    CLOCK_FAR_WRONG = 5 * 60     /* what those who check assertions and tokens commonly allow */
};

struct deadline vault_diagnose_time(const struct examination *examination)
{
    int64_t timeout = examination->vault->config.timeout;

    return deadline_in(timeout < LONGEST_REQUEST ? timeout : LONGEST_REQUEST);
}

/* --- Words --- */

void vault_diagnose_tell(const struct examination *examination, enum finding_status status, const char *check)
{
    struct diagnosis *diagnosis = examination->diagnosis;
    const char *heard = diagnosis_heard(diagnosis), *advice;
    int size = diagnosis_split(diagnosis, &advice);

    if (heard[0] == 0) {
        diagnosis_fail(diagnosis, check, "free some", "it could not be asked: no memory");
    } else if (status == FINDING_OK) {
        diagnosis_ok(diagnosis, check, "%.*s", size, heard);
    } else if (status == FINDING_WARN) {
        diagnosis_warn(diagnosis, check, advice, "%.*s", size, heard);
    } else {
        diagnosis_fail(diagnosis, check, advice, "%.*s", size, heard);
    }
}

enum finding_status vault_diagnose_fault(bool named)
{
    return named ? FINDING_FAIL : FINDING_WARN;
}

void vault_diagnose_tell_fault(const struct examined_key *examined, const char *check, const char *advice,
                               const char *text)
{
    if (vault_diagnose_fault(examined->named) == FINDING_FAIL) {
        diagnosis_fail(examined->examination->diagnosis, check, advice, "%s", text);
    } else {
        diagnosis_warn(examined->examination->diagnosis, check, advice, "%s", text);
    }
}

void vault_diagnose_date(int64_t seconds, char ret_text[EXAMINED_DATE_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm utc;

    if (gmtime_r(&time, &utc) == NULL ||
        strftime(ret_text, EXAMINED_DATE_SIZE, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
        snprintf(ret_text, EXAMINED_DATE_SIZE, "no date");
    }
}

void vault_diagnose_span(int64_t seconds, char ret_text[EXAMINED_DATE_SIZE])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{24 * 60 * 60, "day"}, {60 * 60, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    int64_t count;

    while (i + 1 < sizeof units / sizeof units[0] && seconds < 2 * units[i].seconds) {
        i++;
    }
    count = seconds / units[i].seconds;
    snprintf(ret_text, EXAMINED_DATE_SIZE, "%lld %s%s", (long long)count, units[i].name,
             count == 1 ? "" : "s");
}

/* --- The clocks --- */

static void tell_clock(const struct examination *examination, int64_t ahead, int64_t off)
{
    const char *side = ahead < 0 ? "behind" : "ahead of";
    static const char advice[] = "set this machine's clock (NTP)";
    char span[EXAMINED_DATE_SIZE];

    vault_diagnose_span(off, span);
    if (off >= CLOCK_FAR_WRONG) {
        diagnosis_fail(examination->diagnosis, "clock", advice,
                       "this machine's clock is %s %s the service's: certificates and tokens may be refused",
                       span, side);
    } else if (off >= CLOCK_WRONG_BY) {
        diagnosis_warn(examination->diagnosis, "clock", advice, "this machine's clock is %s %s the service's",
                       span, side);
    } else {
        diagnosis_ok(examination->diagnosis, "clock", "within %s of the service's",
                     off < 2 ? "2 seconds" : span);
    }
}

void vault_diagnose_clock(const struct examination *examination, int64_t theirs)
{
    int64_t ahead = (int64_t)time(NULL) - theirs, off = ahead < 0 ? -ahead : ahead;
    enum clock_told now = off < CLOCK_WRONG_BY ? CLOCK_RIGHT : CLOCK_WRONG;

    if (theirs != 0 && now > *examination->clock) {
        *examination->clock = now;
        tell_clock(examination, ahead, off);
    }
}

/* --- All of it --- */

void vault_diagnose(const struct settings *section, struct diagnosis *diagnosis)
{
    enum clock_told clock = CLOCK_NOT_TOLD;
    struct examination examination = {.section = section, .diagnosis = diagnosis, .clock = &clock};
    struct key_service *service;

    if (keyvault_kind.open_service(section, &service) != CKR_OK) {
        diagnosis_fail(diagnosis, "configuration", "correct that line", "%s", diagnosis_heard(diagnosis));
        diagnosis->ends_here = true;
        return;
    }
    examination.vault = keyvault_of(service);
    diagnosis_forget(diagnosis);
    diagnosis->ends_here = !vault_diagnose_way(&examination) || !vault_diagnose_identity(&examination) ||
                           !vault_diagnose_keys(&examination);
    if (!diagnosis->ends_here && clock == CLOCK_NOT_TOLD) {
        diagnosis_warn(diagnosis, "clock", "see that this machine's clock is right (NTP)",
                       "the service did not tell its time");
    }
    service->ops->close(service);
}
