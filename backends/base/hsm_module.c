/* Loading the vendors' modules, initialising them, and noticing when somebody else finalised one. */
#include "backends/base/hsm_module.h"
#include "backends/base/deadline.h"
#include "backends/base/hsm_inside.h"
#include "backends/base/hsm_interface.h"
#include "backends/base/hsm_login.h"
#include "backends/base/log.h"
#include <dlfcn.h>
#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIFE_BEFORE_RESTART = 1000, /* milliseconds */
    EVENTS_AT_ONCE = 64         /* a module that never says CKR_NO_EVENT must not keep us */
};

static struct {
    pthread_mutex_t lock; /* for the lists and the users; never held across a call into a module */
    struct hsm_module *_Atomic first;
    bool told; /* at_exit() will be called */
    atomic_bool exiting;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * Runs before the exit handlers that are older than the first vendor's module: from here on its static
 * destructors may have run, and a call into it would crash (SoftHSM does, when libcrypto's exit handler
 * closes sessions). So every session is declared gone. Nothing else happens here, and nothing is freed.
 */
static void at_exit(void)
{
    atomic_store(&registry.exiting, true);
    for (struct hsm_module *module = registry.first; module != NULL; module = module->next) {
        atomic_store(&module->functions, NULL);
        atomic_fetch_add(&module->generation, 1);
    }
}

static struct hsm_module *module_new(const char *path)
{
    struct hsm_module *module = aligned_alloc(_Alignof(struct hsm_module), sizeof *module);

    if (module == NULL) {
        return NULL;
    }
    memset(module, 0, sizeof *module);
    module->path = strdup(path);
    if (module->path == NULL) {
        free(module);
        return NULL;
    }
    hsm_turn_init(&module->turn);
    return module;
}

static struct hsm_module *module_of_locked(const char *path)
{
    struct hsm_module *module = registry.first;

    while (module != NULL && strcmp(module->path, path) != 0) {
        module = module->next;
    }
    if (module == NULL) {
        module = module_new(path);
        if (module != NULL) {
            module->next = registry.first;
            registry.first = module;
        }
    }
    return module;
}

CK_RV hsm_module_enter(const char *path, bool finalize, struct hsm_watch *watch,
                       struct hsm_module **ret_module)
{
    pthread_mutex_lock(&registry.lock);
    struct hsm_module *module = module_of_locked(path);

    if (module != NULL) {
        module->stays = (module->users != 0 && module->stays) || !finalize;
        module->users++;
        watch->next = module->watches;
        module->watches = watch;
        *ret_module = module;
    }
    pthread_mutex_unlock(&registry.lock);
    return module == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

/* Our own table, by a path that leads back here, would have us wait for ourselves. */
static bool is_ourselves(const CK_FUNCTION_LIST *functions)
{
    Dl_info theirs, ours;

    return dladdr((void *)functions->C_Initialize, &theirs) != 0 && dladdr(&registry, &ours) != 0 &&
           theirs.dli_fbase == ours.dli_fbase;
}

static void complain(struct hsm_module *module, const char *about, const char *what, const char *cause)
{
    if (!module->complained) {
        module->complained = true;
        log_error(about,
                  "the HSM's library %s %s: %s; check `module-path`, and that library's own "
                  "configuration and permissions",
                  module->path, what, cause == NULL ? "no reason given" : cause);
    }
}

static bool load(struct hsm_module *module, const char *about)
{
    CK_FUNCTION_LIST *raw = p11_kit_module_load(module->path, P11_KIT_MODULE_UNMANAGED);

    if (raw == NULL) {
        complain(module, about, "does not load", p11_kit_message());
        return false;
    }
    if (is_ourselves(raw)) {
        complain(module, about, "does not serve", "it is this very module");
        return false;
    }
    module->managed = p11_kit_module_load(module->path, 0);
    if (module->managed == raw) {
        module->managed = NULL;
    }
    module->raw = raw;
    module->table_3_0 = hsm_interface_3_0(raw);
    return true;
}

/*
 * p11-kit counts initialisations only through its managed table, and only there promises the module a process
 * with threads: for an unmanaged one it calls C_Initialize(NULL), upon which SoftHSM does without locks.
 * Where it has none for us, or already counts us, that promise is ours to make.
 */
static CK_RV initialize(struct hsm_module *module)
{
    CK_C_INITIALIZE_ARGS threads = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv;

    if (module->managed != NULL && !module->counted) {
        rv = p11_kit_module_initialize(module->managed);
        module->counted = rv == CKR_OK;
    } else {
        rv = module->raw->C_Initialize(&threads);
        module->ours = module->ours || rv == CKR_OK;
    }
    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

/*
 * Whoever initialised it, ours alone is undone:
 * p11-kit counts, and knows of an application that came first.
 */
static void end_life(struct hsm_module *module)
{
    if (module->counted) {
        p11_kit_module_finalize(module->managed);
    }
    if (module->ours) {
        module->raw->C_Finalize(NULL);
    }
    module->counted = false;
    module->ours = false;
}

static void tell_at_exit(void)
{
    pthread_mutex_lock(&registry.lock);
    registry.told = registry.told || atexit(at_exit) == 0;
    pthread_mutex_unlock(&registry.lock);
}

static void begin_life(struct hsm_module *module, const char *about)
{
    CK_RV rv = initialize(module);

    if (rv != CKR_OK) {
        complain(module, about, "does not initialise", p11_kit_strerror(rv));
        return;
    }
    tell_at_exit();
    module->complained = false;
    module->born = clock_now();
    if (!atomic_load(&registry.exiting)) {
        atomic_store(&module->functions, module->raw);
    }
}

const CK_FUNCTION_LIST *hsm_module_ready(struct hsm_module *module, const char *about)
{
    const CK_FUNCTION_LIST *functions = atomic_load_explicit(&module->functions, memory_order_acquire);

    if (functions != NULL || atomic_load(&registry.exiting) || !hsm_turn_take(&module->turn)) {
        return functions;
    }
    if (atomic_load(&module->functions) == NULL && (module->raw != NULL || load(module, about))) {
        begin_life(module, about);
    }
    functions = atomic_load(&module->functions);
    hsm_turn_give(&module->turn);
    return functions;
}

void hsm_module_revive(struct hsm_module *module, unsigned generation, const char *about)
{
    if (atomic_load(&registry.exiting) || !hsm_turn_take(&module->turn)) {
        return;
    }
    if (atomic_load(&module->generation) == generation) {
        log_warning(about,
                    "somebody else in this process has finalised %s, and so closed our sessions there; "
                    "initialising it again",
                    module->path);
        atomic_store(&module->functions, NULL);
        atomic_fetch_add(&module->generation, 1);
        begin_life(module, about);
    }
    hsm_turn_give(&module->turn);
}

/* The pointer is written before the count is read: see hsm_held.c. */
static bool restart_in_turn(struct hsm_module *module, const char *about)
{
    CK_FUNCTION_LIST *functions = atomic_exchange(&module->functions, NULL);

    if (functions == NULL || clock_now() - module->born < LIFE_BEFORE_RESTART ||
        hsm_module_holds_session(module)) {
        atomic_store(&module->functions, functions);
        return false;
    }
    log_debug(about, "starting %s again, to have it look for its tokens", module->path);
    atomic_fetch_add(&module->generation, 1);
    end_life(module);
    begin_life(module, about);
    return true;
}

bool hsm_module_restart(struct hsm_module *module, const char *about)
{
    if (atomic_load(&registry.exiting) || !hsm_turn_take(&module->turn)) {
        return false;
    }
    bool done = restart_in_turn(module, about);

    hsm_turn_give(&module->turn);
    return done;
}

static bool leave_locked(struct hsm_module *module, struct hsm_watch *watch)
{
    struct hsm_watch **at = &module->watches;

    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    module->users--;
    return module->users == 0 && !module->stays;
}

void hsm_module_leave(struct hsm_module *module, struct hsm_watch *watch)
{
    pthread_mutex_lock(&registry.lock);
    bool last = leave_locked(module, watch);

    pthread_mutex_unlock(&registry.lock);
    if (!last || atomic_load(&registry.exiting) || !hsm_turn_take(&module->turn)) {
        return;
    }
    if (atomic_exchange(&module->functions, NULL) != NULL) {
        atomic_fetch_add(&module->generation, 1);
        end_life(module);
    }
    hsm_turn_give(&module->turn);
}

/* A token that is not there may be what came: only a look can tell. */
static void tell_watches(struct hsm_module *module, CK_SLOT_ID slot)
{
    pthread_mutex_lock(&registry.lock);
    for (struct hsm_watch *watch = module->watches; watch != NULL; watch = watch->next) {
        CK_SLOT_ID theirs = atomic_load(&watch->slot);

        if (theirs == slot || theirs == HSM_SLOT_ABSENT) {
            atomic_store(&watch->happened, true);
        }
    }
    pthread_mutex_unlock(&registry.lock);
}

void hsm_module_collect_events(struct hsm_module *module)
{
    const CK_FUNCTION_LIST *functions = atomic_load(&module->functions);
    struct hsm_inside mark;
    CK_SLOT_ID slot;

    if (functions == NULL || functions->C_WaitForSlotEvent == NULL || !hsm_inside_begin(&mark, module)) {
        return;
    }
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        if (functions->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) != CKR_OK) {
            break;
        }
        tell_watches(module, slot);
    }
    hsm_inside_end(&mark);
}

void hsm_module_lock(void)
{
    pthread_mutex_lock(&registry.lock);
}

void hsm_module_unlock(void)
{
    pthread_mutex_unlock(&registry.lock);
}

/* p11-kit notices the fork itself and initialises again; the vendor's code stays where it was loaded. */
void hsm_module_after_fork(void)
{
    pthread_mutex_init(&registry.lock, NULL);
    for (struct hsm_module *module = registry.first; module != NULL; module = module->next) {
        hsm_turn_init(&module->turn);
        hsm_login_after_fork(module);
        atomic_store(&module->functions, NULL);
        atomic_fetch_add(&module->generation, 1);
        module->counted = false;
        module->ours = false;
        module->complained = false;
        module->watches = NULL;
        module->users = 0;
    }
}
