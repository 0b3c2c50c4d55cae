/* Files of records: into lines, and each line to those who verify and count. */
#include "backends/audit/audit_read.h"
#include "backends/audit/audit_record.h"
#include "backends/audit/audit_sum.h"
#include "backends/audit/audit_verify.h"
#include "backends/base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 64 * 1024 };

struct audit_report {
    struct audit_chains chains;
    struct audit_sums sums;
    struct buffer line; /* what has come of it */
    bool too_long;      /* the rest of the line is skipped */
    uint64_t number;    /* of the line, in its file */
    uint64_t bad_from; /* the first of the lines just before this one that are no records, 0: there is none */
    bool told_of_many;
};

CK_RV audit_report_new(audit_finding_visitor *found, void *arg, struct audit_report **ret_report)
{
    struct audit_report *report = calloc(1, sizeof *report);

    if (report == NULL) {
        return CKR_HOST_MEMORY;
    }
    report->chains.found = found;
    report->chains.arg = arg;
    report->line.limit = AUDIT_LONGEST_LINE;
    *ret_report = report;
    return CKR_OK;
}

void audit_report_free(struct audit_report *report)
{
    if (report != NULL) {
        audit_chains_done(&report->chains);
        audit_sums_done(&report->sums);
        buffer_free(&report->line);
        free(report);
    }
}

/* --- Lines --- */

static void find(struct audit_report *report, enum audit_finding_kind kind, uint64_t line, uint64_t count,
                 const char *text)
{
    audit_chains_find(&report->chains, NULL,
                      &(struct audit_finding){.kind = kind, .line = line, .count = count, .text = text});
}

/* One finding for lines that follow each other. */
static void end_bad_lines(struct audit_report *report, uint64_t next)
{
    uint64_t from = report->bad_from;

    report->bad_from = 0;
    if (from != 0) {
        find(report, AUDIT_DAMAGED, from, next - from,
             next - from == 1 ? "the line is no record" : "these lines are no records");
    }
}

static void tell_of_many(struct audit_report *report)
{
    if (!report->told_of_many) {
        report->told_of_many = true;
        find(
            report, AUDIT_TOO_MANY, report->number, 0,
            "more processes, tokens or keys than there is room for; from here on not all is verified and counted");
    }
}

/* Host and program are shown, but not missed. */
static void describe(struct audit_report *report, struct audit_process *process,
                     const struct audit_entry *entry)
{
    const char *host = audit_sums_text(&report->sums, entry->host);
    const char *program = audit_sums_text(&report->sums, entry->program);

    process->sum.host = host != NULL ? host : "";
    process->sum.program = program != NULL ? program : "";
}

static CK_RV verify(struct audit_report *report, const struct audit_entry *entry)
{
    bool is_new;
    struct audit_process *process = audit_chains_process(&report->chains, entry, &is_new);
    char hash[AUDIT_HASH_SIZE];

    if (process == NULL) {
        tell_of_many(report);
        return CKR_OK;
    }
    if (!audit_hash(entry->record, hash)) {
        return CKR_FUNCTION_FAILED;
    }
    if (is_new) {
        describe(report, process, entry);
    }
    audit_chains_verify(&report->chains, process, is_new, entry, hash, report->number);
    return CKR_OK;
}

static CK_RV take_record(struct audit_report *report, struct audit_entry *entry)
{
    CK_RV rv;

    end_bad_lines(report, report->number);
    if (!entry->is_alone) {
        find(report, AUDIT_DAMAGED, report->number, 1, "what is left of a record stands before another");
    }
    if (audit_sums_add(&report->sums, entry) != CKR_OK) {
        tell_of_many(report);
    }
    rv = verify(report, entry);
    audit_entry_done(entry);
    return rv;
}

/* A line that is empty is what ends one that could not be written whole. */
static CK_RV end_line(struct audit_report *report)
{
    bool too_long = report->too_long, is_empty = !too_long && report->line.size == 0;
    struct audit_entry entry;
    CK_RV rv = CKR_OK;

    report->number++;
    report->sums.totals.lines++;
    report->too_long = false;
    if (!too_long && audit_entry_read(buffer_bytes(&report->line), &entry)) {
        rv = take_record(report, &entry);
    } else if (!is_empty && report->bad_from == 0) {
        report->bad_from = report->number;
    } else if (is_empty) {
        end_bad_lines(report, report->number);
    }
    buffer_clear(&report->line);
    return rv;
}

static CK_RV add_part(struct audit_report *report, struct bytes part)
{
    CK_RV rv =
        part.size == 0 || report->too_long ? CKR_OK : buffer_append(&report->line, part.data, part.size);

    if (rv == CKR_DATA_LEN_RANGE) {
        report->too_long = true;
        buffer_clear(&report->line);
        rv = CKR_OK;
    }
    return rv;
}

CK_RV audit_report_add(struct audit_report *report, struct bytes piece)
{
    CK_RV rv = CKR_OK;

    while (piece.size != 0 && rv == CKR_OK) {
        const unsigned char *end = memchr(piece.data, '\n', piece.size);
        size_t size = end == NULL ? piece.size : (size_t)(end - piece.data);

        rv = add_part(report, bytes_of(piece.data, size));
        if (rv == CKR_OK && end != NULL) {
            rv = end_line(report);
            size++;
        }
        piece = bytes_of(piece.data + size, piece.size - size);
    }
    return rv;
}

CK_RV audit_report_end_of_file(struct audit_report *report)
{
    CK_RV rv = CKR_OK;

    if (report->line.size != 0 || report->too_long) {
        rv = end_line(report);
        if (report->bad_from == report->number) {
            report->bad_from = 0; /* that it is no record is no news */
        }
        find(report, AUDIT_CUT_OFF, report->number, 1, "the file ends in the middle of a line");
    }
    end_bad_lines(report, report->number + 1);
    report->number = 0;
    return rv;
}

/* --- Files --- */

static void close_scoped(const int *file)
{
    if (*file >= 0) {
        close(*file);
    }
}

static CK_RV refuse(const char *path)
{
    log_error(NULL, "audit: %s: %s", path, strerror(errno));
    return CKR_GENERAL_ERROR;
}

CK_RV audit_report_read(struct audit_report *report, const char *path)
{
    int file SCOPED(close_scoped) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    unsigned char *piece SCOPED(scope_free) = malloc(PIECE_SIZE);
    CK_RV rv = piece == NULL ? CKR_HOST_MEMORY : file < 0 ? refuse(path) : CKR_OK;
    ssize_t got = 1;

    while (rv == CKR_OK && got != 0) {
        got = read(file, piece, PIECE_SIZE);
        if (got > 0) {
            rv = audit_report_add(report, bytes_of(piece, (size_t)got));
        } else if (got < 0 && errno != EINTR) {
            rv = refuse(path);
        }
    }
    return rv == CKR_OK ? audit_report_end_of_file(report) : rv;
}

bool audit_report_end(struct audit_report *report)
{
    audit_chains_end(&report->chains);
    return report->chains.failures == 0;
}

/* --- What it comes to --- */

static void add_lost(void *arg, const struct audit_chain_sum *sum)
{
    uint64_t *lost = arg;

    *lost += sum->lost;
}

struct audit_totals audit_report_totals(const struct audit_report *report)
{
    struct audit_totals totals = report->sums.totals;

    totals.findings = report->chains.failures;
    totals.first = report->sums.first;
    totals.last = report->sums.last;
    audit_chains_each(&report->chains, add_lost, &totals.lost);
    return totals;
}

void audit_report_each_use(const struct audit_report *report, audit_use_visitor *visit, void *arg)
{
    audit_sums_each_use(&report->sums, visit, arg);
}

void audit_report_each_event(const struct audit_report *report, audit_event_visitor *visit, void *arg)
{
    audit_sums_each_event(&report->sums, visit, arg);
}

void audit_report_each_chain(const struct audit_report *report, audit_chain_visitor *visit, void *arg)
{
    audit_chains_each(&report->chains, visit, arg);
}
