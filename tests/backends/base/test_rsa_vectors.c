/* Known answers: what a padding's name means is what others say it means. */
#include "backends/base/base64url.h"
#include "tests/backends/base/rsa_test.h"
#include "tests/vectors.h"
#include <cjson/cJSON.h>

DEFINE_SCOPED(cJSON, cJSON_Delete)

static size_t opened;

/* Of a valid ciphertext without a label the plaintext; of every other OAEP ciphertext nothing. */
static void check_vector(EVP_PKEY *key, enum rsa_padding padding, bool same_mgf, const cJSON *vector)
{
    unsigned char blob[2048], message[2048], plain[2048];
    bool valid = strcmp(vector_text(vector, "result"), "valid") == 0;
    struct bytes wanted = vector_bytes(vector_text(vector, "msg"), message, sizeof message);
    int size;

    if (strcmp(vector_text(vector, "result"), "acceptable") == 0 ||
        (!valid && padding == RSA_PADDING_PKCS1)) {
        return; /* newer OpenSSL answers a bad PKCS#1 block with random bytes */
    }
    size = decrypt(key, padding, vector_bytes(vector_text(vector, "ct"), blob, sizeof blob), plain);
    if (!valid || !same_mgf || vector_text(vector, "label")[0] != '\0') {
        assert_int_equal(size, -1);
        return;
    }
    assert_int_equal(size, wanted.size);
    assert_memory_equal(plain, message, wanted.size);
    opened++;
}

static void check_group(const cJSON *group)
{
    unsigned char der[4096], n[1024], e[16];
    const cJSON *numbers = cJSON_GetObjectItem(group, "privateKey"), *vector;
    struct bytes pkcs8 = vector_bytes(vector_text(group, "privateKeyPkcs8"), der, sizeof der);
    const unsigned char *at = pkcs8.data;
    EVP_PKEY *key SCOPED(EVP_PKEY_free_scoped) = d2i_AutoPrivateKey(NULL, &at, (long)pkcs8.size);
    struct rsa_public *seals SCOPED(rsa_public_free_scoped) = NULL;
    const char *hash = vector_text(group, "sha");
    enum rsa_padding padding = strcmp(hash, "SHA-1") == 0     ? RSA_PADDING_OAEP_SHA1
                               : strcmp(hash, "SHA-256") == 0 ? RSA_PADDING_OAEP_SHA256
                                                              : RSA_PADDING_PKCS1;

    assert_non_null(key);
    assert_int_equal(rsa_public_new(vector_bytes(vector_text(numbers, "modulus"), n, sizeof n),
                                    vector_bytes(vector_text(numbers, "publicExponent"), e, sizeof e),
                                    &seals),
                     CKR_OK);
    assert_round_trip(key, seals, padding, bytes_of("0123456789abcdef", 16));
    cJSON_ArrayForEach(vector, cJSON_GetObjectItem(group, "tests"))
    {
        check_vector(key, padding, strcmp(hash, vector_text(group, "mgfSha")) == 0, vector);
    }
}

static void check_file(const char *name, bool opens)
{
    cJSON *json SCOPED(cJSON_Delete_scoped) = vectors_read(name);
    const cJSON *group;

    opened = 0;
    cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups"))
    {
        check_group(group);
    }
    assert_int_equal(opened > 0, opens);
}

static void test_vectors_oaep_sha1(void **state)
{
    (void)state;
    check_file("rsa_oaep_2048_sha1_mgf1sha1_test.json", true);
}

static void test_vectors_oaep_sha256(void **state)
{
    (void)state;
    check_file("rsa_oaep_2048_sha256_mgf1sha256_test.json", true);
    check_file("rsa_oaep_3072_sha256_mgf1sha256_test.json", true);
    check_file("rsa_oaep_4096_sha256_mgf1sha256_test.json", true);
}

static void test_vectors_oaep_of_many_sizes(void **state)
{
    (void)state;
    check_file("rsa_oaep_misc_sha1_sha256_trimmed.json", true);
}

static void test_vectors_of_mixed_hashes_do_not_open(void **state)
{
    (void)state;
    check_file("rsa_oaep_2048_sha256_mgf1sha1_test.json", false);
}

static void test_vectors_pkcs1(void **state)
{
    (void)state;
    check_file("rsa_pkcs1_2048_test.json", true);
}

static void base64url_in(const cJSON *object, const char *name, struct buffer *to)
{
    assert_int_equal(base64url_decode(vector_text(object, name), to), CKR_OK);
}

static EVP_PKEY *key_of_numbers(struct bytes n, struct bytes e, struct bytes d)
{
    unsigned char native[3][264];
    struct bytes numbers[] = {n, e, d};
    const char *const names[] = {"n", "e", "d"};
    OSSL_PARAM params[4];
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    size_t at, byte;

    for (at = 0; at < 3; at++) { /* big-endian to what OSSL_PARAM takes here */
        for (byte = 0; byte < numbers[at].size; byte++) {
            native[at][byte] = numbers[at].data[numbers[at].size - 1 - byte];
        }
        params[at] = OSSL_PARAM_construct_BN(names[at], native[at], numbers[at].size);
    }
    params[3] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* What the service itself opened: its n begins with a zero byte, its RSA-OAEP is SHA-1 throughout. */
static void test_what_the_service_opened(void **state)
{
    cJSON *json SCOPED(cJSON_Delete_scoped) =
        vectors_read("keyvault_real_rsa_oaep_decrypt_known_private_key.json");
    const cJSON *jwk = cJSON_GetObjectItem(json, "key");
    struct buffer n SCOPED(buffer_free) = BUFFER_INIT(300), e SCOPED(buffer_free) = BUFFER_INIT(300);
    struct buffer d SCOPED(buffer_free) = BUFFER_INIT(300), blob SCOPED(buffer_free) = BUFFER_INIT(300);
    struct buffer plain SCOPED(buffer_free) = BUFFER_INIT(300);
    struct rsa_public *seals SCOPED(rsa_public_free_scoped) = NULL;
    EVP_PKEY *key SCOPED(EVP_PKEY_free_scoped) = NULL;
    const cJSON *request = cJSON_GetObjectItem(json, "decrypt_request");
    const cJSON *response = cJSON_GetObjectItem(json, "decrypt_response");
    unsigned char back[2048];

    (void)state;
    base64url_in(jwk, "n", &n);
    base64url_in(jwk, "e", &e);
    base64url_in(jwk, "d", &d);
    base64url_in(cJSON_GetObjectItem(request, "body"), "value", &blob);
    base64url_in(cJSON_GetObjectItem(response, "body"), "value", &plain);
    assert_int_equal(n.data[0], 0);
    assert_int_equal(rsa_public_new(buffer_bytes(&n), buffer_bytes(&e), &seals), CKR_OK);
    assert_int_equal(rsa_public_bits(seals), 2048);
    key = key_of_numbers(buffer_bytes(&n), buffer_bytes(&e), buffer_bytes(&d));
    assert_int_equal(decrypt(key, RSA_PADDING_OAEP_SHA1, buffer_bytes(&blob), back), plain.size);
    assert_memory_equal(back, plain.data, plain.size);
    assert_round_trip(key, seals, RSA_PADDING_OAEP_SHA1, buffer_bytes(&plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_oaep_sha1),
        cmocka_unit_test(test_vectors_oaep_sha256),
        cmocka_unit_test(test_vectors_oaep_of_many_sizes),
        cmocka_unit_test(test_vectors_of_mixed_hashes_do_not_open),
        cmocka_unit_test(test_vectors_pkcs1),
        cmocka_unit_test(test_what_the_service_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
