/* The ways to use a data key: its handle, one of its own, a copy, a key that it unwraps, a long operation. */
#include "tests/scenarios/bounds.h"
#include <string.h>
#include <time.h>

enum { PAUSE = 20, DATA = 64, KEY = 32 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_ULONG key_size = KEY;
#define ALL_OF(value) &(value), sizeof(value)

static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, ALL_OF(sha256)}, by_key = {CKM_AES_KEY_WRAP, NULL, 0};
static CK_ATTRIBUTE data_key_is[] = {{CKA_CLASS, ALL_OF(secret_key)}, {CKA_KEY_TYPE, ALL_OF(aes)},
                                     {CKA_TOKEN, ALL_OF(no)},         {CKA_EXTRACTABLE, ALL_OF(yes)},
                                     {CKA_ENCRYPT, ALL_OF(yes)},      {CKA_WRAP, ALL_OF(yes)},
                                     {CKA_UNWRAP, ALL_OF(yes)},       {CKA_VALUE_LEN, ALL_OF(key_size)}};
enum { GENERATED = 8, UNWRAPPED = 7 };

int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

void wait_until(int64_t time)
{
    int64_t left;

    while ((left = time - now()) > 0) {
        const struct timespec pause = {left / 1000, left % 1000 * 1000000};

        nanosleep(&pause, NULL);
    }
}

/* --- Beginning --- */

struct attempt {
    const char *where;
    CK_RV rv;
};

static bool went_well(struct attempt *attempt, const char *where, CK_RV rv)
{
    attempt->where = where;
    attempt->rv = rv;
    return rv == CKR_OK;
}
#define OK(function, ...) went_well(attempt, #function, p11->function(__VA_ARGS__))

static bool find(struct attempt *attempt, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label,
                 CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, ALL_OF(class)},
                               {CKA_LABEL, (CK_BYTE *)(uintptr_t)label, strlen(label)}};
    CK_ULONG count = 0;

    return OK(C_FindObjectsInit, session, template, 2) && OK(C_FindObjects, session, ret_key, 1, &count) &&
           OK(C_FindObjectsFinal, session) &&
           went_well(attempt, label, count == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID);
}

static bool unwrap(struct attempt *attempt, struct use *use, CK_SESSION_HANDLE session,
                   CK_OBJECT_HANDLE *ret_key)
{
    return OK(C_UnwrapKey, session, &oaep, use->kek, use->blob, use->blob_size, data_key_is, UNWRAPPED,
              ret_key);
}

/* A new data key, only its blob of it is left. */
static bool make_blob(struct attempt *attempt, struct use *use, CK_OBJECT_HANDLE public)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key;

    use->blob_size = sizeof use->blob;
    return OK(C_GenerateKey, use->session, &generate, data_key_is, GENERATED, &key) &&
           OK(C_WrapKey, use->session, &oaep, public, key, use->blob, &use->blob_size) &&
           OK(C_DestroyObject, use->session, key);
}

bool use_begin(struct use *use, CK_SLOT_ID slot, const char *label, const char **ret_where, CK_RV *ret_rv)
{
    struct attempt kept = {"", CKR_OK}, *attempt = &kept;
    CK_OBJECT_HANDLE public;
    bool good = OK(C_OpenSession, slot, CKF_SERIAL_SESSION, NULL, NULL, &use->session) &&
                find(attempt, use->session, CKO_PUBLIC_KEY, label, &public) &&
                find(attempt, use->session, CKO_PRIVATE_KEY, label, &use->kek) &&
                make_blob(attempt, use, public) && unwrap(attempt, use, use->session, &use->key);

    use->slot = slot;
    *ret_where = kept.where;
    *ret_rv = kept.rv;
    return good;
}

static bool take_shared(struct attempt *attempt, struct worker *worker)
{
    (void)attempt;
    worker->key = worker->use->key;
    return true;
}

static bool take_own(struct attempt *attempt, struct worker *worker)
{
    return unwrap(attempt, worker->use, worker->session, &worker->key);
}

static bool take_copy(struct attempt *attempt, struct worker *worker)
{
    return OK(C_CopyObject, worker->session, worker->use->key, NULL, 0, &worker->key);
}

/* A key that the data key wrapped, and unwraps. */
static bool take_child(struct attempt *attempt, struct worker *worker)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BYTE blob[KEY + 8];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key;

    return OK(C_GenerateKey, worker->session, &generate, data_key_is, GENERATED, &key) &&
           OK(C_WrapKey, worker->session, &by_key, worker->use->key, key, blob, &size) &&
           OK(C_DestroyObject, worker->session, key) &&
           OK(C_UnwrapKey, worker->session, &by_key, worker->use->key, blob, size, data_key_is, UNWRAPPED,
              &worker->key);
}

/* --- Using --- */

static CK_RV encrypt_once(struct worker *worker)
{
    CK_BYTE plain[DATA] = {1}, iv[12] = {2}, cipher[DATA + 16];
    CK_GCM_PARAMS parameters = {iv, sizeof iv, 8 * sizeof iv, NULL, 0, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, ALL_OF(parameters)};
    CK_ULONG size = sizeof cipher;
    CK_RV rv = p11->C_EncryptInit(worker->session, &gcm, worker->key);

    return rv == CKR_OK ? p11->C_Encrypt(worker->session, plain, sizeof plain, cipher, &size) : rv;
}

/* One operation that never ends by itself. */
static CK_RV encrypt_on(struct worker *worker)
{
    CK_BYTE plain[DATA] = {1}, iv[16] = {2}, cipher[DATA + 16];
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
    CK_ULONG size = sizeof cipher;
    CK_RV rv = worker->streaming ? CKR_OK : p11->C_EncryptInit(worker->session, &cbc, worker->key);

    if (rv == CKR_OK) {
        rv = p11->C_EncryptUpdate(worker->session, plain, sizeof plain, cipher, &size);
    }
    worker->streaming = rv == CKR_OK;
    return rv;
}

static const struct way {
    bool (*take)(struct attempt *attempt, struct worker *worker);
    CK_RV (*run)(struct worker *worker);
} ways[] = {{take_shared, encrypt_once},
            {take_own, encrypt_once},
            {take_copy, encrypt_once},
            {take_child, encrypt_once},
            {take_own, encrypt_on}};

enum { WAYS = sizeof ways / sizeof *ways };

bool worker_begin(struct worker *worker, struct use *use, unsigned way, const char **ret_where, CK_RV *ret_rv)
{
    struct attempt kept = {"", CKR_OK}, *attempt = &kept;

    worker->use = use;
    worker->way = way % WAYS;
    bool good = OK(C_OpenSession, use->slot, CKF_SERIAL_SESSION, NULL, NULL, &worker->session) &&
                ways[worker->way].take(attempt, worker);

    *ret_where = kept.where;
    *ret_rv = kept.rv;
    return good;
}

static void note_failure(struct worker *worker, CK_RV rv)
{
    struct use *use = worker->use;

    if (!atomic_load(&use->taken)) {
        worker->early = worker->early == CKR_OK ? rv : worker->early;
    } else if (worker->first_bad == 0) {
        worker->first_bad = now();
    }
    if (rv != use->closed && rv != CKR_FUNCTION_CANCELED) {
        worker->odd = rv;
    }
}

/* One that waited while it was given back tells nothing of either. */
static void note_success(struct worker *worker, bool given, int64_t began)
{
    worker->count++;
    if (!atomic_load(&worker->use->given)) {
        worker->last_good = began;
    } else if (given && !atomic_load(&worker->back)) {
        worker->back_at = now();
        atomic_store(&worker->back, true);
    }
}

void *worker_run(void *arg)
{
    struct worker *worker = arg;

    while (!atomic_load(&worker->use->done)) {
        bool given = atomic_load(&worker->use->given);
        int64_t began = now();

        worker->last = ways[worker->way].run(worker);
        if (worker->last == CKR_OK) {
            note_success(worker, given, began);
        } else {
            note_failure(worker, worker->last);
        }
        wait_until(now() + PAUSE);
    }
    return NULL;
}
