/*
 * Checks 1, 2, 7, 9 and 13 to 15 under both policies: each way to give one value two usages that together tell
 * it, or to get a wrapped key back in the clear. What each policy says by itself: tests/pkcs11/soft/test_policy.
 */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static const struct {
    CK_ATTRIBUTE_TYPE first, second;
} conflicts[] = {{CKA_WRAP, CKA_DECRYPT},   {CKA_DECRYPT, CKA_WRAP}, {CKA_UNWRAP, CKA_ENCRYPT},
                 {CKA_ENCRYPT, CKA_UNWRAP}, {CKA_SIGN, CKA_DECRYPT}, {CKA_DECRYPT, CKA_SIGN}};

static CK_RV both_at_once(enum origin origin, CK_ATTRIBUTE_TYPE first, CK_ATTRIBUTE_TYPE second)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(first, yes), ATTRIBUTE(second, yes)};
    CK_OBJECT_HANDLE key;

    return make_key(origin, more, 2, &key);
}

static void try_each_way(CK_RV expected)
{
    for (size_t i = 0; i < COUNT(conflicts); i++) {
        for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
            assert_rv(both_at_once(origin, conflicts[i].first, conflicts[i].second), expected);
        }
    }
}

static void check_01_and_02_no_key_has_both_usages(void **state)
{
    (void)state;
    soft_open("    policy = strict");
    try_each_way(CKR_TEMPLATE_INCONSISTENT);
}

static void check_01_a_compatible_token_lets_the_application_decide(void **state)
{
    (void)state;
    soft_open("    policy = compatible");
    try_each_way(CKR_OK);
}

/* The second usage by C_SetAttributeValue, by C_CopyObject, and by another key of the same value. */
static void check_07_and_15_nor_one_after_the_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(conflicts); i++) {
        const CK_ATTRIBUTE first[] = {ATTRIBUTE(conflicts[i].first, yes)};
        const CK_ATTRIBUTE second[] = {ATTRIBUTE(conflicts[i].second, yes)};
        CK_OBJECT_HANDLE key, other = UNTOUCHED;

        assert_int_equal(soft_begin(state), 0); /* a value has one history for each token */
        soft_open("    policy = strict");
        key = key_with(CREATED, first, 1);
        assert_rv(set_flag(key, conflicts[i].second, true), CKR_TEMPLATE_INCONSISTENT);
        assert_false(flag_of(key, conflicts[i].second));
        assert_rv(copy_with_flag(key, conflicts[i].second, true, &other), CKR_TEMPLATE_INCONSISTENT);
        assert_rv(make_key(CREATED, second, 1, &other), CKR_TEMPLATE_INCONSISTENT);
        assert_rv(make_key(UNWRAPPED, second, 1, &other), CKR_TEMPLATE_INCONSISTENT);
        assert_rv(CALL(destroy_object, key), CKR_OK);
        assert_rv(make_key(UNWRAPPED, second, 1, &other), CKR_TEMPLATE_INCONSISTENT);
        assert_int_equal(other, UNTOUCHED);
        assert_rv(make_key(UNWRAPPED, first, 1, &other), CKR_OK);
        assert_int_equal(soft_end(state), 0);
    }
    assert_int_equal(soft_begin(state), 0); /* for the end */
}

static CK_OBJECT_HANDLE wrapped_and_unwrapped(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wraps,
                                              CK_OBJECT_HANDLE unwraps)
{
    const CK_ATTRIBUTE leaves[] = {ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                           ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    unsigned char blob[600];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(wrap_key, mechanism, wraps, key_with(GENERATED, leaves, 1), blob, &size), CKR_OK);
    assert_rv(CALL(unwrap_key, mechanism, unwraps, blob, size, list, COUNT(list), &key), CKR_OK);
    return key;
}

static CK_OBJECT_HANDLE kek_for_both(void)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_WRAP, yes), ATTRIBUTE(CKA_UNWRAP, yes)};

    return key_with(CREATED, more, 2);
}

/* A sensitive key out and in again, as something that says it is not sensitive, by each way there is. */
static void try_to_read(bool may)
{
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    struct rsa_aes_key_wrap_params hybrid = {256, &sha1};
    CK_MECHANISM ways[] = {oaep_sha1,
                           oaep_sha256,
                           {CKM_RSA_AES_KEY_WRAP, &hybrid, sizeof hybrid},
                           {CKM_AES_KEY_WRAP, NULL, 0},
                           {CKM_AES_KEY_WRAP_PAD, NULL, 0},
                           {CKM_AES_KEY_WRAP_KWP, NULL, 0}};
    CK_OBJECT_HANDLE kek = kek_for_both(), copy = UNTOUCHED;

    for (size_t i = 0; i < COUNT(ways); i++) {
        CK_OBJECT_HANDLE key =
            i < 3 ? wrapped_and_unwrapped(&ways[i], the(CKO_PUBLIC_KEY, "kek"), the(CKO_PRIVATE_KEY, "kek"))
                  : wrapped_and_unwrapped(&ways[i], kek, kek);
        unsigned char value[64];
        CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};

        assert_int_equal(flag_of(key, CKA_SENSITIVE), !may);
        assert_rv(CALL(get_attribute_value, key, &attribute, 1), may ? CKR_OK : CKR_ATTRIBUTE_SENSITIVE);
        if (!may) {
            assert_refused(set_flag(key, CKA_SENSITIVE, false));
            assert_refused(copy_with_flag(key, CKA_SENSITIVE, false, &copy));
        }
    }
}

static void check_13_what_was_wrapped_does_not_come_back_readable(void **state)
{
    (void)state;
    soft_open("    policy = strict");
    try_to_read(false);
}

static void check_13_a_compatible_token_does_as_the_template_says(void **state)
{
    (void)state;
    soft_open("    policy = compatible");
    try_to_read(true);
}

/* Under either policy. */
static void check_14_nobody_unwraps_a_trusted_key(void **state)
{
    const CK_ATTRIBUTE trusted[] = {ATTRIBUTE(CKA_TRUSTED, yes)};
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    soft_open("    policy = strict");
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(make_key(origin, trusted, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
    }
    assert_int_equal(key, UNTOUCHED);
    assert_int_equal(fake_count_all(fake), 0);
}

static const struct CMUnitTest tests[] = {
    with_service(check_01_and_02_no_key_has_both_usages),
    with_service(check_01_a_compatible_token_lets_the_application_decide),
    cmocka_unit_test_setup_teardown(check_07_and_15_nor_one_after_the_other, NULL, soft_end),
    with_service(check_13_what_was_wrapped_does_not_come_back_readable),
    with_service(check_13_a_compatible_token_does_as_the_template_says),
    with_service(check_14_nobody_unwraps_a_trusted_key),
};

const struct room role_room = ROOM(tests);
