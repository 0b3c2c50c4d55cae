/* Goal 9: an unwrapped key at work, beside OpenSSL's own EVP and SoftHSM with a key of the same kind. */
#include "tests/bench/bench.h"
#include "tests/bench/client.h"
#include "tests/bench/measure.h"
#include "tests/bench/softhsm.h"
#include "tests/bench/world.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum {
    LONG = 16 * 1024,
    LONG_KEY = 4096,
    SHORT = 16,
    SHORT_KEY = 32,
    ROOM = LONG + 64,
    SHORT_COUNT = 5000,
    ROUNDS = 41
};

static unsigned char iv[16] = {1, 2, 3}, text[LONG], out[ROOM];
static const unsigned char value[32] = {7, 8, 9};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
static CK_GCM_PARAMS gcm_parameter = {iv, 12, 96, NULL, 0, 128};

/* A module with a session, a key and what it does with it. */
struct worker {
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key, target; /* the target: to be wrapped */
    CK_MECHANISM mechanism;
    CK_ULONG size; /* bytes of a message */
};

/* OpenSSL with its key prepared; each message begins with its IV. */
struct peer {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    bool tags;
    CK_ULONG size;
};

static bool encrypt(void *arg, unsigned count)
{
    struct worker *worker = arg;

    for (unsigned i = 0; i < count; i++) {
        CK_ULONG size = sizeof out;

        if (worker->functions->C_EncryptInit(worker->session, &worker->mechanism, worker->key) != CKR_OK ||
            worker->functions->C_Encrypt(worker->session, text, worker->size, out, &size) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool sign(void *arg, unsigned count)
{
    struct worker *worker = arg;

    for (unsigned i = 0; i < count; i++) {
        CK_ULONG size = sizeof out;

        if (worker->functions->C_SignInit(worker->session, &worker->mechanism, worker->key) != CKR_OK ||
            worker->functions->C_Sign(worker->session, text, worker->size, out, &size) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool wrap(void *arg, unsigned count)
{
    struct worker *worker = arg;

    for (unsigned i = 0; i < count; i++) {
        CK_ULONG size = sizeof out;

        if (worker->functions->C_WrapKey(worker->session, &worker->mechanism, worker->key, worker->target,
                                         out, &size) != CKR_OK) {
            return false;
        }
    }
    return true;
}

static bool peer_cipher(void *arg, unsigned count)
{
    struct peer *peer = arg;
    int size;

    for (unsigned i = 0; i < count; i++) {
        if (EVP_EncryptInit_ex2(peer->cipher, NULL, NULL, iv, NULL) != 1 ||
            EVP_EncryptUpdate(peer->cipher, out, &size, text, (int)peer->size) != 1 ||
            (peer->tags && (EVP_EncryptFinal_ex(peer->cipher, out + size, &size) != 1 ||
                            EVP_CIPHER_CTX_ctrl(peer->cipher, EVP_CTRL_AEAD_GET_TAG, 16, out + LONG) != 1))) {
            return false;
        }
    }
    return true;
}

/* Key wrap has no IV but the standard's, which a new Init brings back. */
static bool peer_wrap(void *arg, unsigned count)
{
    struct peer *peer = arg;
    int size;

    for (unsigned i = 0; i < count; i++) {
        if (EVP_EncryptInit_ex2(peer->cipher, NULL, value, NULL, NULL) != 1 ||
            EVP_EncryptUpdate(peer->cipher, out, &size, text, (int)peer->size) != 1) {
            return false;
        }
    }
    return true;
}

static bool peer_mac(void *arg, unsigned count)
{
    struct peer *peer = arg;
    size_t size;

    for (unsigned i = 0; i < count; i++) {
        if (EVP_MAC_init(peer->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(peer->mac, text, peer->size) != 1 ||
            EVP_MAC_final(peer->mac, out, &size, sizeof out) != 1) {
            return false;
        }
    }
    return true;
}

static bool open_cipher(const char *name, struct peer *peer)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);

    peer->cipher = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(peer->cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return EVP_EncryptInit_ex2(peer->cipher, cipher, value, NULL, NULL) == 1;
}

static bool open_mac(struct peer *peer)
{
    char hash[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                           OSSL_PARAM_construct_end()};

    peer->mac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
    return EVP_MAC_init(peer->mac, value, sizeof value, params) == 1;
}

/* The key of the bench's blob, unwrapped by the vault. */
static bool open_ours(CK_KEY_TYPE *type, struct worker *worker)
{
    struct configuration how = {.name = "keys", .place = place_at(0)};
    CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256};
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                               {CKA_KEY_TYPE, type, sizeof *type},
                               {CKA_ENCRYPT, &yes, 1},
                               {CKA_SIGN, &yes, 1},
                               {CKA_WRAP, &yes, 1}};
    struct client client;

    if (!world_configure(&how) || !client_initialize() || !client_open("vault", &client)) {
        return false;
    }
    worker->functions = p11;
    worker->session = client.session;
    return client_expect(p11->C_UnwrapKey(client.session, &oaep, client.private_kek, known->blob,
                                          sizeof known->blob, template, 5, &worker->key),
                         "C_UnwrapKey");
}

static bool create(const struct worker *worker, CK_KEY_TYPE *type, const void *from, CK_ULONG size,
                   CK_OBJECT_HANDLE *ret_key)
{
    CK_BYTE copy[LONG_KEY];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
                               {CKA_KEY_TYPE, type, sizeof *type},
                               {CKA_TOKEN, &no, 1},
                               {CKA_PRIVATE, &no, 1},
                               {CKA_ENCRYPT, &yes, 1},
                               {CKA_SIGN, &yes, 1},
                               {CKA_WRAP, &yes, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_VALUE, copy, size}};

    memcpy(copy, from, size);
    return client_expect(worker->functions->C_CreateObject(worker->session, template, 10, ret_key),
                         "C_CreateObject");
}

static bool open_softhsm(CK_KEY_TYPE *type, struct worker *worker)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    char path[TEXT_SIZE];
    CK_SLOT_ID slot;

    worker->functions = softhsm_path(path, sizeof path) ? beside_load(path) : NULL;
    return worker->functions != NULL &&
           client_expect(worker->functions->C_Initialize(&arguments), "C_Initialize") &&
           beside_slot(worker->functions, "hsm", &slot) &&
           client_expect(worker->functions->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                                          NULL, &worker->session),
                         "C_OpenSession") &&
           create(worker, type, value, sizeof value, &worker->key);
}

struct contest {
    CK_MECHANISM mechanism;
    CK_KEY_TYPE *type;
    bool (*ours)(void *worker, unsigned count);
    bool (*theirs)(void *peer, unsigned count);
    CK_ULONG sizes[2]; /* long, short */
    unsigned count;    /* of long ones, which take some milliseconds */
};

static bool set_size(const struct contest *contest, struct worker *worker, CK_ULONG size)
{
    worker->mechanism = contest->mechanism;
    worker->size = size;
    return contest->ours != wrap || create(worker, &generic, text, size, &worker->target);
}

/* Of theirs. */
static void put_speed(struct outcome *outcome, unsigned row, const struct pair *pair)
{
    outcome->values[row] = 1 / pair->cpu_ratio;
    outcome->noise[row] = pair->cpu_ratio_noise / (pair->cpu_ratio * pair->cpu_ratio);
}

/* The long messages against both, the short ones against OpenSSL. */
static bool run(const struct contest *contest, struct peer *peer, struct outcome *ret_outcome)
{
    struct worker ours = {0}, softhsm = {0};
    struct work work = {contest->ours, &ours}, evp = {contest->theirs, peer}, hsm = {contest->ours, &softhsm};
    struct pair to_evp, to_hsm, small;

    peer->size = contest->sizes[0];
    if (!open_ours(contest->type, &ours) || !open_softhsm(contest->type, &softhsm) ||
        !set_size(contest, &ours, contest->sizes[0]) || !set_size(contest, &softhsm, contest->sizes[0]) ||
        !measure_pair(&work, &evp, times(contest->count), times(ROUNDS), &to_evp) ||
        !measure_pair(&work, &hsm, times(contest->count), times(ROUNDS), &to_hsm)) {
        return false;
    }
    peer->size = contest->sizes[1];
    if (!set_size(contest, &ours, contest->sizes[1]) ||
        !measure_pair(&work, &evp, times(SHORT_COUNT), times(ROUNDS), &small)) {
        return false;
    }
    put_speed(ret_outcome, 0, &to_evp);
    put_speed(ret_outcome, 1, &to_hsm);
    ret_outcome->values[2] = small.cpu_added * 1e6;
    ret_outcome->noise[2] = small.cpu_added_noise * 1e6;
    note(ret_outcome,
         "long: ours %.2f us, OpenSSL %.2f us, SoftHSM %.2f us; short: ours %.2f us, OpenSSL %.2f us",
         to_evp.cpu_a * 1e6, to_evp.cpu_b * 1e6, to_hsm.cpu_b * 1e6, small.cpu_a * 1e6, small.cpu_b * 1e6);
    return true;
}

bool keys_gcm(const struct trial *trial, struct outcome *ret_outcome)
{
    const struct contest contest = {
        {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter}, &aes, encrypt, peer_cipher, {LONG, SHORT}, 1000};
    struct peer peer = {.tags = true};

    (void)trial;
    return open_cipher("AES-256-GCM", &peer) && run(&contest, &peer, ret_outcome);
}

bool keys_cbc(const struct trial *trial, struct outcome *ret_outcome)
{
    const struct contest contest = {
        {CKM_AES_CBC, iv, sizeof iv}, &aes, encrypt, peer_cipher, {LONG, SHORT}, 400};
    struct peer peer = {0};

    (void)trial;
    return open_cipher("AES-256-CBC", &peer) && EVP_CIPHER_CTX_set_padding(peer.cipher, 0) == 1 &&
           run(&contest, &peer, ret_outcome);
}

bool keys_key_wrap(const struct trial *trial, struct outcome *ret_outcome)
{
    const struct contest contest = {{CKM_AES_KEY_WRAP, NULL, 0}, &aes, wrap, peer_wrap,
                                    {LONG_KEY, SHORT_KEY},       20};
    struct peer peer = {0};

    (void)trial;
    return open_cipher("AES-256-WRAP", &peer) && run(&contest, &peer, ret_outcome);
}

bool keys_hmac(const struct trial *trial, struct outcome *ret_outcome)
{
    const struct contest contest = {{CKM_SHA256_HMAC, NULL, 0}, &generic, sign, peer_mac, {LONG, SHORT}, 150};
    struct peer peer = {0};

    (void)trial;
    return open_mac(&peer) && run(&contest, &peer, ret_outcome);
}
