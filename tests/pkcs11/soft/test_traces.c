/*
 * What stays in this process's memory of keys that lived here and are gone: nothing, whatever was done with
 * them. They are made and wrapped by another process, which tells what is to be looked for masked.
 */
#include "tests/backends/keyvault/traces.h"
#include "tests/pkcs11/soft/soft_test.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH = 20, MASK = 0x5a, KEY = 32, INNER = 0x36, OUTER = 0x5c };

/* Of a private key, as DER and as OpenSSL's numbers have it; of a secret key; of an HMAC's; of a plaintext. */
enum {
    EXPONENT,
    EXPONENT_TURNED,
    PRIME,
    PRIME_TURNED,
    SECRET,
    INNER_PAD,
    OUTER_PAD,
    PLAINTEXT,
    EC_NUMBER,
    EC_NUMBER_TURNED,
    TRACES
};

/* Filled in by the other process. */
static struct made {
    unsigned char masked[TRACES][LENGTH];
    unsigned char wrapped_private[2048], wrapped_secret[KEY + 8], ciphertext[256], wrapped_ec[256];
    int private_size, secret_size, ec_size;
    bool done;
} * made;

static unsigned char kek_value[KEY] = "a key that everybody may know...";
static CK_MECHANISM key_wrap_pad = {CKM_AES_KEY_WRAP_KWP, NULL, 0};

static unsigned char byte_of(unsigned what, size_t at)
{
    return made->masked[what][at] ^ MASK;
}

/* --- The other process --- */

static void mask_number(const EVP_PKEY *key, const char *name, int from, unsigned plain, unsigned turned)
{
    unsigned char bytes[512];
    BIGNUM *number = NULL;
    int size;

    EVP_PKEY_get_bn_param(key, name, &number);
    size = BN_bn2bin(number, bytes);
    for (int i = 0; i < LENGTH; i++) {
        made->masked[plain][i] = bytes[from + i] ^ MASK;
        made->masked[turned][i] = bytes[size - 1 - from - i] ^ MASK;
    }
}

static int wrap_there(const unsigned char *data, int size, unsigned char *to)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, kek_value, NULL) == 1 &&
                   EVP_EncryptUpdate(context, to, &written, data, size) == 1
               ? written
               : 0;
}

static bool seal_there(EVP_PKEY *pair, const unsigned char *text)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    size_t size = sizeof made->ciphertext;

    return EVP_PKEY_encrypt_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_encrypt(context, made->ciphertext, &size, text, KEY) == 1;
}

static void make_there(void)
{
    EVP_PKEY *pair = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
    unsigned char *der = NULL, secret[KEY], text[KEY];
    int size = i2d_PKCS8_PRIV_KEY_INFO(EVP_PKEY2PKCS8(pair), &der);

    RAND_bytes(secret, sizeof secret);
    RAND_bytes(text, sizeof text);
    made->private_size = wrap_there(der, size, made->wrapped_private);
    made->secret_size = wrap_there(secret, sizeof secret, made->wrapped_secret);
    der = NULL;
    size = i2d_PKCS8_PRIV_KEY_INFO(EVP_PKEY2PKCS8(ec), &der);
    made->ec_size = wrap_there(der, size, made->wrapped_ec);
    mask_number(ec, OSSL_PKEY_PARAM_PRIV_KEY, 4, EC_NUMBER, EC_NUMBER_TURNED);
    mask_number(pair, OSSL_PKEY_PARAM_RSA_D, 40, EXPONENT, EXPONENT_TURNED);
    mask_number(pair, OSSL_PKEY_PARAM_RSA_FACTOR1, 40, PRIME, PRIME_TURNED);
    for (int i = 0; i < LENGTH; i++) {
        made->masked[SECRET][i] = secret[i] ^ MASK;
        made->masked[INNER_PAD][i] = secret[i] ^ INNER ^ MASK;
        made->masked[OUTER_PAD][i] = secret[i] ^ OUTER ^ MASK;
        made->masked[PLAINTEXT][i] = text[i] ^ MASK;
    }
    made->done = seal_there(pair, text);
}

static int make_keys(void **state)
{
    pid_t pid;

    (void)state;
    made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        make_there();
        _exit(0);
    }
    return waitpid(pid, NULL, 0) == pid && made->done ? 0 : -1;
}

/* --- This one --- */

static unsigned count_of_trace(unsigned what)
{
    return traces_count(LENGTH, what, byte_of);
}

static void assert_nothing_left(void)
{
    for (unsigned what = 0; what < TRACES; what++) {
        if (count_of_trace(what) != 0) {
            fail_msg("trace %u stands in memory %u times", what, count_of_trace(what));
        }
    }
}

static CK_OBJECT_HANDLE unwrap(unsigned char *blob, int size, CK_OBJECT_CLASS class, CK_KEY_TYPE type)
{
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_KEY_TYPE, type),
                           ATTRIBUTE(CKA_SIGN, yes),    ATTRIBUTE(CKA_EXTRACTABLE, yes),
                           ATTRIBUTE(CKA_DECRYPT, yes), ATTRIBUTE(CKA_VERIFY, yes),
                           ATTRIBUTE(CKA_ENCRYPT, yes)};
    CK_OBJECT_HANDLE kek = aes_key(kek_value, KEY), key = 0;

    assert_rv(CALL(unwrap_key, &key_wrap_pad, kek, blob, (CK_ULONG)size, list,
                   class != CKO_PRIVATE_KEY ? 7
                   : type == CKK_RSA        ? 5
                                            : 4,
                   &key),
              CKR_OK);
    return key;
}

static CK_OBJECT_HANDLE secret_of(CK_KEY_TYPE type)
{
    return unwrap(made->wrapped_secret, made->secret_size, CKO_SECRET_KEY, type);
}

static void use_private(CK_OBJECT_HANDLE key)
{
    CK_RSA_PKCS_PSS_PARAMS salted = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM mechanisms[] = {{CKM_SHA256_RSA_PKCS, NULL, 0},
                                 {CKM_SHA256_RSA_PKCS_PSS, &salted, sizeof salted}};
    unsigned char out[256], text[64] = {0};
    CK_ULONG size;

    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        size = sizeof out;
        assert_rv(CALL(sign_init, &mechanisms[i], key), CKR_OK);
        assert_rv(CALL(sign, text, sizeof text, out, &size), CKR_OK);
    }
    size = sizeof out;
    assert_rv(CALL(decrypt_init, &oaep_sha1, key), CKR_OK);
    assert_rv(CALL(decrypt, made->ciphertext, sizeof made->ciphertext, out, &size), CKR_OK);
    assert_int_equal(size, KEY);
    explicit_bzero(out, sizeof out);
    size = sizeof out;
    assert_rv(CALL(decrypt_init, &oaep_sha1, key), CKR_OK); /* one that is not fetched */
    assert_rv(CALL(decrypt, made->ciphertext, sizeof made->ciphertext, NULL, &size), CKR_OK);
    size = 1;
    assert_rv(CALL(decrypt, made->ciphertext, sizeof made->ciphertext, out, &size), CKR_BUFFER_TOO_SMALL);
}

static void rewrap(CK_OBJECT_HANDLE key)
{
    unsigned char blob[2048];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE kek = aes_key(kek_value, KEY);

    assert_rv(CALL(wrap_key, &key_wrap_pad, kek, key, blob, &size), CKR_OK);
}

static void close_all(void)
{
    assert_rv(token->ops->close_session(session), CKR_OK);
    session = NULL;
}

static void test_nothing_of_a_private_key_stays(void **state)
{
    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    CK_OBJECT_HANDLE key = unwrap(made->wrapped_private, made->private_size, CKO_PRIVATE_KEY, CKK_RSA);

    use_private(key);
    rewrap(key);
    assert_int_not_equal(count_of_trace(PRIME) + count_of_trace(PRIME_TURNED),
                         0); /* or it would not be seen */
    assert_rv(CALL(destroy_object, key), CKR_OK);
    close_all();
    assert_nothing_left();
}

static void test_nothing_of_an_ec_key_stays(void **state)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
    unsigned char out[64], text[64] = {0};
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE key;

    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    key = unwrap(made->wrapped_ec, made->ec_size, CKO_PRIVATE_KEY, CKK_EC);
    assert_rv(CALL(sign_init, &ecdsa, key), CKR_OK);
    assert_rv(CALL(sign, text, sizeof text, out, &size), CKR_OK);
    rewrap(key);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    close_all();
    assert_nothing_left();
}

/* Neither when the blob held no such key. */
static void test_nothing_of_a_refused_key_stays(void **state)
{
    CK_KEY_TYPE ec = CKK_EC;
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, private_class), ATTRIBUTE(CKA_KEY_TYPE, ec)};
    CK_OBJECT_HANDLE key, kek;

    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    kek = aes_key(kek_value, KEY);
    assert_rv(CALL(unwrap_key, &key_wrap_pad, kek, made->wrapped_private, (CK_ULONG)made->private_size, list,
                   2, &key),
              CKR_WRAPPED_KEY_INVALID);
    assert_nothing_left();
}

static void test_nothing_of_a_mac_key_stays(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    unsigned char mac[32], text[64] = {0};
    CK_ULONG size = sizeof mac;
    CK_OBJECT_HANDLE key;

    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    key = secret_of(CKK_GENERIC_SECRET);
    assert_rv(CALL(sign_init, &hmac, key), CKR_OK);
    assert_rv(CALL(sign, text, sizeof text, mac, &size), CKR_OK);
    assert_rv(CALL(verify_init, &hmac, key), CKR_OK);
    assert_rv(CALL(verify, text, sizeof text, mac, size), CKR_OK);
    assert_rv(CALL(sign_init, &hmac, key), CKR_OK);
    assert_rv(CALL(sign_update, text, sizeof text), CKR_OK); /* one that is not ended */
    assert_int_not_equal(count_of_trace(SECRET), 0);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    close_all();
    assert_nothing_left();
}

static void use_cipher(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    unsigned char text[64] = {0}, out[96], back[96];
    CK_ULONG size = sizeof out, rest = sizeof back;

    assert_rv(CALL(encrypt_init, mechanism, key), CKR_OK);
    assert_rv(CALL(encrypt, text, sizeof text, out, &size), CKR_OK);
    assert_rv(CALL(decrypt_init, mechanism, key), CKR_OK);
    assert_rv(CALL(decrypt, out, size, back, &rest), CKR_OK);
}

static void test_nothing_of_an_aes_key_stays(void **state)
{
    unsigned char iv[16] = {0};
    CK_GCM_PARAMS with_tag = {iv, 12, 96, NULL, 0, 128};
    CK_AES_CTR_PARAMS counter = {128, {0}};
    CK_MECHANISM mechanisms[] = {{CKM_AES_ECB, NULL, 0},
                                 {CKM_AES_CBC, iv, 16},
                                 {CKM_AES_CBC_PAD, iv, 16},
                                 {CKM_AES_CTR, &counter, sizeof counter},
                                 {CKM_AES_GCM, &with_tag, sizeof with_tag}};
    CK_ULONG size = 16;
    CK_OBJECT_HANDLE key;

    (void)state;
    if (traces_cannot_be_sought()) {
        skip();
    }
    key = secret_of(CKK_AES);
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        use_cipher(&mechanisms[i], key);
    }
    rewrap(key);
    assert_rv(CALL(encrypt_init, &mechanisms[1], key), CKR_OK);
    assert_rv(CALL(encrypt_update, iv, 16, iv, &size), CKR_OK); /* one that is not ended */
    assert_int_not_equal(count_of_trace(SECRET), 0);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    close_all();
    assert_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_nothing_of_a_refused_key_stays), with_token(test_nothing_of_a_private_key_stays),
        with_token(test_nothing_of_an_ec_key_stays),     with_token(test_nothing_of_a_mac_key_stays),
        with_token(test_nothing_of_an_aes_key_stays),
    };

    return cmocka_run_group_tests_name("traces of keys", tests, make_keys, NULL);
}
