/* Check 34: what belongs to one token is nothing to another. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static struct token *other;
static struct token_session *of_first, *of_other;
static CK_OBJECT_HANDLE first_keys[3], other_keys[3];

static void open_keys(CK_OBJECT_HANDLE keys[3])
{
    keys[0] = the(CKO_PUBLIC_KEY, "kek");
    keys[1] = the(CKO_PRIVATE_KEY, "kek");
    keys[2] = aes_key(DATA_KEY, 32);
}

/* Both tokens name their key "kek" and have an AES key; `session` may be either's. */
static int begin(void **state)
{
    struct key_service *service = fake_key_service_new();

    if (soft_setup(state) != 0) {
        return -1;
    }
    fake_add(service, "kek", 2048);
    fake_configure(service, "kek");
    other = soft_open_another(service, 2);
    of_first = session;
    open_keys(first_keys);
    assert_rv(other->ops->open_session(other, CKF_SERIAL_SESSION, NULL, NULL, &of_other), CKR_OK);
    session = of_other;
    open_keys(other_keys);
    return 0;
}

static int end(void **state)
{
    other->ops->close_session(of_other);
    other->ops->close(other);
    session = of_first;
    return soft_end(state);
}

static void assert_foreign(struct token_session *here, const CK_OBJECT_HANDLE *own,
                           const CK_OBJECT_HANDLE *foreign)
{
    unsigned char iv[12] = {0}, out[600];
    CK_GCM_PARAMS parameters = {iv, sizeof iv, 96, NULL, 0, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, &parameters, sizeof parameters};
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    CK_OBJECT_HANDLE made;
    CK_ULONG size = sizeof out;

    session = here;
    for (int i = 0; i < 3; i++) {
        assert_rv(CALL(get_attribute_value, foreign[i], &label, 1), CKR_OBJECT_HANDLE_INVALID);
        assert_rv(CALL(set_attribute_value, foreign[i], &label, 1), CKR_OBJECT_HANDLE_INVALID);
        assert_rv(CALL(copy_object, foreign[i], NULL, 0, &made), CKR_OBJECT_HANDLE_INVALID);
        assert_rv(CALL(destroy_object, foreign[i]), CKR_OBJECT_HANDLE_INVALID);
        assert_rv(CALL(get_object_size, foreign[i], &size), CKR_OBJECT_HANDLE_INVALID);
        assert_rv(CALL(encrypt_init, &gcm, foreign[i]), CKR_KEY_HANDLE_INVALID);
        assert_rv(CALL(decrypt_init, &oaep_sha1, foreign[i]), CKR_KEY_HANDLE_INVALID);
        size = sizeof out;
        assert_rv(CALL(wrap_key, &oaep_sha1, foreign[i], own[2], out, &size),
                  CKR_WRAPPING_KEY_HANDLE_INVALID);
        assert_rv(CALL(wrap_key, &oaep_sha1, own[0], foreign[i], out, &size), CKR_KEY_HANDLE_INVALID);
        assert_rv(unwrap_under(foreign[i], &oaep_sha1, out, 256, &made), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    }
}

static void check_34_handles_of_another_token_are_none(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            assert_true(first_keys[i] != other_keys[k]);
        }
    }
    assert_foreign(of_first, first_keys, other_keys);
    assert_foreign(of_other, other_keys, first_keys);
    assert_int_equal(fake_count_all(fake), 0);
}

/* What is found is one's own, too. */
static void check_34_finds_are_of_one_token(void **state)
{
    CK_OBJECT_HANDLE found[16];
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    CK_ULONG count;

    (void)state;
    session = of_first;
    count = find(NULL, 0, found, COUNT(found));
    assert_true(count >= 3);
    session = of_other;
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(CALL(get_attribute_value, found[i], &label, 1), CKR_OBJECT_HANDLE_INVALID);
    }
}

/* An object that is no key, wherever a key is wanted. */
static void check_34_what_is_no_key_is_no_keys_handle(void **state)
{
    CK_MECHANISM sha256_rsa = {CKM_SHA256_RSA_PKCS, NULL, 0}, sha256_hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_MECHANISM *mechanisms[] = {&oaep_sha1, &pkcs1, &sha256_rsa, &sha256_hmac},
                 sha256 = {CKM_SHA256, NULL, 0};
    CK_OBJECT_CLASS class = CKO_PROFILE;
    CK_ATTRIBUTE profile = ATTRIBUTE(CKA_CLASS, class);
    CK_OBJECT_HANDLE object, made, key = aes_key(DATA_KEY, 32);
    unsigned char out[600];
    CK_ULONG size = sizeof out;

    (void)state;
    assert_int_equal(find(&profile, 1, &object, 1), 1);
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        assert_either(CALL(encrypt_init, mechanisms[i], object), CKR_KEY_HANDLE_INVALID,
                      CKR_MECHANISM_INVALID);
        assert_either(CALL(decrypt_init, mechanisms[i], object), CKR_KEY_HANDLE_INVALID,
                      CKR_MECHANISM_INVALID);
        assert_either(CALL(sign_init, mechanisms[i], object), CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_INVALID);
        assert_either(CALL(verify_init, mechanisms[i], object), CKR_KEY_HANDLE_INVALID,
                      CKR_MECHANISM_INVALID);
    }
    assert_rv(CALL(wrap_key, &oaep_sha1, object, key, out, &size), CKR_WRAPPING_KEY_HANDLE_INVALID);
    assert_rv(CALL(wrap_key, &oaep_sha1, the(CKO_PUBLIC_KEY, "kek"), object, out, &size),
              CKR_KEY_HANDLE_INVALID);
    assert_rv(unwrap_under(object, &oaep_sha1, out, 256, &made), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    assert_rv(CALL(digest_init, &sha256), CKR_OK);
    assert_either(CALL(digest_key, object), CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(check_34_handles_of_another_token_are_none, begin, end),
    cmocka_unit_test_setup_teardown(check_34_finds_are_of_one_token, begin, end),
    with_token(check_34_what_is_no_key_is_no_keys_handle),
};

const struct room handle_room = ROOM(tests);
