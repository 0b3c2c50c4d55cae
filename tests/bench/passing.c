/*
 * Goal 1: what the HSM token adds to the vendor's module. The same calls are made of that module itself, through
 * ours and through p11-kit-proxy, in turn, in one process.
 */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/softhsm.h"
#include "tests/bench/world.h"
#include <dlfcn.h>
#include <p11-kit/p11-kit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    WAYS = 3,
    DIRECT = 0,
    OURS,
    PROXY,
    CALLS = 200000,
    OPENS = 20000,
    SCALING = 300,
    ROUNDS = 15,
    SHORT_ROUNDS = 60, /* of a few milliseconds each: what disturbs one disturbs its neighbours as much */
    MOST_THREADS = 2
};

/* Of one thread, by one way. */
struct caller {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE wrapping, unwrapping, data_key;
    CK_BYTE blob[BLOB_SIZE];
};

static struct caller callers[WAYS][MOST_THREADS];

static bool open_way(unsigned way, const char *path, const char *label, unsigned threads)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_FUNCTION_LIST *functions = beside_load(path);
    CK_RV rv = functions == NULL ? CKR_GENERAL_ERROR : functions->C_Initialize(&arguments);
    CK_SLOT_ID slot;

    if (rv != CKR_CRYPTOKI_ALREADY_INITIALIZED && !client_expect(rv, "C_Initialize")) {
        return false;
    }
    if (!beside_slot(functions, label, &slot)) {
        return false;
    }
    for (unsigned i = 0; i < threads; i++) {
        struct caller *caller = &callers[way][i];

        caller->functions = functions;
        caller->slot = slot;
        if (!client_expect(functions->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                                    &caller->session),
                           "C_OpenSession")) {
            return false;
        }
    }
    return true;
}

/*
 * A p11-kit that knows this module alone: that of this machine is neither read nor changed. To root p11-kit gives
 * no configuration but the machine's; so its own tests' door is used.
 */
static bool configure_p11_kit(const char *module)
{
    static char folder[512], none[512];
    void (*override)(const char *system_file, const char *user_file, const char *package_modules,
                     const char *system_modules, const char *user_modules) = NULL;
    char path[600];
    FILE *file;

    *(void **)&override = dlsym(RTLD_DEFAULT, "p11_kit_override_system_files");
    snprintf(folder, sizeof folder, "%s/p11-kit", world.dir);
    snprintf(none, sizeof none, "%s/nothing-here", world.dir);
    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/below.module", folder);
    file = fopen(path, "w");
    if (override == NULL || file == NULL) {
        return false;
    }
    fprintf(file, "module: %s\n", module);
    override(none, none, none, folder, none);
    return fclose(file) == 0;
}

/* Debian has it beside libp11-kit. */
static const char *proxy_path(void)
{
    static char path[512];
    Dl_info info;

    if (dladdr((void *)p11_kit_strerror, &info) == 0) {
        return NULL;
    }
    snprintf(path, sizeof path, "%.*s/p11-kit-proxy.so", (int)(strrchr(info.dli_fname, '/') - info.dli_fname),
             info.dli_fname);
    return path;
}

static bool open_ways(const char *module, const char *label_below, const char *label, unsigned threads)
{
    return configure_p11_kit(module) && open_way(DIRECT, module, label_below, threads) &&
           open_way(OURS, getenv("MODULE"), label, threads) &&
           open_way(PROXY, proxy_path(), label_below, threads);
}

static bool call_cheaply(void *arg, unsigned count)
{
    const struct caller *caller = arg;
    CK_BYTE byte = 0;

    for (unsigned i = 0; i < count; i++) {
        if (caller->functions->C_DigestUpdate(caller->session, &byte, 1) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool open_and_close(void *arg, unsigned count)
{
    const struct caller *caller = arg;
    CK_SESSION_HANDLE session;

    for (unsigned i = 0; i < count; i++) {
        if (caller->functions->C_OpenSession(caller->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) !=
                CKR_OK ||
            caller->functions->C_CloseSession(session) != CKR_OK) {
            return false;
        }
    }
    return true;
}

/* A ratio of two ways' times, both of the same round; its median. */
struct ratio {
    double value, noise;
};

/* Seconds of CPU for one, by each way; the medians. */
struct ways {
    double seconds[WAYS];
    double added[WAYS];           /* over the direct way */
    struct ratio of_direct[WAYS]; /* of the direct way's */
    struct ratio proxy_of_ours;
};

static double time_way(unsigned way, bool (*run)(void *arg, unsigned count), unsigned threads, unsigned count)
{
    void *args[MOST_THREADS];

    for (unsigned i = 0; i < threads; i++) {
        args[i] = &callers[way][i];
    }
    double began = cpu_now();

    return measure_crowd(threads, run, args, count) < 0 ? -1 : (cpu_now() - began) / (threads * count);
}

static struct ratio ratio_of(double seconds[WAYS][MOST_ROUNDS], unsigned way, unsigned other, unsigned rounds)
{
    double ratios[MOST_ROUNDS];

    for (unsigned i = 0; i < rounds; i++) {
        ratios[i] = seconds[way][i] / seconds[other][i];
    }
    return (struct ratio){median(ratios, rounds), median_noise(ratios, rounds)};
}

static void read_ways(double seconds[WAYS][MOST_ROUNDS], unsigned rounds, struct ways *ret_ways)
{
    double added[MOST_ROUNDS];

    for (unsigned way = 0; way < WAYS; way++) {
        for (unsigned i = 0; i < rounds; i++) {
            added[i] = seconds[way][i] - seconds[DIRECT][i];
        }
        ret_ways->added[way] = median(added, rounds);
        ret_ways->of_direct[way] = ratio_of(seconds, way, DIRECT, rounds);
    }
    ret_ways->proxy_of_ours = ratio_of(seconds, PROXY, OURS, rounds);
    for (unsigned way = 0; way < WAYS; way++) {
        ret_ways->seconds[way] = median(seconds[way], rounds); /* which sorts them */
    }
}

/* Each round begins with another way. */
static bool measure_ways(bool (*run)(void *arg, unsigned count), unsigned threads, unsigned rounds,
                         unsigned count, struct ways *ret_ways)
{
    double seconds[WAYS][MOST_ROUNDS];

    for (unsigned i = 0; i < rounds * WAYS; i++) {
        unsigned round = i / WAYS, way = (i + round) % WAYS;

        seconds[way][round] = time_way(way, run, threads, count);
        if (seconds[way][round] < 0) {
            return false;
        }
    }
    read_ways(seconds, rounds, ret_ways);
    return true;
}

bool passing_over_nothing(const struct trial *trial, struct outcome *ret_outcome)
{
    char module[512], configuration[512];
    struct ways call, open;
    FILE *file;

    snprintf(module, sizeof module, "%s/tests/pkcs11/.libs/fake_module.so", world.builddir);
    snprintf(configuration, sizeof configuration, "%s/passing.conf", world.dir);
    file = fopen(configuration, "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file,
            "token \"nothing\" {\n    backend = hsm\n    uri = \"pkcs11:token=fake-0?module-path=%s\"\n}\n",
            module);
    fclose(file);
    setenv("BYOK_PKCS11_CONF", configuration, 1);
    if (!open_ways(module, "fake-0", "nothing", trial->threads) ||
        !measure_ways(call_cheaply, trial->threads, times(ROUNDS), times(CALLS), &call) ||
        !measure_ways(open_and_close, trial->threads, times(ROUNDS), times(OPENS), &open)) {
        return false;
    }
    ret_outcome->values[0] = call.added[OURS] * 1e9;
    ret_outcome->values[1] = call.added[PROXY] / call.added[OURS];
    ret_outcome->values[2] = open.added[OURS] * 1e9;
    ret_outcome->values[3] = open.added[PROXY] / open.added[OURS];
    note(ret_outcome, "a call %.1f ns; ours adds %.1f, p11-kit-proxy %.1f; open + close %.0f, %.0f, %.0f",
         call.seconds[DIRECT] * 1e9, call.added[OURS] * 1e9, call.added[PROXY] * 1e9,
         open.seconds[DIRECT] * 1e9, open.added[OURS] * 1e9, open.added[PROXY] * 1e9);
    return true;
}

/* --- SoftHSM --- */

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static bool find_kek(const struct caller *caller, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_ULONG count = 0;

    return client_expect(caller->functions->C_FindObjectsInit(caller->session, template, 2),
                         "C_FindObjectsInit") &&
           client_expect(caller->functions->C_FindObjects(caller->session, ret_key, 1, &count),
                         "C_FindObjects") &&
           client_expect(caller->functions->C_FindObjectsFinal(caller->session), "C_FindObjectsFinal") &&
           count == 1;
}

static bool wrap(void *arg, unsigned count)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < count; i++) {
        CK_ULONG size = sizeof caller->blob;

        if (caller->functions->C_WrapKey(caller->session, &oaep, caller->wrapping, caller->data_key,
                                         caller->blob, &size) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool unwrap(void *arg, unsigned count)
{
    struct caller *caller = arg;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &no, sizeof no}};

    for (unsigned i = 0; i < count; i++) {
        CK_OBJECT_HANDLE key;

        if (caller->functions->C_UnwrapKey(caller->session, &oaep, caller->unwrapping, caller->blob,
                                           sizeof caller->blob, template, 3, &key) != CKR_OK ||
            caller->functions->C_DestroyObject(caller->session, key) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool prepare(struct caller *caller)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE made[] = {{CKA_TOKEN, &no, sizeof no},
                           {CKA_EXTRACTABLE, &yes, sizeof yes},
                           {CKA_VALUE_LEN, &size, sizeof size}};

    return client_expect(
               caller->functions->C_GenerateKey(caller->session, &generate, made, 3, &caller->data_key),
               "C_GenerateKey") &&
           find_kek(caller, CKO_PUBLIC_KEY, &caller->wrapping) &&
           find_kek(caller, CKO_PRIVATE_KEY, &caller->unwrapping) && wrap(caller, 1);
}

/* Ours has logged the process in. */
static bool prepare_all(unsigned threads)
{
    for (unsigned i = 0; i < threads * WAYS; i++) {
        if (!prepare(&callers[i % WAYS][i / WAYS])) {
            return false;
        }
    }
    return true;
}

static bool describe(void *arg, unsigned count)
{
    const struct caller *caller = arg;
    CK_SESSION_INFO info;

    for (unsigned i = 0; i < count; i++) {
        if (caller->functions->C_GetSessionInfo(caller->session, &info) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static void put(struct outcome *outcome, unsigned row, struct ratio ratio)
{
    outcome->values[row] = ratio.value;
    outcome->noise[row] = ratio.noise;
}

bool passing_over_softhsm(const struct trial *trial, struct outcome *ret_outcome)
{
    char module[512];
    struct ways wraps, unwraps, calls;

    if (!softhsm_path(module, sizeof module) || !open_ways(module, "hsm", "hsm", trial->threads) ||
        !prepare_all(trial->threads)) {
        return false;
    }
    if (!measure_ways(wrap, trial->threads, times(SHORT_ROUNDS), times(100), &wraps) ||
        !measure_ways(unwrap, trial->threads, times(SHORT_ROUNDS), times(10), &unwraps) ||
        !measure_ways(describe, trial->threads, times(SHORT_ROUNDS), times(OPENS / 4), &calls)) {
        return false;
    }
    put(ret_outcome, 0, wraps.of_direct[OURS]);
    put(ret_outcome, 1, unwraps.of_direct[OURS]);
    put(ret_outcome, 2, calls.proxy_of_ours);
    put(ret_outcome, 3, wraps.proxy_of_ours);
    put(ret_outcome, 4, unwraps.proxy_of_ours);
    note(
        ret_outcome,
        "wrap %.1f us, proxy %.3fx; unwrap %.0f us, proxy %.3fx; session info %.0f ns, ours %.0f, proxy %.0f",
        wraps.seconds[DIRECT] * 1e6, wraps.of_direct[PROXY].value, unwraps.seconds[DIRECT] * 1e6,
        unwraps.of_direct[PROXY].value, calls.seconds[DIRECT] * 1e9, calls.seconds[OURS] * 1e9,
        calls.seconds[PROXY] * 1e9);
    return true;
}

/* How many times as much so many threads do as one, by the clock. Below 0: one failed. */
static double scale(unsigned way, unsigned threads, unsigned count)
{
    void *args[MOST_THREADS];

    for (unsigned i = 0; i < threads; i++) {
        args[i] = &callers[way][i];
    }
    double one = measure_crowd(1, wrap, args, count), all = measure_crowd(threads, wrap, args, count);

    return one < 0 || all < 0 ? -1 : threads * one / all;
}

bool passing_scaling(const struct trial *trial, struct outcome *ret_outcome)
{
    char module[512];
    double ours[ROUNDS], below[ROUNDS], ratios[ROUNDS];
    unsigned rounds = times(ROUNDS);

    if (!softhsm_path(module, sizeof module) || !open_ways(module, "hsm", "hsm", trial->threads) ||
        !prepare_all(trial->threads)) {
        return false;
    }
    for (unsigned i = 0; i < rounds; i++) {
        ours[i] = scale(OURS, trial->threads, times(SCALING));
        below[i] = scale(DIRECT, trial->threads, times(SCALING));
        if (ours[i] < 0 || below[i] < 0) {
            return false;
        }
        ratios[i] = ours[i] / below[i];
    }
    put(ret_outcome, 0, (struct ratio){median(ratios, rounds), median_noise(ratios, rounds)});
    note(ret_outcome, "%u threads do %.2f times what one does, SoftHSM itself %.2f times", trial->threads,
         median(ours, rounds), median(below, rounds));
    return true;
}
