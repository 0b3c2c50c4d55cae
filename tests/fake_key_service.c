/* A key service in memory. */
#include "tests/fake_key_service.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_KEYS = 2100, MOST_VERSIONS = 8, MOST_NAMED = 8, MOST_CERTIFICATES = 8, MOST_DER = 2048, KINDS = 3 + EC_CURVES };

struct held_version {
    struct fake_version open;
    EVP_PKEY *pair; /* lent by `pairs`; NULL: an EC key that tells nothing */
};

struct held_key {
    char name[KEY_NAME_SIZE];
    unsigned count;
    struct held_version version[MOST_VERSIONS]; /* the last is the newest */
};

struct held_certificate {
    char name[KEY_NAME_SIZE], key_name[KEY_NAME_SIZE];
    unsigned char der[MOST_DER];
    size_t size;
};

struct fake {
    struct key_service base;
    struct key_service_ops ops;
    pthread_mutex_t lock;
    struct held_key key[MOST_KEYS];
    size_t key_count;
    char named[MOST_NAMED][KEY_NAME_SIZE + KEY_VERSION_SIZE];
    char named_name[MOST_NAMED][KEY_NAME_SIZE];
    size_t named_count;
    struct fake_rule rule[FAKE_VERBS];
    int64_t delay[FAKE_VERBS];
    unsigned count[FAKE_VERBS];
    int64_t clock_ahead;
    unsigned versions_made;
    struct held_certificate certificate[MOST_CERTIFICATES];
    size_t certificate_count;
    unsigned char last_blob[512]; /* that was to be unwrapped */
    size_t last_blob_size;
};

const struct fake_rule fake_refused = {VERDICT_REFUSED, CKR_KEY_FUNCTION_NOT_PERMITTED, 403};
const struct fake_rule fake_gone = {VERDICT_GONE, CKR_UNWRAPPING_KEY_HANDLE_INVALID, 404};
const struct fake_rule fake_unreachable = {VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 503};

/* Pairs are dear to make; all services of a process share them. */
static EVP_PKEY *pairs[KINDS][MOST_VERSIONS];
static pthread_mutex_t pairs_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct kind {
    unsigned bits;
    const char *curve; /* NULL: RSA */
} kinds[KINDS] = {{2048, NULL}, {3072, NULL}, {4096, NULL}, {256, "P-256"}, {384, "P-384"}, {521, "P-521"}};

static unsigned kind_of(unsigned bits)
{
    unsigned kind = 0;

    while (kind < KINDS && kinds[kind].bits != bits) {
        kind++;
    }
    return kind < KINDS ? kind : 0;
}

static EVP_PKEY *pair_of(unsigned bits, unsigned number)
{
    unsigned kind = kind_of(bits);
    EVP_PKEY **pair = &pairs[kind][number % MOST_VERSIONS];

    pthread_mutex_lock(&pairs_lock);
    if (*pair == NULL) {
        *pair = kinds[kind].curve == NULL ? EVP_RSA_gen(bits) : EVP_EC_gen(kinds[kind].curve);
    }
    pthread_mutex_unlock(&pairs_lock);
    return *pair;
}

static struct fake *fake_of(struct key_service *service)
{
    return (struct fake *)service;
}

static struct held_key *key_locked(struct fake *fake, const char *name)
{
    for (size_t i = 0; i < fake->key_count; i++) {
        if (strcmp(fake->key[i].name, name) == 0) {
            return &fake->key[i];
        }
    }
    return NULL;
}

static struct held_version *version_locked(struct fake *fake, const struct key_ref *ref)
{
    struct held_key *key = key_locked(fake, ref->name);

    if (key == NULL) {
        return NULL;
    }
    if (ref->version == NULL) {
        return &key->version[key->count - 1];
    }
    for (unsigned i = 0; i < key->count; i++) {
        if (strcmp(key->version[i].open.version, ref->version) == 0) {
            return &key->version[i];
        }
    }
    return NULL;
}

static void close_fake(struct key_service *service)
{
    if (service != NULL) {
        pthread_mutex_destroy(&fake_of(service)->lock);
        free(service);
    }
}

static void each_named(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    struct fake *fake = fake_of(service);
    struct key_ref ref;
    char *slash;

    for (size_t i = 0; i < fake->named_count; i++) {
        slash = strchr(fake->named[i], '/');
        ref.name = slash == NULL ? fake->named[i] : fake->named_name[i];
        ref.version = slash == NULL ? NULL : slash + 1;
        visit(arg, &ref);
    }
}

static void identify(struct key_service *service, const struct key_ref *key, char ret_text[KEY_TEXT_SIZE])
{
    (void)service;
    snprintf(ret_text, KEY_TEXT_SIZE, "fake:%s%s%s", key->name, key->version == NULL ? "" : "/",
             key->version == NULL ? "" : key->version);
}

/* Counts the request and waits; CKR_OK where the verb works. */
static CK_RV begin(struct fake *fake, enum fake_verb verb, struct deadline deadline,
                   struct service_answer *answer)
{
    struct fake_rule rule;
    int64_t delay;

    pthread_mutex_lock(&fake->lock);
    fake->count[verb]++;
    rule = fake->rule[verb];
    delay = fake->delay[verb];
    memset(answer, 0, sizeof *answer);
    answer->tries = 1;
    answer->date = (int64_t)time(NULL) + fake->clock_ahead;
    pthread_mutex_unlock(&fake->lock);
    if (delay != 0 && !deadline_sleep(deadline, delay)) {
        rule = (struct fake_rule){VERDICT_UNREACHABLE, CKR_DEVICE_ERROR, 0};
    }
    answer->verdict = rule.verdict == VERDICT_NONE ? VERDICT_ACCEPTED : rule.verdict;
    answer->status = rule.verdict == VERDICT_NONE ? 200 : rule.status;
    return rule.rv;
}

static CK_RV refuse(struct service_answer *answer, enum service_verdict verdict, unsigned status, CK_RV rv)
{
    answer->verdict = verdict;
    answer->status = status;
    return rv;
}

static CK_RV each_key(struct key_service *service, struct deadline deadline, key_visitor *visit, void *arg,
                      struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, FAKE_LIST, deadline, ret_answer);
    struct key_info info;

    for (size_t i = 0; rv == CKR_OK; i++) {
        memset(&info, 0, sizeof info);
        pthread_mutex_lock(&fake->lock);
        if (i < fake->key_count) {
            snprintf(info.name, sizeof info.name, "%s", fake->key[i].name);
        }
        pthread_mutex_unlock(&fake->lock);
        info.enabled = true;
        if (info.name[0] == 0 || !visit(arg, &info)) {
            break;
        }
    }
    return rv;
}

static struct rsa_public *public_of(EVP_PKEY *pair)
{
    unsigned char n[512], e[8];
    struct rsa_public *key = NULL;
    BIGNUM *number = NULL;
    int n_size, e_size;

    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &number);
    n_size = BN_bn2bin(number, n);
    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &number);
    e_size = BN_bn2bin(number, e);
    BN_free(number);
    return rsa_public_new(bytes_of(n, (size_t)n_size), bytes_of(e, (size_t)e_size), &key) == CKR_OK ? key
                                                                                                    : NULL;
}

static bool is_rsa(EVP_PKEY *pair)
{
    return pair != NULL && EVP_PKEY_get_base_id(pair) == EVP_PKEY_RSA;
}

static enum ec_curve curve_of(EVP_PKEY *pair)
{
    int bits = EVP_PKEY_get_bits(pair);

    return bits == 256 ? EC_P256 : bits == 384 ? EC_P384 : EC_P521;
}

static struct ec_public *point_of(EVP_PKEY *pair)
{
    struct ec_public *key = NULL;
    unsigned char point[140];
    size_t size = 0, half;

    EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size);
    half = (size - 1) / 2;
    return ec_public_new(curve_of(pair), bytes_of(point + 1, half), bytes_of(point + 1 + half, half), &key) ==
                   CKR_OK
               ? key
               : NULL;
}

static void tell_locked(const struct key_ref *ref, const struct held_version *from, struct key_info *to)
{
    memset(to, 0, sizeof *to);
    snprintf(to->name, sizeof to->name, "%s", ref->name);
    snprintf(to->version, sizeof to->version, "%s", from->open.version);
    to->type = from->open.aes_bits != 0 ? KEY_TYPE_OCT : is_rsa(from->pair) ? KEY_TYPE_RSA : KEY_TYPE_EC;
    to->enabled = from->open.enabled;
    to->in_hardware = from->open.in_hardware;
    to->purge_protected = from->open.purge_protected;
    to->uses_known = from->open.uses_known;
    to->uses = from->open.uses;
    to->created = from->open.created;
    to->not_before = from->open.not_before;
    to->expires = from->open.expires;
    to->rsa = is_rsa(from->pair) ? public_of(from->pair) : NULL;
    to->ec = from->pair == NULL || is_rsa(from->pair) ? NULL : point_of(from->pair);
}

static CK_RV public_part(struct key_service *service, const struct key_ref *ref, struct deadline deadline,
                         struct key_info *ret_info, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, FAKE_GET, deadline, ret_answer);
    struct held_version *version;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    version = version_locked(fake, ref);
    if (version == NULL) {
        rv = refuse(ret_answer, VERDICT_GONE, 404, CKR_KEY_HANDLE_INVALID);
    } else {
        tell_locked(ref, version, ret_info);
        memcpy(ret_answer->version, version->open.version, sizeof ret_answer->version);
    }
    pthread_mutex_unlock(&fake->lock);
    return rv;
}

static const struct verb {
    unsigned use;
    CK_RV gone, bad_blob;
    bool seals;
} verbs[FAKE_VERBS] = {
    [FAKE_WRAP] = {KEY_USE_WRAP, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_OK, true},
    [FAKE_UNWRAP] = {KEY_USE_UNWRAP, CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPED_KEY_INVALID, false},
    [FAKE_ENCRYPT] = {KEY_USE_ENCRYPT, CKR_KEY_HANDLE_INVALID, CKR_OK, true},
    [FAKE_DECRYPT] = {KEY_USE_DECRYPT, CKR_KEY_HANDLE_INVALID, CKR_ENCRYPTED_DATA_INVALID, false},
    [FAKE_SIGN] = {KEY_USE_SIGN, CKR_KEY_HANDLE_INVALID, CKR_OK, true},
};

/* The key for a verb, or the service's refusal. */
static CK_RV choose_locked(struct fake *fake, enum fake_verb verb, const struct key_ref *ref,
                           EVP_PKEY **ret_pair, struct service_answer *answer)
{
    struct held_version *version = version_locked(fake, ref);
    int64_t now = (int64_t)time(NULL) + fake->clock_ahead;

    if (version == NULL) {
        return refuse(answer, VERDICT_GONE, 404, verbs[verb].gone);
    }
    version->open.asked++;
    if (version->open.rule.verdict != VERDICT_NONE) {
        return refuse(answer, version->open.rule.verdict, version->open.rule.status, version->open.rule.rv);
    }
    memcpy(answer->version, version->open.version, sizeof answer->version);
    if (!version->open.enabled) {
        return refuse(answer, VERDICT_DISABLED, 403, CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    if (version->open.uses_known && (version->open.uses & verbs[verb].use) == 0) {
        answer->of_version = true;
        return refuse(answer, VERDICT_REFUSED, 403, CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    /* A 403 that names no reason, as a service may answer outside the dates. */
    if (verbs[verb].seals && ((version->open.not_before != 0 && now < version->open.not_before) ||
                              (version->open.expires != 0 && now >= version->open.expires))) {
        return refuse(answer, VERDICT_UNREACHABLE, 403, CKR_DEVICE_ERROR);
    }
    *ret_pair = version->pair;
    return CKR_OK;
}

static void context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static bool pad(EVP_PKEY_CTX *context, enum rsa_padding padding)
{
    const EVP_MD *hash = padding == RSA_PADDING_OAEP_SHA256 ? EVP_sha256() : EVP_sha1();

    if (padding == RSA_PADDING_PKCS1) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1;
}

static bool rsa(EVP_PKEY *pair, bool seals, enum rsa_padding padding, struct bytes in, unsigned char *out,
                size_t *size)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("the fake's RSA");
    EVP_PKEY_CTX *context SCOPED(context_free) = pair == NULL ? NULL : EVP_PKEY_CTX_new(pair, NULL);

    if (context == NULL) {
        return false;
    }
    return (seals ? EVP_PKEY_encrypt_init(context) : EVP_PKEY_decrypt_init(context)) == 1 &&
           pad(context, padding) &&
           (seals ? EVP_PKEY_encrypt(context, out, size, in.data, in.size)
                  : EVP_PKEY_decrypt(context, out, size, in.data, in.size)) == 1;
}

static CK_RV use(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                 enum rsa_padding padding, struct bytes in, struct deadline deadline, unsigned char out[512],
                 size_t *ret_size, struct service_answer *answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, verb, deadline, answer);
    EVP_PKEY *pair = NULL;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = choose_locked(fake, verb, ref, &pair, answer);
    pthread_mutex_unlock(&fake->lock);
    *ret_size = 512;
    if (rv == CKR_OK && !rsa(pair, verbs[verb].seals, padding, in, out, ret_size)) {
        return fake_refuse_blob(verb, answer);
    }
    return rv;
}

static CK_RV seal(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                  enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                  struct buffer *ret_blob, struct service_answer *answer)
{
    unsigned char out[512];
    size_t size;
    CK_RV rv = use(service, verb, ref, padding, plain, deadline, out, &size, answer);

    buffer_clear(ret_blob);
    return rv == CKR_OK ? buffer_append(ret_blob, out, size) : rv;
}

static CK_RV open_blob(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                       enum rsa_padding padding, struct bytes blob, struct deadline deadline,
                       struct secret *ret_plain, struct service_answer *answer)
{
    unsigned char out[512];
    size_t size;
    CK_RV rv = use(service, verb, ref, padding, blob, deadline, out, &size, answer);

    return rv == CKR_OK ? secret_copy(bytes_of(out, size), ret_plain) : rv;
}

static CK_RV wrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                  struct bytes key, struct deadline deadline, struct buffer *ret_blob,
                  struct service_answer *ret_answer)
{
    return seal(service, FAKE_WRAP, kek, padding, key, deadline, ret_blob, ret_answer);
}

static CK_RV encrypt(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                     struct bytes plain, struct deadline deadline, struct buffer *ret_blob,
                     struct service_answer *ret_answer)
{
    return seal(service, FAKE_ENCRYPT, key, padding, plain, deadline, ret_blob, ret_answer);
}

static void note_blob(struct fake *fake, struct bytes blob)
{
    pthread_mutex_lock(&fake->lock);
    fake->last_blob_size = blob.size <= sizeof fake->last_blob ? blob.size : 0;
    memcpy(fake->last_blob, blob.data, fake->last_blob_size);
    pthread_mutex_unlock(&fake->lock);
}

bool fake_unwrapped_last(struct key_service *service, struct bytes blob)
{
    struct fake *fake = fake_of(service);
    bool same;

    pthread_mutex_lock(&fake->lock);
    same = bytes_equal(blob, bytes_of(fake->last_blob, fake->last_blob_size));
    pthread_mutex_unlock(&fake->lock);
    return same;
}

static CK_RV unwrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                    struct bytes blob, struct deadline deadline, struct secret *ret_key,
                    struct service_answer *ret_answer)
{
    note_blob(fake_of(service), blob);
    return open_blob(service, FAKE_UNWRAP, kek, padding, blob, deadline, ret_key, ret_answer);
}

static CK_RV decrypt(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                     struct bytes blob, struct deadline deadline, struct secret *ret_plain,
                     struct service_answer *ret_answer)
{
    return open_blob(service, FAKE_DECRYPT, key, padding, blob, deadline, ret_plain, ret_answer);
}

static const struct algorithm {
    const EVP_MD *(*hash)(void);
    int padding;   /* 0: ECDSA */
    unsigned bits; /* of the curve */
} algorithms[] = {
    [SIGNATURE_RS256] = {EVP_sha256, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_RS384] = {EVP_sha384, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_RS512] = {EVP_sha512, RSA_PKCS1_PADDING, 0},
    [SIGNATURE_PS256] = {EVP_sha256, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_PS384] = {EVP_sha384, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_PS512] = {EVP_sha512, RSA_PKCS1_PSS_PADDING, 0},
    [SIGNATURE_ES256] = {EVP_sha256, 0, 256},
    [SIGNATURE_ES384] = {EVP_sha384, 0, 384},
    [SIGNATURE_ES512] = {EVP_sha512, 0, 521},
};

/* The key is of the algorithm's kind and the digest has its length: no service looks away. */
static bool fits(EVP_PKEY *pair, const struct algorithm *how, struct bytes digest)
{
    if (pair == NULL || digest.size != (size_t)EVP_MD_get_size(how->hash())) {
        return false;
    }
    return is_rsa(pair) ? how->padding != 0
                        : how->padding == 0 && (unsigned)EVP_PKEY_get_bits(pair) == how->bits;
}

static bool sign_digest(EVP_PKEY *pair, const struct algorithm *how, struct bytes digest,
                        unsigned char out[512], size_t *size)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("the fake's signature");
    EVP_PKEY_CTX *context SCOPED(context_free) = EVP_PKEY_CTX_new(pair, NULL);

    if (context == NULL || EVP_PKEY_sign_init(context) != 1) {
        return false;
    }
    if (how->padding != 0 && (EVP_PKEY_CTX_set_rsa_padding(context, how->padding) != 1 ||
                              EVP_PKEY_CTX_set_signature_md(context, how->hash()) != 1)) {
        return false;
    }
    if (how->padding == RSA_PKCS1_PSS_PADDING &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1) {
        return false;
    }
    return EVP_PKEY_sign(context, out, size, digest.data, digest.size) == 1;
}

/* r and s one after the other, from OpenSSL's DER. */
static bool flatten(unsigned char out[512], size_t *size, size_t half)
{
    const unsigned char *from = out;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &from, (long)*size);
    bool good = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)half) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + half, (int)half) > 0;

    ECDSA_SIG_free(signature);
    *size = 2 * half;
    return good;
}

static CK_RV sign(struct key_service *service, const struct key_ref *ref, enum signature_algorithm algorithm,
                  struct bytes digest, struct deadline deadline, struct buffer *ret_signature,
                  struct service_answer *ret_answer)
{
    const struct algorithm *how = &algorithms[algorithm];
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, FAKE_SIGN, deadline, ret_answer);
    EVP_PKEY *pair = NULL;
    unsigned char out[512];
    size_t size = sizeof out;

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = choose_locked(fake, FAKE_SIGN, ref, &pair, ret_answer);
    pthread_mutex_unlock(&fake->lock);
    if (rv != CKR_OK) {
        return rv;
    }
    if (!fits(pair, how, digest) || !sign_digest(pair, how, digest, out, &size) ||
        (how->padding == 0 && !flatten(out, &size, (how->bits + 7) / 8))) {
        return refuse(ret_answer, VERDICT_BAD_REQUEST, 400, CKR_FUNCTION_FAILED);
    }
    buffer_clear(ret_signature);
    return buffer_append(ret_signature, out, size);
}

static CK_RV each_certificate(struct key_service *service, struct deadline deadline,
                              certificate_name_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, FAKE_LIST_CERTIFICATES, deadline, ret_answer);

    for (size_t i = 0; rv == CKR_OK && i < fake->certificate_count; i++) {
        if (!visit(arg, fake->certificate[i].name)) {
            break;
        }
    }
    return rv;
}

static CK_RV certificate(struct key_service *service, const char *name, struct deadline deadline,
                         certificate_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, FAKE_GET_CERTIFICATE, deadline, ret_answer);
    struct certificate_info info;

    for (size_t i = 0; rv == CKR_OK && i < fake->certificate_count; i++) {
        if (strcmp(fake->certificate[i].name, name) == 0) {
            snprintf(info.name, sizeof info.name, "%s", name);
            snprintf(info.key_name, sizeof info.key_name, "%s", fake->certificate[i].key_name);
            info.der = bytes_of(fake->certificate[i].der, fake->certificate[i].size);
            return visit(arg, &info);
        }
    }
    return rv == CKR_OK ? refuse(ret_answer, VERDICT_GONE, 404, CKR_OBJECT_HANDLE_INVALID) : rv;
}

CK_RV fake_request(struct key_service *service, enum fake_verb verb, const struct key_ref *ref,
                   struct deadline deadline, struct fake_version *ret_version, struct service_answer *answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = begin(fake, verb, deadline, answer);
    EVP_PKEY *pair;

    if (rv != CKR_OK || ret_version == NULL) {
        return rv;
    }
    pthread_mutex_lock(&fake->lock);
    rv = choose_locked(fake, verb, ref, &pair, answer);
    if (rv == CKR_OK) {
        *ret_version = version_locked(fake, ref)->open;
    }
    pthread_mutex_unlock(&fake->lock);
    return rv;
}

CK_RV fake_refuse_blob(enum fake_verb verb, struct service_answer *answer)
{
    return verbs[verb].seals ? refuse(answer, VERDICT_BAD_REQUEST, 400, CKR_FUNCTION_FAILED)
                             : refuse(answer, VERDICT_BAD_BLOB, 400, verbs[verb].bad_blob);
}

struct key_service_ops *fake_ops(struct key_service *service)
{
    return &fake_of(service)->ops;
}

static const struct key_service_ops ops = {
    .name = "fake",
    .close = close_fake,
    .each_named = each_named,
    .identify = identify,
    .each_key = each_key,
    .public_part = public_part,
    .wrap = wrap,
    .unwrap = unwrap,
    .encrypt = encrypt,
    .decrypt = decrypt,
    .sign = sign,
    .each_certificate = each_certificate,
    .certificate = certificate,
};

struct key_service *fake_key_service_new(void)
{
    struct fake *fake = calloc(1, sizeof *fake);

    if (fake == NULL) {
        abort();
    }
    fake->ops = ops;
    fake->base = (struct key_service){&fake->ops, 2000, "Nobody", "fake", "0123456789abcdef"};
    pthread_mutex_init(&fake->lock, NULL);
    return &fake->base;
}

void fake_configure(struct key_service *service, const char *text)
{
    struct fake *fake = fake_of(service);
    size_t at = fake->named_count++;

    snprintf(fake->named[at], sizeof fake->named[at], "%s", text);
    snprintf(fake->named_name[at], sizeof fake->named_name[at], "%.*s", (int)strcspn(text, "/"), text);
}

struct fake_version *fake_add(struct key_service *service, const char *name, unsigned bits)
{
    struct fake *fake = fake_of(service);
    struct held_version *version;
    struct held_key *key;
    EVP_PKEY *pair;

    pthread_mutex_lock(&fake->lock);
    key = key_locked(fake, name);
    pair = bits == 0 ? NULL : pair_of(bits, key == NULL ? 0 : key->count);
    if (key == NULL) {
        key = &fake->key[fake->key_count++];
        snprintf(key->name, sizeof key->name, "%s", name);
    }
    version = &key->version[key->count++];
    *version = (struct held_version){{.enabled = true}, pair};
    snprintf(version->open.version, sizeof version->open.version, "%032x", ++fake->versions_made);
    version->open.created = 1000000 + fake->versions_made;
    pthread_mutex_unlock(&fake->lock);
    return &version->open;
}

struct fake_version *fake_repeat(struct key_service *service, const char *name, unsigned index)
{
    struct fake_version *version = fake_add(service, name, 0);
    struct held_key *key = key_locked(fake_of(service), name);

    key->version[key->count - 1].pair = key->version[index].pair;
    return version;
}

struct fake_version *fake_version(struct key_service *service, const char *name)
{
    const struct key_ref ref = {name, NULL};
    struct held_version *version = version_locked(fake_of(service), &ref);

    return version == NULL ? NULL : &version->open;
}

struct fake_version *fake_version_at(struct key_service *service, const char *name, unsigned index)
{
    struct held_key *key = key_locked(fake_of(service), name);

    return key == NULL || index >= key->count ? NULL : &key->version[index].open;
}

void fake_remove(struct key_service *service, const char *name)
{
    struct fake *fake = fake_of(service);
    struct held_key *key;

    pthread_mutex_lock(&fake->lock);
    key = key_locked(fake, name);
    if (key != NULL) {
        *key = fake->key[--fake->key_count];
    }
    pthread_mutex_unlock(&fake->lock);
}

void fake_rule(struct key_service *service, enum fake_verb verb, struct fake_rule rule)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->rule[verb] = rule;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

void fake_delay(struct key_service *service, enum fake_verb verb, int64_t milliseconds)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->delay[verb] = milliseconds;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

void fake_clock(struct key_service *service, int64_t ahead)
{
    pthread_mutex_lock(&fake_of(service)->lock);
    fake_of(service)->clock_ahead = ahead;
    pthread_mutex_unlock(&fake_of(service)->lock);
}

unsigned fake_count(struct key_service *service, enum fake_verb verb)
{
    unsigned count;

    pthread_mutex_lock(&fake_of(service)->lock);
    count = fake_of(service)->count[verb];
    pthread_mutex_unlock(&fake_of(service)->lock);
    return count;
}

unsigned fake_count_all(struct key_service *service)
{
    unsigned count = 0;

    for (int verb = 0; verb < FAKE_VERBS; verb++) {
        count += fake_count(service, (enum fake_verb)verb);
    }
    return count;
}

void fake_encrypt(struct key_service *service, const char *name, enum rsa_padding padding, struct bytes plain,
                  struct buffer *ret_blob)
{
    fake_encrypt_at(service, name, key_locked(fake_of(service), name)->count - 1, padding, plain, ret_blob);
}

void fake_encrypt_at(struct key_service *service, const char *name, unsigned index, enum rsa_padding padding,
                     struct bytes plain, struct buffer *ret_blob)
{
    unsigned char out[512];
    size_t size = sizeof out;

    buffer_clear(ret_blob);
    if (!rsa(key_locked(fake_of(service), name)->version[index].pair, true, padding, plain, out, &size) ||
        buffer_append(ret_blob, out, size) != CKR_OK) {
        abort();
    }
}

EVP_PKEY *fake_pair(struct key_service *service, const char *name)
{
    const struct key_ref ref = {name, NULL};

    return version_locked(fake_of(service), &ref)->pair;
}

void fake_add_certificate(struct key_service *service, const char *name, const char *key_name,
                          struct bytes der)
{
    struct fake *fake = fake_of(service);
    struct held_certificate *held = fake->certificate;

    while (held < fake->certificate + fake->certificate_count && strcmp(held->name, name) != 0) {
        held++;
    }
    if (held == fake->certificate + MOST_CERTIFICATES || der.size > MOST_DER) {
        abort();
    }
    fake->certificate_count += held == fake->certificate + fake->certificate_count;
    snprintf(held->name, sizeof held->name, "%s", name);
    snprintf(held->key_name, sizeof held->key_name, "%s", key_name == NULL ? "" : key_name);
    memcpy(held->der, der.data, der.size);
    held->size = der.size;
}

void fake_certify(struct key_service *service, const char *key_name)
{
    EVP_PKEY *pair = fake_pair(service, key_name);
    X509 *x509 = X509_new();
    unsigned char *der = NULL;
    int size;

    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)key_name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    if (X509_set_pubkey(x509, pair) != 1 || X509_sign(x509, pair, EVP_sha256()) == 0) {
        abort();
    }
    size = i2d_X509(x509, &der);
    fake_add_certificate(service, key_name, key_name, bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    X509_free(x509);
}
