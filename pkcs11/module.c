/* C_Initialize to C_Finalize: the one global, what happens after a fork. */
#include "pkcs11/module.h"
#include "backends/audit.h"
#include "backends/base/deadline.h"
#include "backends/base/libcrypto.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/base/secret.h"
#include "config.h"
#include "pkcs11/session.h"
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#define LOG_PRESET "warning syslog"

enum {
    FIRST_PAGE = 4096, /* nothing can lie there */
    START_WAIT = 2000, /* milliseconds for another thread's C_Initialize */
    START_LOOK = 2     /* milliseconds between two looks */
};

static const char *use_log(const char *text)
{
    return log_configure(text) == CKR_OK ? NULL
                                         : "`log` is \"LEVEL DEST\", as in \"info file:/var/log/byok.log\"";
}

static const struct setting_option global_options[] = {
    {.name = "log", .type = SETTING_TEXT, .preset = LOG_PRESET, .use = use_log},
    {.name = "audit-file", .type = SETTING_PATH},
    {.name = "audit-syslog", .type = SETTING_YES_NO, .preset = "no"},
    {.name = "audit-required", .type = SETTING_YES_NO, .preset = "no"},
};

static const struct setting_group global_group = {NULL, global_options,
                                                  sizeof global_options / sizeof global_options[0]};

enum stage { STOPPED, STARTING, RUNNING };

static struct {
    _Atomic pid_t preparing; /* the process in which a thread is in module_prepare(); 0: none */
    bool used;               /* in this process or one that it descends from */
    pthread_mutex_t lock;    /* for what follows; never held across a call into another room */
    enum stage stage;
    pthread_t starter;   /* while STARTING */
    struct slots *slots; /* while RUNNING */
    struct slots *abandoned;
} module;

/* A child must not free what the parent's other threads may have been in the middle of. */
static void abandon(void)
{
    log_after_fork();
    if (module.slots != NULL) {
        module.slots->abandoned = module.abandoned;
        module.abandoned = module.slots;
        module.slots = NULL;
    }
    secret_after_fork();
    libcrypto_after_fork();
    audit_after_fork();
    backend_after_fork();
}

static CK_RV prepare_alone(void)
{
    if (module.used) {
        abandon();
    }
    module.used = true;
    module.stage = STOPPED;
    pthread_mutex_init(&module.lock, NULL);
    CK_RV rv = sessions_prepare();

    return rv == CKR_OK ? process_mark() : rv;
}

/*
 * The first C_Initialize of a process finds locks that were never made, or that the parent's threads held at
 * the fork. One thread makes them new, others wait; a pid other than ours was copied from the parent.
 */
static CK_RV module_prepare(void)
{
    pid_t me = getpid();
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && !process_is_marked()) {
        pid_t seen = atomic_load(&module.preparing);

        if (seen == me || !atomic_compare_exchange_strong(&module.preparing, &seen, me)) {
            sched_yield();
            continue;
        }
        rv = process_is_marked() ? CKR_OK : prepare_alone();
        atomic_store(&module.preparing, 0);
    }
    return rv;
}

/* CKR_CANCEL: another thread is at it, look again. */
static CK_RV claim_start_locked(bool patient)
{
    if (module.stage == STOPPED) {
        module.stage = STARTING;
        module.starter = pthread_self();
        return CKR_OK;
    }
    if (module.stage == STARTING && patient && !pthread_equal(module.starter, pthread_self())) {
        return CKR_CANCEL;
    }
    return CKR_CRYPTOKI_ALREADY_INITIALIZED;
}

/*
 * Waits for another thread's C_Initialize, but not for ever: it may be waiting in OpenSSL for this thread,
 * when the host's OpenSSL is reading a configuration that has led it to us.
 */
static CK_RV claim_start(void)
{
    struct deadline deadline = deadline_in(START_WAIT);
    bool patient = true;

    for (;;) {
        pthread_mutex_lock(&module.lock);
        CK_RV rv = claim_start_locked(patient);

        pthread_mutex_unlock(&module.lock);
        if (rv != CKR_CANCEL) {
            return rv;
        }
        patient = deadline_sleep(deadline, START_LOOK);
    }
}

static void finish_start(struct slots *slots)
{
    pthread_mutex_lock(&module.lock);
    module.slots = slots;
    module.stage = slots == NULL ? STOPPED : RUNNING;
    pthread_mutex_unlock(&module.lock);
}

const struct setting_group *module_global_options(void)
{
    return &global_group;
}

CK_RV module_read_settings(const char *reserved, struct settings_file **ret_file)
{
    return slots_read(reserved, &global_group, ret_file);
}

static CK_RV open_audit(const struct settings_file *file)
{
    return file == NULL ? audit_configure(NULL, bytes_of(NULL, 0))
                        : audit_configure(settings_global(file), settings_content(file));
}

static CK_RV open_slots(const char *reserved, struct slots **ret_slots)
{
    struct settings_file *file = NULL;
    CK_RV rv = log_configure(LOG_PRESET);

    if (rv == CKR_OK) {
        rv = module_read_settings(reserved, &file);
    }
    if (rv == CKR_OK) {
        rv = open_audit(file);
    }
    if (rv != CKR_OK) {
        settings_free(file);
        return rv;
    }
    return slots_open(file, ret_slots);
}

/*
 * Every form of locking is accepted and operating system locks are used (2.40, 5.4: what the callbacks are
 * for, they do too). pReserved is a string: p11-kit's x-init-reserved, and NSS has its parameters in that
 * place.
 */
static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *arguments, const char **ret_reserved)
{
    if (arguments == NULL) {
        *ret_reserved = NULL;
        return CKR_OK;
    }
    int callbacks = (arguments->CreateMutex != NULL) + (arguments->DestroyMutex != NULL) +
                    (arguments->LockMutex != NULL) + (arguments->UnlockMutex != NULL);

    if (callbacks != 0 && callbacks != 4) {
        return CKR_ARGUMENTS_BAD;
    }
    if (arguments->pReserved != NULL && (uintptr_t)arguments->pReserved < FIRST_PAGE) {
        return CKR_ARGUMENTS_BAD;
    }
    *ret_reserved = arguments->pReserved;
    return CKR_OK;
}

CK_RV module_start(const CK_C_INITIALIZE_ARGS *arguments)
{
    const char *reserved;
    struct slots *slots = NULL;
    CK_RV rv = check_arguments(arguments, &reserved);

    if (rv == CKR_OK) {
        rv = module_prepare();
    }
    if (rv == CKR_OK) {
        rv = claim_start();
    }
    if (rv != CKR_OK) {
        return rv;
    }
    rv = open_slots(reserved, &slots);
    if (rv == CKR_OK) {
        log_info(NULL, "version " PACKAGE_VERSION " started with %zu token%s", slots->count,
                 slots->count == 1 ? "" : "s");
    }
    finish_start(slots);
    if (rv == CKR_OK) {
        audit_started(); /* by libcrypto, which may read the host's configuration and lead back to us: not before */
    }
    return rv;
}

CK_RV module_stop(void)
{
    struct slots *slots SCOPED(slots_unref_scoped) = NULL;

    if (!process_is_marked()) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    pthread_mutex_lock(&module.lock);
    if (module.stage == RUNNING) {
        slots = take(module.slots);
        module.stage = STOPPED;
    }
    pthread_mutex_unlock(&module.lock);
    if (slots == NULL) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    sessions_close_of_slots(slots);
    return CKR_OK;
}

struct slots *module_slots(void)
{
    struct slots *slots = NULL;

    if (!process_is_marked()) {
        return NULL;
    }
    pthread_mutex_lock(&module.lock);
    if (module.stage == RUNNING) {
        slots = module.slots;
        slots_ref(slots);
    }
    pthread_mutex_unlock(&module.lock);
    if (slots != NULL && slots_others_look(slots, NULL)) {
        slots_look_all(slots, NULL);
    }
    return slots;
}

bool module_runs(void)
{
    struct slots *slots SCOPED(slots_unref_scoped) = module_slots();

    return slots != NULL;
}

CK_RV module_no_session(void)
{
    return module_runs() ? CKR_SESSION_HANDLE_INVALID : CKR_CRYPTOKI_NOT_INITIALIZED;
}
