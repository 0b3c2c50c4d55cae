/* What records say in sum. */
#include "backends/audit/audit_sum.h"
#include "backends/base/scope.h"
#include <search.h>
#include <string.h>

enum { NOTE_SIZE = 256 };

struct audit_row {
    const char *kind, *token, *key; /* kind: the operation or the event; of sums->texts */
    uint64_t count, failures;
    char note[NOTE_SIZE]; /* the last failure or reason */
    char first[AUDIT_TIME_SIZE], last[AUDIT_TIME_SIZE];
};

/* By token and key first, which is how they are shown. */
static int compare_rows(const void *a, const void *b)
{
    const struct audit_row *left = a, *right = b;
    int order = strcmp(left->token, right->token);

    if (order == 0) {
        order = strcmp(left->key, right->key);
    }
    return order != 0 ? order : strcmp(left->kind, right->kind);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *audit_sums_text(struct audit_sums *sums, const char *text)
{
    char *copy SCOPED(scope_free) = strndup(text, AUDIT_TEXT_SIZE);
    void **found = copy == NULL ? NULL : tfind(copy, &sums->texts, compare_texts);

    if (found != NULL) {
        return *found;
    }
    if (copy == NULL || sums->count >= AUDIT_MOST_ROWS ||
        tsearch(copy, &sums->texts, compare_texts) == NULL) {
        return NULL;
    }
    sums->count++;
    return take(copy);
}

static struct audit_row *row_of(struct audit_sums *sums, void **tree, const char *kind,
                                const struct audit_entry *entry)
{
    struct audit_row wanted = {.kind = audit_sums_text(sums, kind),
                               .token = audit_sums_text(sums, entry->token),
                               .key = audit_sums_text(sums, entry->key)};
    struct audit_row *row SCOPED(scope_free) = NULL;
    void **found;

    if (wanted.kind == NULL || wanted.token == NULL || wanted.key == NULL) {
        return NULL;
    }
    found = tfind(&wanted, tree, compare_rows);
    if (found != NULL) {
        return *found;
    }
    row = sums->count < AUDIT_MOST_ROWS ? malloc(sizeof *row) : NULL;
    if (row == NULL) {
        return NULL;
    }
    *row = wanted;
    if (tsearch(row, tree, compare_rows) == NULL) {
        return NULL;
    }
    sums->count++;
    return take(row);
}

/* Times of this form are in the order of their letters. */
static void note_time(char first[AUDIT_TIME_SIZE], char last[AUDIT_TIME_SIZE], const char *time)
{
    struct bytes text = bytes_of_text(time);

    if (first[0] == 0 || strncmp(time, first, AUDIT_TIME_SIZE - 1) < 0) {
        text_copy(text, first, AUDIT_TIME_SIZE);
    }
    if (strncmp(time, last, AUDIT_TIME_SIZE - 1) > 0) {
        text_copy(text, last, AUDIT_TIME_SIZE);
    }
}

static CK_RV add_row(struct audit_sums *sums, const struct audit_entry *entry, bool is_use, bool failed)
{
    struct audit_row *row =
        row_of(sums, is_use ? &sums->uses : &sums->events, is_use ? entry->operation : entry->event, entry);
    const char *note = is_use ? (failed ? entry->result : "") : entry->reason;

    if (row == NULL) {
        return CKR_DATA_LEN_RANGE;
    }
    row->count++;
    row->failures += failed;
    note_time(row->first, row->last, entry->time);
    if (note[0] != 0) {
        text_copy(bytes_of_text(note), row->note, sizeof row->note);
    }
    return CKR_OK;
}

CK_RV audit_sums_add(struct audit_sums *sums, const struct audit_entry *entry)
{
    bool is_use = strcmp(entry->event, "use") == 0;
    bool failed = is_use && strcmp(entry->result, "CKR_OK") != 0;

    sums->totals.records++;
    sums->totals.uses += is_use;
    sums->totals.failed_uses += failed;
    sums->totals.events += !is_use;
    note_time(sums->first, sums->last, entry->time);
    return add_row(sums, entry, is_use, failed);
}

struct walk {
    audit_use_visitor *use;
    audit_event_visitor *event;
    void *arg;
};

static void visit_row(const void *node, VISIT when, void *arg)
{
    const struct audit_row *row = *(struct audit_row *const *)node;
    const struct walk *walk = arg;

    if (when != postorder && when != leaf) { /* glibc's name for: in order */
        return;
    }
    if (walk->use != NULL) {
        walk->use(walk->arg, &(struct audit_use_sum){row->token, row->key, row->kind, row->count,
                                                     row->failures, row->note, row->first, row->last});
    } else {
        walk->event(walk->arg, &(struct audit_event_sum){row->kind, row->token, row->key, row->count,
                                                         row->note, row->first, row->last});
    }
}

void audit_sums_each_use(const struct audit_sums *sums, audit_use_visitor *visit, void *arg)
{
    twalk_r(sums->uses, visit_row, &(struct walk){.use = visit, .arg = arg});
}

void audit_sums_each_event(const struct audit_sums *sums, audit_event_visitor *visit, void *arg)
{
    twalk_r(sums->events, visit_row, &(struct walk){.event = visit, .arg = arg});
}

void audit_sums_done(struct audit_sums *sums)
{
    tdestroy(sums->uses, free);
    tdestroy(sums->events, free);
    tdestroy(sums->texts, free);
}
