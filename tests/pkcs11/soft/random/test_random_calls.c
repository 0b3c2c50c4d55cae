/*
 * test_random_calls [CALLS]: so many for each thread. The seed is printed; RANDOM_SEED repeats it.
 */
#include "tests/fake_key_service.h"
#include "tests/pkcs11/soft/random/random.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_PER_THREAD = 30000, TIMEOUT = 50 };

uint64_t roll(struct caller *caller)
{
    uint64_t x = caller->random += 0x9e3779b97f4a7c15u; /* splitmix64 */

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void fail(const struct caller *caller, const char *format, ...)
{
    va_list arguments;

    flockfile(stdout);
    printf("# RANDOM_SEED=%" PRIu64 ", thread %u, turn %u, %s: ", caller->seed, caller->thread, caller->turn,
           caller->name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nBail out!\n");
    fflush(stdout);
    _exit(1);
}

static struct settings_file *settings;

static bool read_settings(void)
{
    static const char *const words[] = {"fake", NULL};
    static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = words}};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"fake", soft_token_options, soft_token_option_count}};
    const struct setting_group global = {NULL, NULL, 0};
    char path[] = "/tmp/byok-random.XXXXXX", reserved[64];
    int fd = mkstemp(path);
    bool read;

    if (fd < 0) {
        return false;
    }
    dprintf(fd, "token \"soft\" {\n    backend = fake\n    certificates = vault\n}\n");
    close(fd);
    snprintf(reserved, sizeof reserved, "config=%s", path);
    read = settings_read(reserved, &global, groups, 2, &settings) == CKR_OK;
    unlink(path);
    return read;
}

/* The one object of this class; NULL: whatever its label is. */
static bool find_one(struct world *world, CK_OBJECT_CLASS class, const char *name, CK_OBJECT_HANDLE *ret_key)
{
    const struct token_ops *ops = world->token->ops;
    struct token_session *session = world->sessions[0];
    char label[32];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 0}};
    CK_ULONG count = 0;

    snprintf(label, sizeof label, "%s", name == NULL ? "" : name);
    template[1].ulValueLen = strlen(label);
    return ops->find_objects_init(session, template, name == NULL ? 1 : 2) == CKR_OK &&
           ops->find_objects(session, ret_key, 1, &count) == CKR_OK &&
           ops->find_objects_final(session) == CKR_OK && count == 1;
}

static bool find_keys(struct world *world)
{
    return find_one(world, CKO_PUBLIC_KEY, "kek", &world->keys[0]) &&
           find_one(world, CKO_PRIVATE_KEY, "kek", &world->keys[1]) &&
           find_one(world, CKO_PUBLIC_KEY, "signer", &world->keys[2]) &&
           find_one(world, CKO_PRIVATE_KEY, "signer", &world->keys[3]) &&
           find_one(world, CKO_PROFILE, NULL, &world->keys[4]) &&
           find_one(world, CKO_CERTIFICATE, NULL, &world->keys[5]);
}

static bool begin(struct world *world)
{
    struct key_service *fake = fake_key_service_new();

    fake->timeout = TIMEOUT;
    fake_add(fake, "kek", 2048);
    fake_configure(fake, "kek");
    fake_add(fake, "signer", 256);
    fake_configure(fake, "signer");
    fake_certify(fake, "kek");
    if (!read_settings() ||
        soft_token_open(fake, settings_section(settings, 0), 3, &world->token) != CKR_OK) {
        return false;
    }
    for (int i = 0; i < SESSIONS; i++) {
        CK_FLAGS flags = CKF_SERIAL_SESSION | (i % 2 == 0 ? CKF_RW_SESSION : 0);

        if (world->token->ops->open_session(world->token, flags, NULL, NULL, &world->sessions[i]) != CKR_OK) {
            return false;
        }
    }
    world->mechanism_count = sizeof world->mechanisms / sizeof world->mechanisms[0];
    return find_keys(world) && world->token->ops->get_mechanism_list(world->token, world->mechanisms,
                                                                     &world->mechanism_count) == CKR_OK;
}

static void end(struct world *world)
{
    for (int i = 0; i < SESSIONS; i++) {
        world->token->ops->close_session(world->sessions[i]);
    }
    world->token->ops->close(world->token);
    settings_free(settings);
}

static unsigned calls = CALLS_PER_THREAD;

static void *call_away(void *arg)
{
    struct caller *caller = arg;
    const struct token_ops *ops = caller->world->token->ops;

    if (ops->open_session(caller->world->token, CKF_SERIAL_SESSION, NULL, NULL, &caller->own) != CKR_OK) {
        fail(caller, "no session");
    }
    for (caller->turn = 0; caller->turn < calls; caller->turn++) {
        random_call(caller);
    }
    ops->close_session(caller->own);
    return NULL;
}

static void run(int number, struct world *world, unsigned threads, uint64_t seed)
{
    struct caller callers[MOST_THREADS] = {{.thread = 0}};
    pthread_t thread[MOST_THREADS];

    for (unsigned i = 0; i < threads; i++) {
        callers[i] =
            (struct caller){.world = world, .seed = seed, .random = seed + i * 0x1000193u, .thread = i};
        pthread_create(&thread[i], NULL, call_away, &callers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    check_all_called(&callers[0]);
    printf("ok %d - %u thread%s, %u random calls\n", number, threads, threads == 1 ? "" : "s",
           threads * calls);
    fflush(stdout);
}

int main(int count, char **words)
{
    const char *given = getenv("RANDOM_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    struct world world = {.token = NULL};

    calls = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : calls;
    printf("1..2\n# RANDOM_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    if (!begin(&world)) {
        printf("Bail out! There is no token.\n");
        return 1;
    }
    run(1, &world, 1, seed);
    run(2, &world, MOST_THREADS, seed);
    end(&world);
    return 0;
}
