/* `byok-pkcs11 audit`: whether the records are whole, and what they say in sum. */
#include "backends/audit/audit_read.h"
#include "backends/base/scope.h"
#include "backends/base/utf8.h"
#include "tools/print.h"
#include "tools/report.h"
#include <inttypes.h>
#include <stdio.h>

enum { CLEAN_SIZE = 1024 };

struct summary {
    struct report report;
    const char *path; /* of the file at hand; NULL: none */
};

static void found(void *arg, const struct audit_finding *finding)
{
    struct summary *summary = arg;
    struct diagnosis *diagnosis = &summary->report.diagnosis;
    const char *file = summary->path == NULL ? "" : summary->path, *colon = file[0] == '\0' ? "" : ": ";

    if (finding->is_failure) {
        diagnosis_fail(diagnosis, "audit-chain",
                       "compare with a copy that was kept elsewhere, and find out who can write to the file",
                       "%s%sline %" PRIu64 ": %s", file, colon, finding->line, finding->text);
    } else {
        diagnosis_warn(diagnosis, "audit-chain", "see the file before this one, and the module's log",
                       "%s%sline %" PRIu64 ": %s", file, colon, finding->line, finding->text);
    }
}

static void print_text(const char *text, const char *after)
{
    char clean[CLEAN_SIZE];

    utf8_clean(text, clean, sizeof clean);
    printf("%s%s", clean, after);
}

static void print_use(void *arg, const struct audit_use_sum *sum)
{
    (void)arg;
    print_text(sum->token, ": ");
    print_text(sum->operation, " ");
    print_text(sum->key, "");
    printf(": %" PRIu64, sum->count);
    if (sum->failures != 0) {
        printf(", %" PRIu64 " failed (the last: ", sum->failures);
        print_text(sum->last_failure, ")");
    }
    print_text(", from ", "");
    print_text(sum->first, " to ");
    print_text(sum->last, "\n");
}

static void print_use_json(void *arg, const struct audit_use_sum *sum)
{
    cJSON *object = cJSON_CreateObject();

    (void)arg;
    print_add_text(object, "token", sum->token);
    print_add_text(object, "operation", sum->operation);
    print_add_text(object, "key", sum->key);
    cJSON_AddNumberToObject(object, "count", (double)sum->count);
    cJSON_AddNumberToObject(object, "failures", (double)sum->failures);
    print_add_text(object, "last_failure", sum->last_failure[0] == '\0' ? NULL : sum->last_failure);
    print_add_text(object, "first", sum->first);
    print_add_text(object, "last", sum->last);
    print_json(object);
}

static void print_event(void *arg, const struct audit_event_sum *sum)
{
    (void)arg;
    print_text(sum->token, sum->token[0] == '\0' ? "" : ": ");
    print_text(sum->event, sum->key[0] == '\0' ? "" : " ");
    print_text(sum->key, "");
    printf(": %" PRIu64, sum->count);
    print_text(sum->reason[0] == '\0' ? "" : " (", "");
    print_text(sum->reason, sum->reason[0] == '\0' ? ", from " : "), from ");
    print_text(sum->first, " to ");
    print_text(sum->last, "\n");
}

static void print_event_json(void *arg, const struct audit_event_sum *sum)
{
    cJSON *object = cJSON_CreateObject();

    (void)arg;
    print_add_text(object, "token", sum->token);
    print_add_text(object, "event", sum->event);
    print_add_text(object, "key", sum->key);
    cJSON_AddNumberToObject(object, "count", (double)sum->count);
    print_add_text(object, "reason", sum->reason[0] == '\0' ? NULL : sum->reason);
    print_add_text(object, "first", sum->first);
    print_add_text(object, "last", sum->last);
    print_json(object);
}

/* Who wants to know later that nothing is missing at the end notes this. */
static void print_chain(void *arg, const struct audit_chain_sum *sum)
{
    (void)arg;
    print_text("process ", "");
    printf("%" PRId64 " of ", sum->process);
    print_text(sum->program, " on ");
    print_text(sum->host, ": ");
    printf("records %" PRId64 " to %" PRId64 ", %s, last ", sum->first, sum->last,
           sum->is_whole ? "whole" : "NOT whole");
    print_text(sum->last_hash, "\n");
}

static void print_chain_json(void *arg, const struct audit_chain_sum *sum)
{
    cJSON *object = cJSON_CreateObject();

    (void)arg;
    print_add_text(object, "chain", sum->chain);
    print_add_text(object, "host", sum->host);
    print_add_text(object, "program", sum->program);
    cJSON_AddNumberToObject(object, "process", (double)sum->process);
    cJSON_AddNumberToObject(object, "first", (double)sum->first);
    cJSON_AddNumberToObject(object, "last", (double)sum->last);
    cJSON_AddNumberToObject(object, "lost", (double)sum->lost);
    print_add_text(object, "last_hash", sum->last_hash);
    cJSON_AddBoolToObject(object, "whole", sum->is_whole);
    print_json(object);
}

static void print_sums(const struct audit_report *report, bool json)
{
    audit_report_each_use(report, json ? print_use_json : print_use, NULL);
    audit_report_each_event(report, json ? print_event_json : print_event, NULL);
    audit_report_each_chain(report, json ? print_chain_json : print_chain, NULL);
}

static void tell_totals(const struct audit_report *report, struct diagnosis *diagnosis)
{
    struct audit_totals totals = audit_report_totals(report);

    if (totals.records == 0) {
        diagnosis_warn(diagnosis, "audit", "see `audit-file` in the configuration", "there is no record");
        return;
    }
    diagnosis_ok(diagnosis, "audit",
                 "%" PRIu64 " records, %" PRIu64 " uses of keys (%" PRIu64 " failed), %" PRIu64 " events",
                 totals.records, totals.uses, totals.failed_uses, totals.events);
}

static void read_files(struct summary *summary, struct audit_report *report)
{
    const struct command *command = summary->report.command;
    struct diagnosis *diagnosis = &summary->report.diagnosis;

    for (int i = 0; i < command->operand_count; i++) {
        summary->path = command->operands[i];
        if (audit_report_read(report, summary->path) != CKR_OK) {
            diagnosis_fail(diagnosis, "audit-file", "name a file that can be read", "%s",
                           diagnosis_heard(diagnosis));
        }
    }
    summary->path = NULL;           /* it may be any of them */
    (void)audit_report_end(report); /* what it finds is a finding */
    print_sums(report, command->json);
    tell_totals(report, diagnosis);
}

int audit_run(const struct command *command)
{
    struct audit_report *report SCOPED(audit_report_free_scoped) = NULL;
    struct summary summary = {.path = ""};

    report_begin(&summary.report, command);
    if (audit_report_new(found, &summary, &report) == CKR_OK) {
        read_files(&summary, report);
    } else {
        diagnosis_fail(&summary.report.diagnosis, "audit", "free memory", "there is not enough memory");
    }
    return report_end(&summary.report);
}
