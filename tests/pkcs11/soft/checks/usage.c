/* Checks 19, 20 and 27: a key does what it was made for, with the mechanisms that it was made for. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static unsigned char iv[16], text[600], out[600];
static CK_GCM_PARAMS gcm_parameters = {iv, 12, 96, NULL, 0, 128};
static CK_MECHANISM gcm = {CKM_AES_GCM, &gcm_parameters, sizeof gcm_parameters};
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};

static CK_RV unwrap_with(CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE *ret_key)
{
    return unwrap_under(kek, &key_wrap, text, 40, ret_key);
}

static CK_RV wrap_with(CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key)
{
    CK_ULONG size = sizeof out;

    return CALL(wrap_key, &key_wrap, kek, key, out, &size);
}

/* Each use is refused but the one that the key has. */
static void check_19_a_secret_key_does_what_it_may_and_nothing_else(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,   CKA_UNWRAP,
                                             CKA_SIGN,    CKA_VERIFY,  CKA_DERIVE, CKA_EXTRACTABLE};
    CK_OBJECT_HANDLE target = aes_key(DATA_KEY, 32), made;

    (void)state;
    for (size_t i = 0; i < COUNT(uses); i++) {
        CK_OBJECT_HANDLE key = key_that_may(uses[i]);

        assert_rv(CALL(encrypt_init, &gcm, key),
                  uses[i] == CKA_ENCRYPT ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(CALL(decrypt_init, &gcm, key),
                  uses[i] == CKA_DECRYPT ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(wrap_with(key, target), uses[i] == CKA_WRAP ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(unwrap_with(key, &made),
                  uses[i] == CKA_UNWRAP ? CKR_WRAPPED_KEY_INVALID : CKR_KEY_FUNCTION_NOT_PERMITTED);
        if (uses[i] == CKA_ENCRYPT) {
            assert_rv(CALL(encrypt_init, NULL, 0), CKR_OK); /* ended */
        }
        if (uses[i] == CKA_DECRYPT) {
            assert_rv(CALL(decrypt_init, NULL, 0), CKR_OK);
        }
    }
}

static void check_19_a_key_that_was_told_nothing_does_nothing(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,  CKA_UNWRAP,
                                             CKA_SIGN,    CKA_VERIFY,  CKA_DERIVE};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, NULL, 0), made;

        for (size_t i = 0; i < COUNT(uses); i++) {
            assert_false(flag_of(key, uses[i]));
        }
        assert_rv(CALL(encrypt_init, &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(CALL(decrypt_init, &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_rv(unwrap_with(key, &made), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
}

/* The owner's key_ops, once they are known; nothing more is sent. */
static void learn_uses(unsigned uses)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = uses;
    soft_open("");
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &modulus, 1), CKR_OK);
}

static void check_19_a_vault_key_that_only_signs(void **state)
{
    struct bytes blob = bytes_of(text, 256);
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE made;
    unsigned before;

    (void)state;
    learn_uses(KEY_USE_SIGN | KEY_USE_VERIFY);
    before = fake_count_all(fake);
    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, blob, out, &size),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap_as(CKK_AES, 0, &oaep_sha1, blob, &made), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(CALL(encrypt_init, &oaep_sha1, the(CKO_PUBLIC_KEY, "kek")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha1, out, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), before);
}

static void check_19_a_vault_key_that_only_unwraps(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_ULONG size = sizeof out;
    CK_OBJECT_HANDLE made;
    unsigned before;

    (void)state;
    learn_uses(KEY_USE_WRAP | KEY_USE_UNWRAP);
    blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of_text(DATA_KEY));
    before = fake_count_all(fake);
    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, buffer_bytes(&blob), out, &size),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), before);
    assert_rv(unwrap_as(CKK_AES, 0, &oaep_sha1, buffer_bytes(&blob), &made), CKR_OK);
    buffer_free(&blob);
}

/* What the service has not told yet it judges itself, with the same code. */
static void check_19_an_unknown_use_is_the_services_to_refuse(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_ULONG size = sizeof out;

    (void)state;
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = KEY_USE_SIGN;
    soft_open("");
    blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of_text(DATA_KEY));
    assert_rv(decrypt_with(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha1, buffer_bytes(&blob), out, &size),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    buffer_free(&blob);
}

static void check_20_allowed_mechanisms_bind(void **state)
{
    CK_MECHANISM_TYPE allowed[] = {CKM_AES_CBC_PAD, CKM_AES_KEY_WRAP};
    const CK_ATTRIBUTE more[] = {{CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed},
                                 ATTRIBUTE(CKA_ENCRYPT, yes),
                                 ATTRIBUTE(CKA_DECRYPT, yes),
                                 ATTRIBUTE(CKA_WRAP, yes)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, more, 4);

        assert_rv(CALL(encrypt_init, &gcm, key), CKR_MECHANISM_INVALID);
        assert_rv(CALL(decrypt_init, &gcm, key), CKR_MECHANISM_INVALID);
        assert_rv(CALL(encrypt_init, &cbc, key), CKR_OK);
        assert_rv(CALL(encrypt_init, NULL, 0), CKR_OK);
        assert_rv(wrap_with(key, aes_key(DATA_KEY, 32)), CKR_OK);
    }
    allowed[1] = CKM_AES_CBC_PAD;
    assert_rv(wrap_with(key_with(CREATED, more, 4), aes_key(DATA_KEY, 32)), CKR_MECHANISM_INVALID);
}

/* Raw RSA lets its caller make any padding; no vault offers it, and nothing here makes it out of another. */
static void check_20_there_is_no_raw_rsa(void **state)
{
    CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};
    CK_OBJECT_HANDLE public = the(CKO_PUBLIC_KEY, "kek"), private = the(CKO_PRIVATE_KEY, "kek"), made;
    CK_ULONG size = sizeof out;

    (void)state;
    assert_false(lists(CKM_RSA_X_509, 0));
    assert_rv(CALL(encrypt_init, &raw, public), CKR_MECHANISM_INVALID);
    assert_rv(CALL(decrypt_init, &raw, private), CKR_MECHANISM_INVALID);
    assert_rv(wrap_under(public, &raw, out, &size), CKR_MECHANISM_INVALID);
    assert_rv(unwrap_under(private, &raw, text, 256, &made), CKR_MECHANISM_INVALID);
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_20_a_mechanism_of_another_type_of_key(void **state)
{
    CK_OBJECT_HANDLE aes = aes_key(DATA_KEY, 32), public = the(CKO_PUBLIC_KEY, "kek"),
                     private = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    assert_rv(CALL(encrypt_init, &oaep_sha1, aes), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(decrypt_init, &pkcs1, aes), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(encrypt_init, &gcm, public), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(decrypt_init, &cbc, private), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(wrap_with(public, aes), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_27_nothing_derives(void **state)
{
    CK_MECHANISM_TYPE types[128];
    CK_ULONG count = COUNT(types);
    CK_MECHANISM_INFO info;

    (void)state;
    assert_rv(token->ops->get_mechanism_list(token, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(token->ops->get_mechanism_info(token, types[i], &info), CKR_OK);
        assert_int_equal(info.flags & CKF_DERIVE, 0);
    }
    assert_null(token->ops->derive_key); /* the door answers CKR_FUNCTION_NOT_SUPPORTED */
}

static const struct CMUnitTest tests[] = {
    with_token(check_19_a_secret_key_does_what_it_may_and_nothing_else),
    with_token(check_19_a_key_that_was_told_nothing_does_nothing),
    with_service(check_19_a_vault_key_that_only_signs),
    with_service(check_19_a_vault_key_that_only_unwraps),
    with_service(check_19_an_unknown_use_is_the_services_to_refuse),
    with_token(check_20_allowed_mechanisms_bind),
    with_token(check_20_there_is_no_raw_rsa),
    with_token(check_20_a_mechanism_of_another_type_of_key),
    with_token(check_27_nothing_derives),
};

const struct room usage_room = ROOM(tests);
