/* Checks 10 to 12: which keys leave the token, and under which. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};
static unsigned char blob[600];

static CK_RV wrap(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key)
{
    CK_ULONG size = sizeof blob;
    CK_RV rv;

    memset(blob, UNTOUCHED, sizeof blob);
    rv = CALL(wrap_key, mechanism, kek, key, blob, &size);
    for (size_t i = 0; rv != CKR_OK && i < sizeof blob; i++) {
        assert_int_equal(blob[i], UNTOUCHED);
    }
    return rv;
}

/* A size query is refused as well: its answer would tell the size of a key that stays. */
static void assert_not_wrapped(CK_OBJECT_HANDLE key, CK_RV expected)
{
    CK_OBJECT_HANDLE public = the(CKO_PUBLIC_KEY, "kek"), kek = key_that_may(CKA_WRAP);
    CK_MECHANISM *rsa[] = {&oaep_sha1, &oaep_sha256, &oaep_none, &pkcs1};
    unsigned before = fake_count_all(fake);
    CK_ULONG size = UNTOUCHED;

    for (size_t i = 0; i < COUNT(rsa); i++) {
        assert_rv(wrap(rsa[i], public, key), expected);
        assert_rv(CALL(wrap_key, rsa[i], public, key, NULL, &size), expected);
    }
    assert_rv(wrap(&key_wrap, kek, key), expected);
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, NULL, &size), expected);
    assert_int_equal(size, UNTOUCHED);
    assert_int_equal(fake_count_all(fake), before);
}

static void check_10_what_is_not_extractable_is_not_wrapped(void **state)
{
    const CK_ATTRIBUTE open[] = {ATTRIBUTE(CKA_SENSITIVE, no)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_not_wrapped(key_with(origin, NULL, 0), CKR_KEY_UNEXTRACTABLE);
        assert_not_wrapped(key_with(origin, open, 1), CKR_KEY_UNEXTRACTABLE);
    }
}

static void check_10_what_is_extractable_is(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(wrap(&oaep_sha1, the(CKO_PUBLIC_KEY, "kek"), key_with(origin, more, 1)), CKR_OK);
        assert_rv(wrap(&key_wrap, key_that_may(CKA_WRAP), key_with(origin, more, 1)), CKR_OK);
    }
}

static void check_10_a_vaults_private_key_is_not_wrapped(void **state)
{
    (void)state;
    assert_not_wrapped(the(CKO_PRIVATE_KEY, "kek"), CKR_KEY_UNEXTRACTABLE);
    assert_int_equal(fake_count_all(fake), 0);
}

static void check_11_a_key_for_trusted_keks_is_wrapped_under_none(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_WRAP_WITH_TRUSTED, yes)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, more, 2);

        assert_not_wrapped(key, CKR_KEY_NOT_WRAPPABLE);
        assert_refused(set_flag(key, CKA_WRAP_WITH_TRUSTED, false));
        assert_not_wrapped(key, CKR_KEY_NOT_WRAPPABLE);
    }
}

/* The owner of a key decides by its attributes; a KEK that the application knows gives it no more than they do. */
static void check_12_a_known_kek_wraps_only_what_may_leave(void **state)
{
    CK_OBJECT_HANDLE known = key_that_may(CKA_WRAP);
    const CK_ATTRIBUTE stays[] = {ATTRIBUTE(CKA_EXTRACTABLE, no)};
    const CK_ATTRIBUTE trusted[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_WRAP_WITH_TRUSTED, yes)};
    const CK_ATTRIBUTE leaves[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    assert_false(flag_of(known, CKA_TRUSTED));
    assert_rv(wrap(&key_wrap, known, key_with(UNWRAPPED, stays, 1)), CKR_KEY_UNEXTRACTABLE);
    assert_rv(wrap(&key_wrap, known, key_with(UNWRAPPED, trusted, 2)), CKR_KEY_NOT_WRAPPABLE);
    assert_rv(wrap(&key_wrap, known, key_with(UNWRAPPED, leaves, 1)), CKR_OK);
}

/* Such a KEK's other half is somebody's outside: what is wrapped under it is known there. It is logged. */
static CK_OBJECT_HANDLE known_public_kek(const CK_ATTRIBUTE *use)
{
    unsigned char modulus[256], exponent[] = {1, 0, 1};
    CK_ATTRIBUTE of_vault = {CKA_MODULUS, modulus, sizeof modulus};
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, public_class), ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                           ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent), of_vault, *use};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &of_vault, 1), CKR_OK);
    assert_rv(CALL(create_object, list, COUNT(list), &key), CKR_OK);
    return key;
}

static void check_12_a_public_key_that_was_imported_wraps_no_more(void **state)
{
    const CK_ATTRIBUTE wraps = ATTRIBUTE(CKA_WRAP, yes), encrypts = ATTRIBUTE(CKA_ENCRYPT, yes);
    const CK_ATTRIBUTE trusted[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_WRAP_WITH_TRUSTED, yes)};
    CK_OBJECT_HANDLE known = known_public_kek(&wraps);

    (void)state;
    assert_false(flag_of(known, CKA_TRUSTED));
    assert_refused(set_flag(known, CKA_TRUSTED, true));
    assert_rv(wrap(&oaep_sha1, known, key_with(UNWRAPPED, NULL, 0)), CKR_KEY_UNEXTRACTABLE);
    assert_rv(wrap(&oaep_sha1, known, key_with(UNWRAPPED, trusted, 2)), CKR_KEY_NOT_WRAPPABLE);
    assert_rv(wrap(&oaep_sha1, known, key_with(UNWRAPPED, trusted, 1)), CKR_OK);
    assert_rv(wrap(&oaep_sha1, known_public_kek(&encrypts), key_with(UNWRAPPED, trusted, 1)),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void check_12_no_imported_public_key_is_trusted(void **state)
{
    unsigned char modulus[256] = {0xff}, exponent[] = {1, 0, 1};
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, public_class),
                           ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                           ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                           {CKA_MODULUS, modulus, sizeof modulus},
                           ATTRIBUTE(CKA_TRUSTED, yes)};
    CK_OBJECT_HANDLE key;

    (void)state;
    modulus[255] = 1;
    assert_rv(CALL(create_object, list, COUNT(list), &key), CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(CALL(create_object, list, COUNT(list) - 1, &key), CKR_OK);
}

static const struct CMUnitTest tests[] = {
    with_token(check_10_what_is_not_extractable_is_not_wrapped),
    with_token(check_10_what_is_extractable_is),
    with_token(check_10_a_vaults_private_key_is_not_wrapped),
    with_token(check_11_a_key_for_trusted_keks_is_wrapped_under_none),
    with_token(check_12_a_known_kek_wraps_only_what_may_leave),
    with_token(check_12_a_public_key_that_was_imported_wraps_no_more),
    with_token(check_12_no_imported_public_key_is_trusted),
};

const struct room wrapping_room = ROOM(tests);
