/*
 * hammer [soft|module] [SECONDS [SEED]]: two soft tokens over key services in memory, or the two tokens of
 * the built module under tests/with-tokens; half the time one thread, half the time eight. Speaks TAP.
 */
#include "tests/hammer/hammer.h"
#include "pkcs11/session.h"
#include "pkcs11/soft/token.h"
#include "tests/built_module.h"
#include "tests/fake_key_service.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_BETWEEN_WORK = 40, LAST_TURNS = 3 };

struct world world;
static int64_t ends;

uint64_t roll(struct storm *storm)
{
    uint64_t x = storm->random += 0x9e3779b97f4a7c15u; /* splitmix64 */

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void fail(const struct storm *storm, const char *format, ...)
{
    va_list arguments;

    flockfile(stdout);
    printf("# seed %" PRIu64 ", thread %u of %u, turn %u, %s: ", storm->seed, storm->thread, world.threads,
           storm->turn, storm->call);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nBail out!\n");
    fflush(stdout);
    _exit(1);
}

/* --- Two soft tokens, in slots that no configuration names --- */

static struct slots *soft_slots;
static struct settings_file *soft_settings;

static CK_RV open_soft(struct target *target, CK_FLAGS flags, CK_SESSION_HANDLE *ret_session)
{
    return session_open(target->arg, flags, NULL, NULL, ret_session);
}

static bool read_sections(void)
{
    static const char *const words[] = {"fake", NULL};
    static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = words}};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"fake", soft_token_options, soft_token_option_count}};
    const struct setting_group global = {NULL, NULL, 0};
    char path[] = "/tmp/byok-hammer.XXXXXX", reserved[64];
    int fd = mkstemp(path);
    bool read;

    if (fd < 0) {
        return false;
    }
    dprintf(fd,
            "token \"a\" {\n    backend = fake\n}\ntoken \"b\" {\n    backend = fake\n    wrap = local\n}\n");
    close(fd);
    snprintf(reserved, sizeof reserved, "config=%s", path);
    read = settings_read(reserved, &global, groups, 2, &soft_settings) == CKR_OK;
    unlink(path);
    return read;
}

static bool begin_soft(void)
{
    static const char *const names[] = {"a", "b"};

    soft_slots = calloc(1, sizeof *soft_slots + TOKENS * sizeof(struct slot));
    if (soft_slots == NULL || C_GetFunctionList(&world.p11) != CKR_OK ||
        setenv("HOME", "/nonexistent", 1) != 0 || unsetenv("BYOK_PKCS11_CONF") != 0 ||
        C_Initialize(NULL) != CKR_OK || !read_sections()) {
        return false;
    }
    soft_slots->users = 1;
    soft_slots->count = TOKENS;
    for (unsigned i = 0; i < TOKENS; i++) {
        struct key_service *fake = fake_key_service_new();
        struct slot *slot = &soft_slots->slot[i];

        fake_add(fake, "kek", 2048);
        fake_configure(fake, "kek");
        slot->home = soft_slots;
        slot->id = 100 + i; /* C_GetTokenInfo answers CKR_SLOT_ID_INVALID */
        slot->label = names[i];
        if (soft_token_open(fake, settings_section(soft_settings, i), i, &slot->token) != CKR_OK) {
            return false;
        }
        world.targets[i] =
            (struct target){.name = names[i], .open = open_soft, .arg = slot, .slot = slot->id};
    }
    return true;
}

static void end_soft(void)
{
    for (unsigned i = 0; i < TOKENS; i++) {
        sessions_close_of_slot(&soft_slots->slot[i]);
        soft_slots->slot[i].token->ops->close(soft_slots->slot[i].token);
    }
    C_Finalize(NULL);
    settings_free(soft_settings);
    free(soft_slots);
}

/* --- The built module --- */

static CK_RV open_module(struct target *target, CK_FLAGS flags, CK_SESSION_HANDLE *ret_session)
{
    return world.p11->C_OpenSession(target->slot, flags, NULL, NULL, ret_session);
}

static bool begin_module(void)
{
    world.p11 = module_functions();
    world.targets[0] = (struct target){.name = "hsm", .open = open_module, .slot = 0, .tame = true};
    world.targets[1] = (struct target){.name = "vault", .open = open_module, .slot = 1};
    return world.p11 != NULL && world.p11->C_Initialize(NULL) == CKR_OK;
}

static void end_module(void)
{
    world.p11->C_Finalize(NULL);
}

/* --- Storms --- */

static CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    if (world.p11->C_FindObjectsInit(session, template, 2) != CKR_OK ||
        world.p11->C_FindObjects(session, &found, 1, &count) != CKR_OK || count != 1) {
        return 0;
    }
    world.p11->C_FindObjectsFinal(session);
    return found;
}

static bool find_keks(void)
{
    for (unsigned i = 0; i < TOKENS; i++) {
        struct target *target = &world.targets[i];
        CK_SESSION_HANDLE session;

        if (target->open(target, CKF_SERIAL_SESSION, &session) != CKR_OK) {
            return false;
        }
        target->public_kek = kek(session, CKO_PUBLIC_KEY);
        target->private_kek = kek(session, CKO_PRIVATE_KEY);
        atomic_store(&target->sessions[0], session); /* one stays, so the HSM stays logged in */
        if (target->public_kek == 0 || target->private_kek == 0) {
            return false;
        }
    }
    return true;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *blow(void *arg)
{
    struct storm *storm = arg;

    for (; now_ms() < ends; storm->turn++) {
        if (storm->turn % CALLS_BETWEEN_WORK == 0) {
            honest_work(storm, &world.targets[pick(storm, TOKENS)]);
        }
        random_call(storm);
    }
    return NULL;
}

static void storms(int number, unsigned threads, int64_t milliseconds, uint64_t seed)
{
    struct storm storm[THREADS];
    pthread_t thread[THREADS];
    unsigned turns = 0;

    world.threads = threads;
    ends = now_ms() + milliseconds;
    for (unsigned i = 0; i < threads; i++) {
        storm[i] = (struct storm){seed, seed + i * 0x1000193u, i, 0, ""};
        pthread_create(&thread[i], NULL, blow, &storm[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        turns += storm[i].turn;
    }
    world.threads = 1;
    for (unsigned i = 0; i < LAST_TURNS * TOKENS; i++) {
        honest_work(&storm[0], &world.targets[i % TOKENS]);
    }
    printf("ok %d - %u thread%s, %u random calls\n", number, threads, threads == 1 ? "" : "s", turns);
    fflush(stdout);
}

int main(int count, char **words)
{
    bool module = count > 1 && strcmp(words[1], "module") == 0;
    int64_t milliseconds = (count > 2 ? strtoll(words[2], NULL, 10) : 6) * 1000;
    uint64_t seed =
        count > 3 ? strtoull(words[3], NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;

    printf("1..2\n# seed %" PRIu64 "\n", seed);
    fflush(stdout);
    if (!(module ? begin_module() : begin_soft()) || !find_keks()) {
        printf("Bail out! There are no tokens.\n");
        return 1;
    }
    storms(1, 1, milliseconds / 2, seed);
    storms(2, THREADS, milliseconds / 2, seed);
    (module ? end_module : end_soft)();
    let_threads_end();
    return 0;
}
