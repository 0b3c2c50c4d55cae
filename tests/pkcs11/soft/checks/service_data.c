/* Check 38: a service that lies. Its verbs are the fake's, but for what a test puts in their place. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static struct key_service_ops lying;
static size_t lie; /* bytes in its answers */
static unsigned char out[600];

static void fill_answer(struct service_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->verdict = VERDICT_ACCEPTED;
    answer->status = 200;
    memset(answer->version, 'v', sizeof answer->version - 1);
}

static CK_RV open_to_lie(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                         struct bytes blob, struct deadline deadline, struct secret *ret_plain,
                         struct service_answer *ret_answer)
{
    (void)service;
    (void)key;
    (void)padding;
    (void)blob;
    (void)deadline;
    fill_answer(ret_answer);
    return lie == 0 ? CKR_OK : secret_new(lie, ret_plain);
}

static CK_RV seal_to_lie(struct key_service *service, const struct key_ref *key, enum rsa_padding padding,
                         struct bytes plain, struct deadline deadline, struct buffer *ret_blob,
                         struct service_answer *ret_answer)
{
    static const unsigned char zeros[1 << 20];

    (void)service;
    (void)key;
    (void)padding;
    (void)plain;
    (void)deadline;
    fill_answer(ret_answer);
    buffer_clear(ret_blob);
    return buffer_append(ret_blob, zeros, lie) == CKR_OK ? CKR_OK : CKR_DEVICE_ERROR;
}

static void tell_lies(void)
{
    lying = *fake->ops;
    lying.unwrap = lying.decrypt = open_to_lie;
    lying.wrap = lying.encrypt = seal_to_lie;
    fake->ops = &lying;
    soft_open("    wrap = service");
}

static const size_t lengths[] = {0, 1, 15, 16, 255, 257, 512, 513, 600, 4096, 4097, 1 << 20};

static void check_38_an_unwrapped_key_longer_than_any(void **state)
{
    CK_OBJECT_HANDLE key;

    (void)state;
    tell_lies();
    for (size_t i = 0; i < COUNT(lengths); i++) {
        lie = lengths[i];
        assert_rv(unwrap_as(CKK_AES, 0, &oaep_sha1, bytes_of(out, 256), &key),
                  lie == 16 ? CKR_OK : CKR_WRAPPED_KEY_INVALID);
        CK_RV rv = unwrap_as(CKK_GENERIC_SECRET, 0, &oaep_sha1, bytes_of(out, 256), &key);

        assert_rv(rv, lie == 0 || lie > 4096 ? CKR_WRAPPED_KEY_INVALID : CKR_OK);
    }
}

static void check_38_a_plaintext_longer_than_the_buffer(void **state)
{
    CK_ULONG size;
    CK_RV rv;

    (void)state;
    tell_lies();
    for (size_t i = 0; i < COUNT(lengths); i++) {
        lie = lengths[i];
        memset(out, UNTOUCHED, sizeof out);
        size = 256;
        rv = decrypt_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, bytes_of(out + 300, 256), out, &size);
        assert_either(rv, lie > 256 ? CKR_BUFFER_TOO_SMALL : CKR_OK, CKR_DEVICE_ERROR);
        assert_int_equal(out[256], UNTOUCHED);
        if (rv == CKR_BUFFER_TOO_SMALL) {
            assert_int_equal(size, lie);
            assert_rv(CALL(decrypt_init, NULL, 0), CKR_OK);
        }
    }
}

/* A length that no key could give is refused where the answer is read: tests/backends/keyvault/test_vault_client. */
static void check_38_a_blob_longer_than_the_buffer(void **state)
{
    static const size_t sizes[] = {256, 384, 512, 513, 1 << 20};
    unsigned char blob[512 + 16];
    CK_ULONG size;

    (void)state;
    tell_lies();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        lie = sizes[i];
        memset(blob, UNTOUCHED, sizeof blob);
        assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha1, blob, &size),
                  lie > 512 ? CKR_DEVICE_ERROR : CKR_OK);
        assert_true(size <= 512);
        assert_int_equal(blob[512], UNTOUCHED);
    }
}

static void check_38_numbers_that_are_no_modulus(void **state)
{
    unsigned char n[600];
    static const unsigned char e[] = {1, 0, 1}, even[] = {1, 0, 0}, one[] = {1};
    struct rsa_public *key = NULL;

    (void)state;
    memset(n, 0xff, sizeof n);
    assert_int_not_equal(rsa_public_new(bytes_of(NULL, 0), bytes_of(e, 3), &key), CKR_OK);
    assert_int_not_equal(rsa_public_new(bytes_of("\0", 1), bytes_of(e, 3), &key), CKR_OK);
    assert_int_not_equal(rsa_public_new(bytes_of(one, 1), bytes_of(e, 3), &key), CKR_OK);
    assert_int_not_equal(rsa_public_new(bytes_of(n, 256), bytes_of(even, 3), &key), CKR_OK);
    assert_int_not_equal(rsa_public_new(bytes_of(n, 256), bytes_of(one, 1), &key), CKR_OK);
    assert_int_not_equal(rsa_public_new(bytes_of(n, 256), bytes_of(n, 256), &key), CKR_OK);
    n[255] = 0xfe;
    assert_int_not_equal(rsa_public_new(bytes_of(n, 256), bytes_of(e, 3), &key), CKR_OK); /* even */
    assert_null(key);
    n[255] = 0xff;
    assert_rv(rsa_public_new(bytes_of(n, 256), bytes_of(e, 3), &key), CKR_OK);
    rsa_public_free(key);
}

/* The key grows between a size query and the call: the second judges anew. */
static void check_38_a_key_of_another_size_than_it_was(void **state)
{
    CK_OBJECT_HANDLE public = the(CKO_PUBLIC_KEY, "kek"), key = aes_key(DATA_KEY, 32);
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    unsigned char small[256 + 1];
    CK_ULONG size = 0;

    (void)state;
    assert_rv(CALL(get_attribute_value, public, &modulus, 1), CKR_OK);
    assert_rv(CALL(wrap_key, &oaep_sha1, public, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 256);
    fake_add(fake, "kek", 3072);
    small[256] = UNTOUCHED;
    assert_rv(CALL(wrap_key, &oaep_sha1, public, key, small, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 384);
    assert_int_equal(small[256], UNTOUCHED);
}

/* Nor does a new version between the two calls of a decryption change what is asked for. */
static void check_38_a_new_version_in_mid_operation(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    fake_add(fake, "kek", 3072);
    blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of_text(DATA_KEY));
    assert_rv(CALL(decrypt, blob.data, blob.size, out, &size), CKR_OK);
    assert_int_equal(size, 32);
    assert_memory_equal(out, DATA_KEY, 32);
    buffer_free(&blob);
}

static void check_38_a_key_that_goes_in_mid_operation(void **state)
{
    CK_ULONG size = sizeof out;

    (void)state;
    assert_rv(CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    fake_remove(fake, "kek");
    assert_rv(CALL(decrypt, out, 256, out, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(decrypt, out, 256, out, &size), CKR_OPERATION_NOT_INITIALIZED);
}

static const struct CMUnitTest tests[] = {
    with_service(check_38_an_unwrapped_key_longer_than_any),
    with_service(check_38_a_plaintext_longer_than_the_buffer),
    with_service(check_38_a_blob_longer_than_the_buffer),
    with_token(check_38_numbers_that_are_no_modulus),
    with_token(check_38_a_key_of_another_size_than_it_was),
    with_token(check_38_a_new_version_in_mid_operation),
    with_token(check_38_a_key_that_goes_in_mid_operation),
};

const struct room service_room = ROOM(tests);
