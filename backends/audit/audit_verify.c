/* Whether the chain of each process is whole. */
#include "backends/audit/audit_verify.h"
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_SIZE = 256 };

static int compare(const void *a, const void *b)
{
    const struct audit_process *left = a, *right = b;

    return strcmp(left->id, right->id);
}

struct audit_process *audit_chains_process(struct audit_chains *chains, const struct audit_entry *entry,
                                           bool *ret_new)
{
    struct audit_process wanted = {.id = ""}, *process;
    void **found;

    text_copy(bytes_of_text(entry->chain), wanted.id, sizeof wanted.id);
    found = tfind(&wanted, &chains->tree, compare);
    *ret_new = found == NULL;
    if (found != NULL) {
        return *found;
    }
    process = chains->count < AUDIT_MOST_CHAINS ? malloc(sizeof *process) : NULL;
    if (process == NULL) {
        return NULL;
    }
    *process = wanted;
    process->sum = (struct audit_chain_sum){.chain = process->id,
                                            .host = "",
                                            .program = "",
                                            .process = entry->process,
                                            .last_hash = process->last_hash,
                                            .is_whole = true};
    if (tsearch(process, &chains->tree, compare) == NULL) {
        free(process);
        return NULL;
    }
    chains->count++;
    return process;
}

/* --- Findings --- */

void audit_chains_find(struct audit_chains *chains, struct audit_process *process,
                       const struct audit_finding *finding)
{
    struct audit_finding full = *finding;

    full.is_failure = full.kind != AUDIT_BEGINS_LATER && full.kind != AUDIT_LOST;
    full.chain = process == NULL ? "" : process->id;
    chains->failures += full.is_failure;
    if (process != NULL && full.is_failure) {
        process->sum.is_whole = false;
    }
    if (chains->found != NULL) {
        chains->found(chains->arg, &full);
    }
}

/* What is said of a record, with its number and how many it is about. */
static const char *const sentences[] = {
    [AUDIT_CHANGED] = "record %lld, or the one before it, is not what was written",
    [AUDIT_REORDERED] = "record %lld belongs further up",
    [AUDIT_DUPLICATED] = "record %lld was there already",
    [AUDIT_BEGINS_LATER] = "the first record here is number %lld; those before it are in an older file",
    [AUDIT_LOST] = "record %lld says that %llu records could not be written",
    [AUDIT_MISSING] = "from record %lld on, %llu are missing",
};

/* The formats are those above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void tell(struct audit_chains *chains, struct audit_process *process, enum audit_finding_kind kind,
                 uint64_t line, int64_t sequence, uint64_t count)
{
    char what[SENTENCE_SIZE / 2], text[SENTENCE_SIZE];

    snprintf(what, sizeof what, sentences[kind], (long long)sequence, (unsigned long long)count);
    snprintf(text, sizeof text, "process %lld: %s", (long long)process->sum.process, what);
    audit_chains_find(chains, process,
                      &(struct audit_finding){
                          .kind = kind, .line = line, .sequence = sequence, .count = count, .text = text});
}
#pragma GCC diagnostic pop

/* --- Gaps: what is not there may still come, in the wrong place --- */

static void tell_gap(struct audit_chains *chains, struct audit_process *process, const struct audit_gap *gap)
{
    tell(chains, process, AUDIT_MISSING, gap->line, gap->from, (uint64_t)(gap->to - gap->from + 1));
}

static void add_gap(struct audit_chains *chains, struct audit_process *process, const struct audit_gap *gap)
{
    struct audit_gap *grown = NULL;

    if (process->gap_count < AUDIT_MOST_GAPS) {
        grown = reallocarray(process->gaps, process->gap_count + 1, sizeof *grown);
    }
    if (grown == NULL) {
        tell_gap(chains, process, gap);
        return;
    }
    process->gaps = grown;
    process->gaps[process->gap_count++] = *gap;
    process->sum.is_whole = false;
}

/* True where the record is one that was missed. */
static bool fill_gap(struct audit_chains *chains, struct audit_process *process, int64_t sequence)
{
    for (size_t i = 0; i < process->gap_count; i++) {
        struct audit_gap gap = process->gaps[i];

        if (sequence < gap.from || sequence > gap.to) {
            continue;
        }
        process->gaps[i] = process->gaps[--process->gap_count];
        if (gap.from < sequence) {
            add_gap(chains, process, &(struct audit_gap){gap.from, sequence - 1, gap.line});
        }
        if (sequence < gap.to) {
            add_gap(chains, process, &(struct audit_gap){sequence + 1, gap.to, gap.line});
        }
        return true;
    }
    return false;
}

/* --- Records --- */

static bool explains(const struct audit_entry *entry, int64_t missing)
{
    return strcmp(entry->event, "lost") == 0 && entry->count == (uint64_t)missing;
}

static void verify_first(struct audit_chains *chains, struct audit_process *process,
                         const struct audit_entry *entry, uint64_t line)
{
    process->sum.first = entry->sequence;
    if ((entry->sequence == 1) != (entry->previous[0] == 0)) {
        tell(chains, process, AUDIT_CHANGED, line, entry->sequence, 1);
    } else if (entry->sequence != 1 && !explains(entry, entry->sequence - 1)) {
        tell(chains, process, AUDIT_BEGINS_LATER, line, entry->sequence, 0);
    }
}

static void verify_next(struct audit_chains *chains, struct audit_process *process,
                        const struct audit_entry *entry, uint64_t line)
{
    int64_t missing = entry->sequence - process->sum.last - 1;

    if (missing == 0 && strcmp(entry->previous, process->last_hash) != 0) {
        tell(chains, process, AUDIT_CHANGED, line, entry->sequence, 1);
    } else if (missing != 0 && !explains(entry, missing)) {
        add_gap(chains, process, &(struct audit_gap){process->sum.last + 1, entry->sequence - 1, line});
    }
}

/* Nothing that follows is linked to it. */
static void verify_late(struct audit_chains *chains, struct audit_process *process,
                        const struct audit_entry *entry, uint64_t line)
{
    bool belongs_up = fill_gap(chains, process, entry->sequence) || entry->sequence < process->sum.first;

    tell(chains, process, belongs_up ? AUDIT_REORDERED : AUDIT_DUPLICATED, line, entry->sequence, 1);
}

void audit_chains_verify(struct audit_chains *chains, struct audit_process *process, bool is_new,
                         const struct audit_entry *entry, const char hash[AUDIT_HASH_SIZE], uint64_t line)
{
    if (!is_new && entry->sequence <= process->sum.last) {
        verify_late(chains, process, entry, line);
        return;
    }
    if (is_new) {
        verify_first(chains, process, entry, line);
    } else {
        verify_next(chains, process, entry, line);
    }
    if (strcmp(entry->event, "lost") == 0) {
        process->sum.lost += entry->count;
        tell(chains, process, AUDIT_LOST, line, entry->sequence, entry->count);
    }
    process->sum.last = entry->sequence;
    memcpy(process->last_hash, hash, AUDIT_HASH_SIZE);
}

/* --- All of them --- */

static void end_process(const void *node, VISIT when, void *arg)
{
    struct audit_process *process = *(struct audit_process *const *)node;

    if (when != postorder && when != leaf) {
        return;
    }
    for (size_t i = 0; i < process->gap_count; i++) {
        tell_gap(arg, process, &process->gaps[i]);
    }
    process->gap_count = 0;
}

void audit_chains_end(struct audit_chains *chains)
{
    twalk_r(chains->tree, end_process, chains);
}

struct walk {
    audit_chain_visitor *visit;
    void *arg;
};

static void visit_process(const void *node, VISIT when, void *arg)
{
    const struct audit_process *process = *(struct audit_process *const *)node;
    const struct walk *walk = arg;

    if (when == postorder || when == leaf) {
        walk->visit(walk->arg, &process->sum);
    }
}

void audit_chains_each(const struct audit_chains *chains, audit_chain_visitor *visit, void *arg)
{
    twalk_r(chains->tree, visit_process, &(struct walk){visit, arg});
}

static void process_free(void *thing)
{
    struct audit_process *process = thing;

    free(process->gaps);
    free(process);
}

void audit_chains_done(struct audit_chains *chains)
{
    tdestroy(chains->tree, process_free);
}
