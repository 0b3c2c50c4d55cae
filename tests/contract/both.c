/*
 * Both tokens at once from several threads, as a server uses them; run under tests/with-tokens. The threads
 * judge nothing: each keeps the first code that was not CKR_OK, and where, for the test to look at.
 */
#include "tests/contract/across.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 12, BLOB_MOST = 512 };

static CK_FUNCTION_LIST *p11;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct worker {
    pthread_t thread;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public, private;
    const char *where; /* the call that failed first; NULL: none */
    CK_RV rv;
};

static bool went_well(struct worker *worker, CK_RV rv, const char *where)
{
    if (rv != CKR_OK && worker->where == NULL) {
        worker->where = where;
        worker->rv = rv;
    }
    return rv == CKR_OK;
}
#define OK(call) went_well(worker, p11->call, #call)

static bool find_kek(struct worker *worker, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_ULONG count = 0;

    return OK(C_FindObjectsInit(worker->session, template, 2)) &&
           OK(C_FindObjects(worker->session, ret_key, 1, &count)) &&
           OK(C_FindObjectsFinal(worker->session)) &&
           went_well(worker, count == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, "no kek");
}

static bool open_and_find(struct worker *worker)
{
    return OK(C_OpenSession(worker->slot, CKF_SERIAL_SESSION, NULL, NULL, &worker->session)) &&
           find_kek(worker, CKO_PUBLIC_KEY, &worker->public) &&
           find_kek(worker, CKO_PRIVATE_KEY, &worker->private);
}

static bool seal(struct worker *worker, CK_MECHANISM *oaep, CK_MECHANISM *gcm, CK_BYTE *blob,
                 CK_ULONG *blob_size, CK_BYTE *cipher, CK_ULONG *cipher_size)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, sizeof no},
                               {CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_ENCRYPT, &yes, sizeof yes},
                               {CKA_EXTRACTABLE, &yes, sizeof yes}};
    CK_BYTE plain[] = "what both must agree on";
    CK_OBJECT_HANDLE key;

    return OK(C_GenerateKey(worker->session, &generate, template, 4, &key)) &&
           OK(C_WrapKey(worker->session, oaep, worker->public, key, blob, blob_size)) &&
           OK(C_EncryptInit(worker->session, gcm, key)) &&
           OK(C_Encrypt(worker->session, plain, sizeof plain, cipher, cipher_size)) &&
           OK(C_DestroyObject(worker->session, key));
}

static bool open_sealed(struct worker *worker, CK_MECHANISM *oaep, CK_MECHANISM *gcm, CK_BYTE *blob,
                        CK_ULONG blob_size, CK_BYTE *cipher, CK_ULONG cipher_size)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &no, sizeof no},
                               {CKA_DECRYPT, &yes, sizeof yes}};
    CK_BYTE plain[64];
    CK_ULONG size = sizeof plain;
    CK_OBJECT_HANDLE key;

    return OK(C_UnwrapKey(worker->session, oaep, worker->private, blob, blob_size, template, 4, &key)) &&
           OK(C_DecryptInit(worker->session, gcm, key)) &&
           OK(C_Decrypt(worker->session, cipher, cipher_size, plain, &size)) &&
           went_well(worker,
                     strcmp((char *)plain, "what both must agree on") == 0 ? CKR_OK : CKR_DATA_INVALID,
                     "another plaintext") &&
           OK(C_DestroyObject(worker->session, key));
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
    CK_BYTE iv[12] = {1}, blob[BLOB_MOST], cipher[64];
    CK_GCM_PARAMS parameters = {iv, sizeof iv, 96, NULL, 0, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, &parameters, sizeof parameters};

    for (int i = 0; i < ROUNDS && open_and_find(worker); i++) {
        CK_ULONG blob_size = sizeof blob, cipher_size = sizeof cipher;

        if (!seal(worker, &oaep, &gcm, blob, &blob_size, cipher, &cipher_size) ||
            !open_sealed(worker, &oaep, &gcm, blob, blob_size, cipher, cipher_size) ||
            !OK(C_CloseSession(worker->session))) {
            break;
        }
    }
    return NULL;
}

static void start(struct worker *workers, void *(*body)(void *), CK_SLOT_ID first, CK_SLOT_ID second)
{
    memset(workers, 0, THREADS * sizeof *workers);
    for (int i = 0; i < THREADS; i++) {
        workers[i].slot = i % 2 == 0 ? first : second;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
    }
}

static void join(struct worker *workers)
{
    const struct worker *bad = NULL;

    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        bad = workers[i].where != NULL ? &workers[i] : bad;
    }
    if (bad != NULL) {
        fail_msg("slot %lu: %s is 0x%lx", bad->slot, bad->where, bad->rv);
    }
}

static void test_both_tokens_work_at_once(void **state)
{
    struct worker workers[THREADS];

    (void)state;
    start(workers, work, 0, 1);
    join(workers);
}

static _Atomic CK_SESSION_HANDLE shared;
static atomic_bool over;

/* Uses a session that others close and open again at any time: any of these codes, and no crash. */
static void *use_shared(void *arg)
{
    struct worker *worker = arg;
    CK_SESSION_INFO info;
    CK_BYTE random[16];

    while (!atomic_load(&over)) {
        CK_RV rv = p11->C_GetSessionInfo(atomic_load(&shared), &info);

        rv = rv == CKR_OK ? p11->C_GenerateRandom(atomic_load(&shared), random, sizeof random) : rv;
        if (rv != CKR_SESSION_HANDLE_INVALID && rv != CKR_SESSION_CLOSED &&
            !went_well(worker, rv, "shared")) {
            break;
        }
    }
    return NULL;
}

static void close_and_open_under(CK_SLOT_ID slot)
{
    struct worker workers[THREADS];
    CK_SESSION_HANDLE one;

    atomic_store(&over, false);
    start(workers, use_shared, slot, slot);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &one), CKR_OK);
        atomic_store(&shared, one);
        assert_int_equal(p11->C_CloseSession(one), CKR_OK);
    }
    atomic_store(&over, true);
    join(workers);
}

static void test_a_session_may_be_closed_under_its_users(void **state)
{
    (void)state;
    close_and_open_under(0);
    close_and_open_under(1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_both_tokens_work_at_once),
    cmocka_unit_test(test_a_session_may_be_closed_under_its_users),
};
static const struct room both_room = ROOM(tests);

const char *across_log(void)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/both.log", getenv("TOKENS_DIR"));
    return path;
}

static void log_everything(void)
{
    char to[300];

    snprintf(to, sizeof to, "debug:file:%s", across_log());
    setenv("BYOK_PKCS11_LOG", to, 1);
}

int main(void)
{
    const struct room *const rooms[] = {&both_room, &across_room};

    p11 = module_functions();
    if (p11 == NULL || getenv("TOKENS_DIR") == NULL) {
        fprintf(stderr, "usage: tests/with-tokens both\n");
        return 99;
    }
    log_everything();
    if (p11->C_Initialize(NULL) != CKR_OK) {
        return 99;
    }
    int failed = run_rooms("both tokens", rooms, 2);

    p11->C_Finalize(NULL);
    return failed;
}
