/* Checks 4 to 9: what a key tells of itself, and what nobody can make it become. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

/* LABEL, VALUE, CLASS, of which the second is not told. */
static void assert_value_is_not_told(CK_OBJECT_HANDLE key)
{
    unsigned char value[64];
    CK_OBJECT_CLASS class = 0;
    CK_ULONG length = 0;
    CK_ATTRIBUTE list[] = {
        ATTRIBUTE(CKA_VALUE_LEN, length), {CKA_VALUE, value, sizeof value}, ATTRIBUTE(CKA_CLASS, class)};

    memset(value, UNTOUCHED, sizeof value);
    assert_rv(CALL(get_attribute_value, key, list, 3), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(list[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof value; i++) {
        assert_int_equal(value[i], UNTOUCHED);
    }
    assert_int_equal(length, 32);
    assert_int_equal(class, CKO_SECRET_KEY);
    list[1].pValue = NULL;
    assert_rv(CALL(get_attribute_value, key, list + 1, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(list[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static void check_04_a_sensitive_value_is_never_told(void **state)
{
    const CK_ATTRIBUTE sensitive[] = {ATTRIBUTE(CKA_SENSITIVE, yes), ATTRIBUTE(CKA_EXTRACTABLE, yes)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_value_is_not_told(key_with(origin, sensitive, 2));
        assert_value_is_not_told(key_with(origin, NULL, 0)); /* the default */
    }
}

static void check_04_a_value_that_may_be_told_is(void **state)
{
    const CK_ATTRIBUTE open[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    unsigned char value[64];

    (void)state;
    assert_int_equal(read_value(key_with(CREATED, open, 2), value, sizeof value), 32);
    assert_memory_equal(value, DATA_KEY, 32);
}

/* A find that could be asked for a value would tell it byte by byte, or at least confirm a guess. */
static void check_04_a_find_confirms_no_sensitive_value(void **state)
{
    static char value[] = DATA_KEY;
    CK_ATTRIBUTE guess[] = {{CKA_VALUE, value, 32}};
    CK_OBJECT_HANDLE found[2];

    (void)state;
    key_with(CREATED, NULL, 0);
    assert_int_equal(find(guess, 1, found, 2), 0);
    aes_key(value, 32); /* a readable one is found */
    assert_int_equal(find(guess, 1, found, 2), 1);
}

static void check_04_the_vaults_private_numbers_are_never_told(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                              CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT};
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek");
    unsigned char value[600];
    CK_KEY_TYPE type = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_ATTRIBUTE list[] = {{types[i], value, sizeof value}, ATTRIBUTE(CKA_KEY_TYPE, type)};
        CK_OBJECT_HANDLE found;

        assert_rv(CALL(get_attribute_value, key, list, 2), CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(list[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
        assert_int_equal(type, CKK_RSA);
        list[0].ulValueLen = 0; /* nor does a find for an empty one hit it */
        assert_int_equal(find(list, 1, &found, 1), 0);
    }
}

static void check_05_neither_is_one_that_is_not_extractable(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, no)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_value_is_not_told(key_with(origin, more, 2));
        assert_value_is_not_told(key_with(origin, more, 1)); /* the default is not extractable */
    }
}

static void check_06_sensitivity_is_not_taken_back(void **state)
{
    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, NULL, 0);

        assert_refused(set_flag(key, CKA_SENSITIVE, false));
        assert_refused(set_flag(key, CKA_EXTRACTABLE, true));
        assert_true(flag_of(key, CKA_SENSITIVE));
        assert_false(flag_of(key, CKA_EXTRACTABLE));
        assert_value_is_not_told(key);
    }
}

/* Both at once, the harmless first: either all is set or nothing. */
static void check_06_a_list_with_one_such_attribute_changes_nothing(void **state)
{
    CK_OBJECT_HANDLE key = key_with(CREATED, NULL, 0);
    char label[] = "changed";
    CK_ATTRIBUTE list[] = {{CKA_LABEL, label, 7}, ATTRIBUTE(CKA_SENSITIVE, no)};
    CK_ATTRIBUTE now = {CKA_LABEL, NULL, 0};

    (void)state;
    assert_refused(CALL(set_attribute_value, key, list, 2));
    assert_rv(CALL(get_attribute_value, key, &now, 1), CKR_OK);
    assert_int_equal(now.ulValueLen, 0);
    assert_true(flag_of(key, CKA_SENSITIVE));
}

static void check_08_what_the_token_says_of_a_key_is_not_set(void **state)
{
    static const CK_ATTRIBUTE_TYPE flags[] = {CKA_TRUSTED, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
                                              CKA_LOCAL};
    const CK_OBJECT_HANDLE keys[] = {key_with(CREATED, NULL, 0), key_with(GENERATED, NULL, 0),
                                     the(CKO_PUBLIC_KEY, "kek"), the(CKO_PRIVATE_KEY, "kek")};

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        for (size_t k = 0; k < COUNT(flags); k++) {
            assert_refused(set_flag(keys[i], flags[k], true));
        }
    }
    assert_false(flag_of(keys[0], CKA_LOCAL));
    assert_false(flag_of(keys[0], CKA_ALWAYS_SENSITIVE));
    assert_false(flag_of(keys[0], CKA_NEVER_EXTRACTABLE));
    assert_true(flag_of(keys[1], CKA_LOCAL)); /* a generated one is */
    assert_false(flag_of(keys[2], CKA_TRUSTED));
}

static void check_08_nor_its_numbers(void **state)
{
    CK_ULONG number = CKM_AES_KEY_GEN;
    unsigned char modulus[256] = {1};
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_KEY_GEN_MECHANISM, number),  {CKA_MODULUS, modulus, sizeof modulus},
                           ATTRIBUTE(CKA_ALLOWED_MECHANISMS, number), {CKA_VALUE, modulus, 32},
                           ATTRIBUTE(CKA_KEY_TYPE, number),           ATTRIBUTE(CKA_CLASS, number)};
    const CK_OBJECT_HANDLE keys[] = {key_with(CREATED, NULL, 0), the(CKO_PUBLIC_KEY, "kek"),
                                     the(CKO_PRIVATE_KEY, "kek")};

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        for (size_t k = 0; k < COUNT(list); k++) {
            assert_refused(CALL(set_attribute_value, keys[i], &list[k], 1));
        }
    }
    assert_int_equal(number_of(keys[0], CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(fake_count_all(fake), 0);
}

/* TRUSTED is the security officer's to say, and here is none. */
static void check_08_nobody_makes_a_trusted_key(void **state)
{
    const CK_ATTRIBUTE trusted[] = {ATTRIBUTE(CKA_TRUSTED, yes)}, untrusted[] = {ATTRIBUTE(CKA_TRUSTED, no)};
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(make_key(origin, trusted, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(key, UNTOUCHED);
        assert_false(flag_of(key_with(origin, untrusted, 1), CKA_TRUSTED));
    }
}

static void assert_no_weaker_copy(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, bool flag)
{
    CK_OBJECT_HANDLE copy = UNTOUCHED;

    assert_refused(copy_with_flag(key, type, flag, &copy));
    assert_int_equal(copy, UNTOUCHED);
}

static void check_09_a_copy_is_never_weaker(void **state)
{
    CK_OBJECT_HANDLE private = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        CK_OBJECT_HANDLE key = key_with(origin, NULL, 0);

        assert_no_weaker_copy(key, CKA_EXTRACTABLE, true);
        assert_no_weaker_copy(key, CKA_SENSITIVE, false);
        assert_no_weaker_copy(key, CKA_TRUSTED, true);
        assert_no_weaker_copy(key, CKA_PRIVATE, false);
    }
    assert_no_weaker_copy(private, CKA_EXTRACTABLE, true);
    assert_no_weaker_copy(private, CKA_SENSITIVE, false);
    assert_no_weaker_copy(private, CKA_PRIVATE, false);
}

static const struct CMUnitTest tests[] = {
    with_token(check_04_a_sensitive_value_is_never_told),
    with_token(check_04_a_value_that_may_be_told_is),
    with_token(check_04_a_find_confirms_no_sensitive_value),
    with_token(check_04_the_vaults_private_numbers_are_never_told),
    with_token(check_05_neither_is_one_that_is_not_extractable),
    with_token(check_06_sensitivity_is_not_taken_back),
    with_token(check_06_a_list_with_one_such_attribute_changes_nothing),
    with_token(check_08_what_the_token_says_of_a_key_is_not_set),
    with_token(check_08_nor_its_numbers),
    with_token(check_08_nobody_makes_a_trusted_key),
    with_token(check_09_a_copy_is_never_weaker),
};

const struct room key_room = ROOM(tests);
