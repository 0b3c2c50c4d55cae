/*
 * Some thousand random calls, each made twice: of SoftHSM itself, and of a copy of it through the module. Every
 * result, handle, byte and attribute is the same. What differs, and is meant to:
 *
 *   - session handles, slot numbers, the token's label;
 *   - a call with two faults may name the other: of slots and sessions ours are found first;
 *   - mechanisms that are composed (CKM_RSA_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP), which are not asked for here;
 *   - sessions that SoftHSM counts in CK_TOKEN_INFO, which are of all applications.
 *
 * $BYOK_TEST_SEED names one seed instead of those of every day. SoftHSM itself crashes now and then: the calls
 * of a seed are made in a process of their own, which says what it was in the middle of.
 */
#include "pkcs11/function_list.h"
#include "tests/backends/hsm/differential.h"
#include "tests/backends/hsm/softhsm_bench.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 10, CALLS = 500, CALLS_LEAST = 2500, FIRST_SEED = 20 };

/* What the process of a seed leaves behind. */
static struct progress {
    unsigned compared, agreed_ok;
    bool in_softhsm; /* in a call that we have no part in */
    char last[64];
} * progress;

static struct side sides[SIDES];
static char copied[PATH_MAX];
static struct call call;
static struct answer answers[SIDES];

/* Handles are the same on both sides. */
static struct {
    CK_OBJECT_HANDLE handle[OBJECTS];
    unsigned count;
    CK_OBJECT_HANDLE random[OBJECTS]; /* values that differ: used for nothing that gives their bytes away */
    unsigned random_count;
} objects;

static CK_FUNCTION_LIST *load(const char *path)
{
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(3);
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    return get(&functions) == CKR_OK ? functions : NULL;
}

static void demand(bool true_one, const char *what)
{
    if (!true_one) {
        fprintf(stderr, "set-up: %s\n", what);
        _exit(3);
    }
}

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
    char command[PATH_MAX * 3];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    demand(system(command) == 0, command);
}

/* A copy of the token, which is SoftHSM's from now on. */
static void use_copy(const char *name)
{
    const char *folder = softhsm_folder();

    shell("cd '%s' && rm -rf %s && mkdir %s && cp -r tokens %s/", folder, name, name, name);
    shell("cd '%s' && sed 's|%s|&/%s|' softhsm2.conf >%s/softhsm2.conf", folder, folder, name, name);
    snprintf(copied, sizeof copied, "%s/%s/softhsm2.conf", folder, name);
    setenv("SOFTHSM2_CONF", copied, 1);
}

/* SoftHSM itself over one copy of the token; and a copy of the library, through us, over another. */
static void open_sides(void)
{
    static char configuration[PATH_MAX + 8];
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;

    use_copy("one");
    sides[0].functions = load(softhsm_library());
    demand(sides[0].functions->C_Initialize(&arguments) == CKR_OK, "SoftHSM");
    demand(sides[0].functions->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK, "slots");
    sides[0].slot = slots[0];
    use_copy("two");
    shell("cp '%s' '%s/two/softhsm.so'", softhsm_library(), softhsm_folder());
    bench_write("byok.conf",
                "token \"twin\" {\n    backend = hsm\n    uri = \"pkcs11:token=hsm?module-path=%s\"\n}\n",
                bench_path("two/softhsm.so"));
    snprintf(configuration, sizeof configuration, "config=%s", bench_path("byok.conf"));
    arguments.pReserved = configuration;
    demand(C_Initialize(&arguments) == CKR_OK, "C_Initialize");
    demand(C_GetFunctionList(&sides[1].functions) == CKR_OK, "C_GetFunctionList");
}

/* The order in which SoftHSM numbers the objects of a token is that of its pointers: none are left. */
static void empty_tokens(void)
{
    for (int i = 0; i < SIDES; i++) {
        CK_FUNCTION_LIST *functions = sides[i].functions;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE found[16];
        CK_ULONG count = 0;

        demand(functions->C_OpenSession(sides[i].slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                        &session) == CKR_OK,
               "session");
        demand(functions->C_Login(session, CKU_USER, (CK_BYTE *)(uintptr_t)differential_pin,
                                  strlen(differential_pin)) == CKR_OK,
               "login");
        demand(functions->C_FindObjectsInit(session, NULL, 0) == CKR_OK, "find");
        demand(functions->C_FindObjects(session, found, 16, &count) == CKR_OK, "find");
        functions->C_FindObjectsFinal(session);
        for (CK_ULONG at = 0; at < count; at++) {
            functions->C_DestroyObject(session, found[at]);
        }
        functions->C_CloseSession(session);
    }
}

static void forget(CK_OBJECT_HANDLE *list, unsigned *count, CK_OBJECT_HANDLE object)
{
    for (unsigned i = 0; i < *count; i++) {
        if (list[i] == object) {
            list[i] = list[--*count];
            return;
        }
    }
}

static bool is_random(CK_OBJECT_HANDLE object)
{
    for (unsigned i = 0; i < objects.random_count; i++) {
        if (objects.random[i] == object) {
            return true;
        }
    }
    return false;
}

static void keep(CK_OBJECT_HANDLE *list, unsigned *count, CK_OBJECT_HANDLE object)
{
    if (*count == OBJECTS) {
        list[0] = list[--*count];
    }
    list[(*count)++] = object;
}

/* What a call that both sides granted has changed. */
static void take_effect(void)
{
    switch (call.operation->effect) {
    case OPENS:
        for (int i = 0; i < SIDES; i++) {
            sides[i].session[call.session] = answers[i].opened;
        }
        break;
    case MAKES_OBJECT:
        keep(objects.handle, &objects.count, answers[0].object);
        break;
    case MAKES_COPY:
        if (!is_random(call.object)) {
            keep(objects.handle, &objects.count, answers[0].object);
        }
        break;
    case MAKES_RANDOM_PAIR:
        keep(objects.random, &objects.random_count, answers[0].second);
        __attribute__((fallthrough));
    case MAKES_RANDOM_OBJECT:
        keep(objects.random, &objects.random_count, answers[0].object);
        break;
    case DESTROYS:
        forget(objects.handle, &objects.count, call.object);
        forget(objects.random, &objects.random_count, call.object);
        break;
    default:
        break;
    }
}

static void differ(uint64_t seed, unsigned at, const char *what)
{
    fprintf(stderr,
            "seed %llu, call %u: C_%s, mechanism 0x%lx, object %lu: %s differs (SoftHSM 0x%lx, through the "
            "module 0x%lx)\n",
            (unsigned long long)seed, at, call.operation->name, call.mechanism.mechanism, call.object, what,
            answers[0].rv, answers[1].rv);
    _exit(1);
}

static int by_number(const void *one, const void *two)
{
    CK_OBJECT_HANDLE a = *(const CK_OBJECT_HANDLE *)one, b = *(const CK_OBJECT_HANDLE *)two;

    return a < b ? -1 : a > b;
}

/* What is meant to differ. */
static void level(struct answer *answer)
{
    qsort(answer->found, 64, sizeof answer->found[0], by_number);
    answer->opened = 0;
    answer->session_info.slotID = 0;
    memset(answer->token_info.label, 0, sizeof answer->token_info.label);
    /* the time, and what the compiler has put behind it */
    memset(answer->token_info.utcTime, 0, sizeof answer->token_info - offsetof(CK_TOKEN_INFO, utcTime));
    for (CK_ULONG i = 0; i < ATTRIBUTES; i++) {
        answer->template[i].pValue = NULL;
    }
}

static const char *difference(void)
{
    struct answer *one = &answers[0], *two = &answers[1];

    if (one->rv != two->rv) {
        return "the result";
    }
    level(one);
    level(two);
    if (one->object != two->object || one->second != two->second ||
        memcmp(one->found, two->found, sizeof one->found) != 0) {
        return "a handle";
    }
    if (one->out_size != two->out_size) {
        return "a size";
    }
    if (!call.operation->random_out && memcmp(one->out, two->out, OUT_ROOM) != 0) {
        return "the output";
    }
    if (memcmp(one->template, two->template, sizeof one->template) != 0 ||
        (!is_random(call.object) && memcmp(one->value, two->value, sizeof one->value) != 0)) {
        return "an attribute";
    }
    return memcmp(&one->session_info, &two->session_info, sizeof one->session_info) != 0 ? "CK_SESSION_INFO"
           : memcmp(&one->token_info, &two->token_info, sizeof one->token_info) != 0     ? "CK_TOKEN_INFO"
           : memcmp(&one->mechanism_info, &two->mechanism_info, sizeof one->mechanism_info)
               ? "CK_MECHANISM_INFO"
               : NULL;
}

static void make_call(uint64_t seed, unsigned at)
{
    snprintf(progress->last, sizeof progress->last, "%u: C_%s", at, call.operation->name);
    for (int i = 0; i < SIDES; i++) {
        memset(&answers[i], 0, sizeof answers[i]);
        answers[i].out_size = call.room;
        progress->in_softhsm = i == 0;
        answers[i].rv = call.operation->run(&sides[i], &call, &answers[i]);
    }
    progress->in_softhsm = false;
    if (answers[0].rv == CKR_OK && answers[1].rv == CKR_OK) {
        take_effect();
    }
    const char *what = difference();

    if (what != NULL) {
        differ(seed, at, what);
    }
    progress->compared++;
    progress->agreed_ok += answers[0].rv == CKR_OK;
}

static void run_seed(uint64_t seed)
{
    struct dice dice = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

    open_sides();
    empty_tokens();
    for (unsigned at = 0; at < CALLS; at++) {
        call_throw(&dice, objects.handle, objects.count, &call);
        make_call(seed, at);
    }
    _exit(0);
}

/* False: the module differs. */
static bool seed_agrees(uint64_t seed)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        run_seed(seed);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    if (progress->in_softhsm && !(WIFEXITED(status) && WEXITSTATUS(status) < 5)) {
        print_message("# seed %llu: SoftHSM itself ended in call %s\n", (unsigned long long)seed,
                      progress->last);
        return true;
    }
    print_message("# seed %llu: ended in call %s with status 0x%x\n", (unsigned long long)seed,
                  progress->last, status);
    return false;
}

static void test_random_calls_agree(void **state)
{
    const char *chosen = getenv("BYOK_TEST_SEED");

    (void)state;
    if (chosen != NULL) {
        assert_true(seed_agrees(strtoull(chosen, NULL, 10)));
        return;
    }
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        assert_true(seed_agrees(seed));
    }
    print_message("# %u calls compared, %u of them granted\n", progress->compared, progress->agreed_ok);
    assert_true(progress->compared >= CALLS_LEAST);
    assert_true(progress->agreed_ok >= progress->compared / 10);
}

static int make(void **state)
{
    static char pin[64];

    if (softhsm_make(state) != 0) {
        return -1;
    }
    softhsm_read_line("pin", pin, sizeof pin);
    differential_pin = pin;
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return progress == MAP_FAILED ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_calls_agree)};

    return cmocka_run_group_tests(tests, make, softhsm_remove);
}
