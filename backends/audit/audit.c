/* Who is told of each use of a key, in which order, and what happens when they cannot be told. */
#include "backends/audit.h"
#include "backends/audit/audit_chain.h"
#include "backends/audit/audit_turn.h"
#include "backends/base/append_file.h"
#include "backends/base/deadline.h"
#include "backends/base/libcrypto.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

enum { LARGEST_CONFIGURATION = 1024 * 1024 };

static struct {
    atomic_bool wanted, required;
    _Atomic uint64_t given_up;  /* records of those who did not get their turn in time */
    _Atomic int64_t complained; /* clock_now(), 0: never */

    struct audit_turn turn;

    /*
     * For who has the turn, which lasts while a record is written, for the chain is in the order of the file. In it
     * libcrypto computes one SHA-256 that was fetched before: nothing of that leads back to us.
     */
    struct append_file file;
    bool to_syslog;
    struct audit_chain chain;
    bool start_due;              /* that the module was started is still to be written */
    struct buffer configuration; /* of which that record has the hash */
} audit = {
    .turn = AUDIT_TURN_INIT,
    .file = APPEND_FILE_INIT,
    .configuration = BUFFER_INIT(LARGEST_CONFIGURATION),
};

bool audit_wanted(void)
{
    return atomic_load_explicit(&audit.wanted, memory_order_relaxed);
}

/* --- Loudly, but not once for each record --- */

static bool may_complain(void)
{
    int64_t last = atomic_load(&audit.complained), now = clock_now();

    return (last == 0 || now - last >= AUDIT_COMPLAIN) &&
           atomic_compare_exchange_strong(&audit.complained, &last, now);
}

static const char *consequence(void)
{
    return atomic_load(&audit.required) ? "uses of keys are refused until it can (audit-required)"
                                        : "keys are used without a record of it";
}

static void complain_locked(int cause)
{
    if (may_complain()) {
        log_error(NULL, "audit: a record cannot be written to %s: %s; %llu lost so far; %s",
                  audit.file.path == NULL ? "syslog" : audit.file.path, strerror(cause),
                  (unsigned long long)audit.chain.lost, consequence());
    }
}

static void give_up(void)
{
    atomic_fetch_add(&audit.given_up, 1);
    if (may_complain()) {
        log_error(
            NULL,
            "audit: a record cannot be written, for one before it has not been after %d ms: does the disk "
            "hang? %s",
            AUDIT_PATIENCE, consequence());
    }
}

/* --- Writing --- */

/* `anyway`: to syslog even if it could not be written to the file. 0 or an errno value. */
static int send_locked(const struct buffer *line, int cause, bool anyway)
{
    if (cause == 0 && audit.file.path != NULL) {
        cause = append_file_write(&audit.file, buffer_bytes(line));
    }
    if (audit.to_syslog && (cause == 0 || anyway)) {
        syslog(LOG_USER | LOG_NOTICE, "byok-pkcs11[%ld] audit: %.*s", (long)getpid(), (int)line->size - 1,
               buffer_text(line));
    }
    return cause;
}

/*
 * Has its number whether it is written or not. Where what has to stand before it could not be written, for `cause`, it
 * is not either, or it would seem that records are missing. Takes the record.
 */
static int put_locked(cJSON *record, int cause)
{
    struct buffer line SCOPED(buffer_free) = BUFFER_INIT(AUDIT_LONGEST_RECORD);
    char hash[AUDIT_HEX_SIZE];

    if (audit_chain_line(&audit.chain, record, &line, hash)) {
        cause = send_locked(&line, cause, true);
        audit_chain_advance(&audit.chain, hash, cause == 0);
    } else {
        cause = cause == 0 ? ENOMEM : cause;
        audit_chain_lose(&audit.chain, 1);
    }
    cJSON_Delete(record);
    return cause;
}

/* What is ours to say is said again later if it cannot be now. Takes the record. */
static int put_own_locked(cJSON *record)
{
    struct buffer line SCOPED(buffer_free) = BUFFER_INIT(AUDIT_LONGEST_RECORD);
    char hash[AUDIT_HEX_SIZE];
    int cause = ENOMEM;

    if (audit_chain_line(&audit.chain, record, &line, hash)) {
        cause = send_locked(&line, 0, false);
    }
    if (cause == 0) {
        audit_chain_advance(&audit.chain, hash, true);
    }
    cJSON_Delete(record);
    return cause;
}

static int put_loss_locked(void)
{
    uint64_t lost = audit.chain.lost;
    int cause = put_own_locked(audit_record_of_loss(lost));

    if (cause == 0) {
        audit.chain.lost = 0;
        log_warning(NULL, "audit: records are written again; %llu were lost", (unsigned long long)lost);
    }
    return cause;
}

static int put_start_locked(void)
{
    char hash[AUDIT_HEX_SIZE];
    int cause = audit_hash(buffer_bytes(&audit.configuration), hash)
                    ? put_own_locked(audit_record_of_start(hash))
                    : ENOMEM;

    if (cause == 0) {
        audit.start_due = false;
        buffer_free(&audit.configuration);
    }
    return cause;
}

/* What has to be said before the next record. */
static int catch_up_locked(void)
{
    int cause = audit_chain_begin(&audit.chain) ? 0 : EAGAIN;

    audit_chain_lose(&audit.chain, atomic_exchange(&audit.given_up, 0));
    if (cause == 0 && audit.chain.lost != 0) {
        cause = put_loss_locked();
    }
    return cause == 0 && audit.start_due ? put_start_locked() : cause;
}

/* Takes the record; NULL: there was no memory for it. */
static CK_RV put(cJSON *record)
{
    int cause;

    (void)libcrypto_hash(HASH_SHA256);
    if (!audit_turn_take(&audit.turn, AUDIT_PATIENCE)) {
        cJSON_Delete(record);
        give_up();
        return CKR_FUNCTION_FAILED;
    }
    cause = put_locked(record, catch_up_locked());
    if (cause != 0) {
        complain_locked(cause);
    }
    audit_turn_give(&audit.turn);
    return cause == 0 ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV audit_use(const struct audit_use *use)
{
    CK_RV rv = audit_wanted() ? put(audit_record_of_use(use)) : CKR_OK;

    return atomic_load(&audit.required) ? rv : CKR_OK;
}

void audit_event(enum audit_event event, const char *token, const char *backend, const char *key,
                 const char *reason, const struct service_answer *answer)
{
    if (audit_wanted()) {
        (void)!put(audit_record_of_event(event, token, backend, key, reason, answer));
    }
}

void audit_started(void)
{
    int cause;

    if (!audit_wanted()) {
        return;
    }
    (void)libcrypto_hash(HASH_SHA256);
    if (audit_turn_take(&audit.turn, AUDIT_PATIENCE)) {
        cause = catch_up_locked();
        if (cause != 0) {
            complain_locked(cause);
        }
        audit_turn_give(&audit.turn);
    }
}

/* --- What is wanted --- */

static CK_RV choose_locked(const struct settings *global, struct bytes configuration)
{
    const char *path = global == NULL ? NULL : settings_text(global, "audit-file");
    char *copy = path == NULL ? NULL : strdup(path);

    if (path != NULL && copy == NULL) {
        return CKR_HOST_MEMORY;
    }
    append_file_choose(&audit.file, copy, S_IRUSR | S_IWUSR, process_is_secure());
    audit.to_syslog = global != NULL && settings_yes(global, "audit-syslog");
    atomic_store(&audit.required, global != NULL && settings_yes(global, "audit-required"));
    atomic_store(&audit.wanted, path != NULL || audit.to_syslog);
    audit.start_due = audit_wanted();
    buffer_clear(&audit.configuration);
    return audit.start_due && configuration.size != 0
               ? buffer_append(&audit.configuration, configuration.data, configuration.size)
               : CKR_OK;
}

static CK_RV check_locked(const struct settings *global)
{
    int cause = audit.file.path == NULL ? 0 : append_file_open(&audit.file);
    bool required = atomic_load(&audit.required);

    if (required && !audit_wanted()) {
        return settings_refuse(global, "audit-required",
                               "audit-required needs `audit-file` or `audit-syslog` to write to");
    }
    if (cause == 0) {
        return CKR_OK;
    }
    if (required) {
        return settings_refuse(global, "audit-file", "audit-file %s: %s, and audit-required is set",
                               audit.file.path, strerror(cause));
    }
    log_error(NULL, "audit-file %s: %s; keys are used without a record of it until that is mended",
              audit.file.path, strerror(cause));
    return CKR_OK;
}

CK_RV audit_configure(const struct settings *global, struct bytes configuration)
{
    CK_RV rv;

    if (global == NULL && !audit_wanted()) {
        return CKR_OK;
    }
    if (!audit_turn_take(&audit.turn, AUDIT_PATIENCE)) {
        log_error(NULL,
                  "audit: a record is being written since before the last C_Finalize; does the disk hang?");
        return CKR_FUNCTION_FAILED;
    }
    rv = choose_locked(global, configuration);
    if (rv == CKR_OK) {
        rv = check_locked(global);
    }
    if (rv != CKR_OK) {
        atomic_store(&audit.wanted, false);
        atomic_store(&audit.required, false);
    }
    audit_turn_give(&audit.turn);
    return rv;
}

void audit_after_fork(void)
{
    audit_turn_after_fork(&audit.turn);
    atomic_store(&audit.given_up, 0);
    atomic_store(&audit.complained, 0);
    audit.chain = (struct audit_chain){.sequence = 0};
    audit.start_due = false;
}
