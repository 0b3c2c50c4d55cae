/* Asking, and checking what comes with OpenSSL. */
#include "tests/truth/verbs.h"
#include "backends/base/scope.h"
#include "tests/truth/recorded.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { PATIENCE = 20000 /* milliseconds */ };

static void free_pkey(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static void free_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void free_certificate(X509 **certificate)
{
    X509_free(*certificate);
}

/* --- Signatures --- */

static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};

static EVP_PKEY *public_part(struct key_service *service, const struct key_ref *key)
{
    struct service_answer answer;
    struct key_info info;
    const unsigned char *der;
    struct bytes bytes;
    EVP_PKEY *pkey;

    assert_int_equal(service->ops->public_part(service, key, deadline_in(PATIENCE), &info, &answer), CKR_OK);
    bytes = info.rsa != NULL ? rsa_public_info(info.rsa) : ec_public_info(info.ec);
    der = bytes.data;
    pkey = d2i_PUBKEY(NULL, &der, (long)bytes.size);
    assert_non_null(pkey);
    key_info_done(&info);
    return pkey;
}

/* r and s as DER has them; the length of it. */
static size_t to_der(struct bytes signature, unsigned char *ret_der)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    int half = (int)(signature.size / 2), size;

    assert_int_equal(ECDSA_SIG_set0(both, BN_bin2bn(signature.data, half, NULL),
                                    BN_bin2bn(signature.data + half, half, NULL)),
                     1);
    size = i2d_ECDSA_SIG(both, &ret_der);
    ECDSA_SIG_free(both);
    assert_true(size > 0);
    return (size_t)size;
}

/* Fails the test where it is no signature. PSS: the salt is as long as the digest. */
static void verify(EVP_PKEY *pkey, enum signature_algorithm algorithm, struct bytes digest,
                   struct bytes signature)
{
    EVP_PKEY_CTX *context SCOPED(free_context) = EVP_PKEY_CTX_new(pkey, NULL);
    const EVP_MD *hash = EVP_get_digestbyname(hashes[algorithm % 3]);
    unsigned char der[200];

    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    if (algorithm >= SIGNATURE_ES256) {
        signature = bytes_of(der, to_der(signature, der));
    } else if (algorithm >= SIGNATURE_PS256) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, hash), 1);
    assert_int_equal(EVP_PKEY_verify(context, signature.data, signature.size, digest.data, digest.size), 1);
}

static void sign(struct key_service *service, const struct key_ref *key, EVP_PKEY *pkey,
                 enum signature_algorithm algorithm)
{
    static const size_t sizes[] = {32, 48, 64};
    unsigned char digest[64];
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(512);
    struct service_answer answer;

    memset(digest, (int)algorithm + 1, sizeof digest);
    assert_int_equal(service->ops->sign(service, key, algorithm, bytes_of(digest, sizes[algorithm % 3]),
                                        deadline_in(PATIENCE), &signature, &answer),
                     CKR_OK);
    verify(pkey, algorithm, bytes_of(digest, sizes[algorithm % 3]), buffer_bytes(&signature));
}

void verbs_sign(struct key_service *service, const char *rsa, const char *const curves[EC_CURVES])
{
    const struct key_ref key = {rsa, NULL};
    EVP_PKEY *pkey SCOPED(free_pkey) = public_part(service, &key);

    for (unsigned i = SIGNATURE_RS256; i <= SIGNATURE_PS512; i++) {
        sign(service, &key, pkey, (enum signature_algorithm)i);
    }
    for (unsigned i = 0; i < EC_CURVES; i++) {
        const struct key_ref ec = {curves[i], NULL};
        EVP_PKEY *ec_pkey SCOPED(free_pkey) = public_part(service, &ec);

        sign(service, &ec, ec_pkey, (enum signature_algorithm)(SIGNATURE_ES256 + i));
    }
}

/* --- AES --- */

static const unsigned char plain[32] = "what is wrapped and encrypted..";

static CK_RV ask(struct key_service *service, const char *name, const struct aes_task *task,
                 struct secret *ret_value, struct aes_extra *ret_extra)
{
    const struct key_ref key = {name, NULL};
    struct service_answer answer;

    return service->ops->aes(service, &key, task, deadline_in(PATIENCE), ret_value, ret_extra, &answer);
}

static void there_and_back(struct key_service *service, const char *name, unsigned bits,
                           enum aes_algorithm algorithm, enum aes_verb there)
{
    struct secret sealed SCOPED(secret_free) = SECRET_INIT, opened SCOPED(secret_free) = SECRET_INIT;
    struct aes_task task = {.verb = there,
                            .algorithm = algorithm,
                            .key_bits = bits,
                            .data = bytes_of(plain, sizeof plain),
                            .aad = bytes_of(plain, algorithm == AES_GCM ? 5 : 0)};
    struct aes_extra extra, ignored;

    if (algorithm == AES_CBC || algorithm == AES_CBC_PAD) {
        task.iv = bytes_of(plain, AES_IV_SIZE);
    }
    assert_int_equal(ask(service, name, &task, &sealed, &extra), CKR_OK);
    assert_memory_not_equal(sealed.data, plain, sizeof plain);
    if (algorithm == AES_GCM) {
        task.iv = bytes_of(extra.iv, extra.iv_size);
        task.tag = bytes_of(extra.tag, extra.tag_size);
    }
    task.verb = there == AES_WRAP ? AES_UNWRAP : AES_DECRYPT;
    task.data = secret_bytes(&sealed);
    assert_int_equal(ask(service, name, &task, &opened, &ignored), CKR_OK);
    assert_true(bytes_equal(secret_bytes(&opened), bytes_of(plain, sizeof plain)));
}

void verbs_aes(struct key_service *service, const char *name, unsigned bits, bool padded_wrap)
{
    there_and_back(service, name, bits, AES_KW, AES_WRAP);
    there_and_back(service, name, bits, AES_CBC, AES_ENCRYPT);
    there_and_back(service, name, bits, AES_CBC_PAD, AES_ENCRYPT);
    there_and_back(service, name, bits, AES_GCM, AES_ENCRYPT);
    if (padded_wrap) {
        there_and_back(service, name, bits, AES_KWP, AES_WRAP);
    }
}

void verbs_learn(struct key_service *service, const char *name, unsigned bits)
{
    const struct aes_task task = {
        .verb = AES_WRAP, .algorithm = AES_KW, .data = bytes_of(plain, sizeof plain)};
    struct secret sealed SCOPED(secret_free) = SECRET_INIT;
    struct aes_extra extra;

    assert_int_equal(ask(service, name, &task, &sealed, &extra), CKR_OK);
    assert_int_equal(extra.key_bits, bits);
}

/* --- Random bytes --- */

void verbs_random(struct key_service *service)
{
    unsigned char some[200] = {0}, others[200] = {0};
    struct service_answer answer;

    assert_int_equal(service->ops->random(service, some, sizeof some, deadline_in(PATIENCE), &answer),
                     CKR_OK);
    assert_int_equal(answer.tries, 2);
    assert_memory_not_equal(some, others, sizeof some);
    assert_memory_not_equal(some + 100, others, 100);
    assert_memory_not_equal(some, some + 100, 100);
}

/* --- Certificates --- */

struct sought {
    const char *const *names;
    unsigned count, found;
};

static bool see(void *arg, const char *name)
{
    struct sought *sought = arg;

    for (unsigned i = 0; i < sought->count; i++) {
        sought->found += strcmp(sought->names[i], name) == 0 ? 1U << i : 0;
    }
    return true;
}

static CK_RV check_certificate(void *arg, const struct certificate_info *certificate)
{
    EVP_PKEY *pkey = arg;
    const unsigned char *der = certificate->der.data;
    X509 *x509 SCOPED(free_certificate) = d2i_X509(NULL, &der, (long)certificate->der.size);

    assert_non_null(x509);
    assert_ptr_equal(der, certificate->der.data + certificate->der.size);
    assert_string_equal(certificate->name, certificate->key_name);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x509), pkey), 1);
    return CKR_OK;
}

void verbs_certificates(struct key_service *service, const char *const *names, unsigned count)
{
    struct sought sought = {names, count, 0};
    struct service_answer answer;

    assert_int_equal(service->ops->each_certificate(service, deadline_in(PATIENCE), see, &sought, &answer),
                     CKR_OK);
    assert_int_equal(sought.found, (1U << count) - 1);
    for (unsigned i = 0; i < count; i++) {
        const struct key_ref key = {names[i], NULL};
        EVP_PKEY *pkey SCOPED(free_pkey) = public_part(service, &key);

        assert_int_equal(service->ops->certificate(service, names[i], deadline_in(PATIENCE),
                                                   check_certificate, pkey, &answer),
                         CKR_OK);
    }
}
