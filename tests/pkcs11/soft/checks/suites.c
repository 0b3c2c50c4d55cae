/*
 * What public test suites do to every token. Lines of theirs that concern the whole module are tested where it
 * is: see the reasons that main.c prints.
 */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

static void suites_pair_keys_by_a_unique_id(void **state)
{
    CK_OBJECT_HANDLE keys[16];
    unsigned char id[4][128];
    CK_ULONG count;

    (void)state;
    fake_add(fake, "second", 2048);
    soft_open("");
    for (int half = 0; half < 2; half++) {
        CK_OBJECT_CLASS class = half == 0 ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
        CK_ATTRIBUTE of_class = ATTRIBUTE(CKA_CLASS, class);

        count = find(&of_class, 1, keys, COUNT(keys));
        assert_int_equal(count, 2);
        for (CK_ULONG i = 0; i < count; i++) {
            CK_ATTRIBUTE attribute = {CKA_ID, id[half * 2 + i], sizeof id[0]};

            memset(id[half * 2 + i], 0, sizeof id[0]);
            assert_rv(CALL(get_attribute_value, keys[i], &attribute, 1), CKR_OK);
            assert_true(attribute.ulValueLen > 0);
        }
    }
    assert_memory_not_equal(id[0], id[1], sizeof id[0]);
    assert_memory_equal(id[0], id[2], sizeof id[0]); /* and in the same order */
    assert_memory_equal(id[1], id[3], sizeof id[0]);
}

static void suites_list_public_objects_without_login(void **state)
{
    (void)state;
    assert_int_equal(count_of(CKO_PUBLIC_KEY, "kek"), 1);
    assert_false(flag_of(the(CKO_PUBLIC_KEY, "kek"), CKA_PRIVATE));
}

enum { MOST_MECHANISMS = 128 };

static CK_ULONG mechanisms(CK_MECHANISM_TYPE *types)
{
    CK_ULONG count = MOST_MECHANISMS;

    assert_rv(token->ops->get_mechanism_list(token, types, &count), CKR_OK);
    assert_true(count > 0);
    return count;
}

static void suites_read_sizes_that_are_true(void **state)
{
    CK_MECHANISM_TYPE types[MOST_MECHANISMS];
    CK_ULONG count = mechanisms(types);
    CK_MECHANISM_INFO info;

    (void)state;
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(token->ops->get_mechanism_info(token, types[i], &info), CKR_OK);
        assert_true(info.ulMinKeySize <= info.ulMaxKeySize);
        assert_int_not_equal(info.flags, 0);
        if (types[i] == CKM_RSA_PKCS || types[i] == CKM_RSA_PKCS_OAEP) {
            assert_int_equal(info.ulMinKeySize, 2048);
            assert_int_equal(info.ulMaxKeySize, 4096);
        }
        for (CK_ULONG k = 0; k < i; k++) {
            assert_int_not_equal(types[i], types[k]);
        }
    }
}

/* An Init of each kind with each key: the key's codes and the parameter's, and nothing breaks. */
static bool is_fair(CK_RV rv)
{
    return rv == CKR_OK || rv == CKR_KEY_TYPE_INCONSISTENT || rv == CKR_KEY_FUNCTION_NOT_PERMITTED ||
           rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_KEY_SIZE_RANGE;
}

static void try_inits(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_RV rv;

#define TRY(init)                                                                                            \
    if (token->ops->init != NULL) {                                                                          \
        rv = CALL(init, &mechanism, key);                                                                    \
        if (!is_fair(rv)) {                                                                                  \
            fail_msg(#init " under mechanism 0x%lx is 0x%lx", type, rv);                                     \
        }                                                                                                    \
        if (rv == CKR_OK) {                                                                                  \
            assert_rv(CALL(init, NULL, 0), CKR_OK);                                                          \
        }                                                                                                    \
    }
    TRY(encrypt_init)
    TRY(decrypt_init)
    TRY(sign_init)
    TRY(verify_init)
#undef TRY
}

static void suites_try_every_mechanism_with_every_key(void **state)
{
    CK_MECHANISM_TYPE types[MOST_MECHANISMS];
    CK_ULONG count = mechanisms(types);
    const CK_OBJECT_HANDLE keys[] = {the(CKO_PUBLIC_KEY, "kek"), the(CKO_PRIVATE_KEY, "kek"),
                                     aes_key(DATA_KEY, 32)};

    (void)state;
    for (CK_ULONG i = 0; i < count; i++) {
        for (size_t k = 0; k < COUNT(keys); k++) {
            try_inits(types[i], keys[k]);
        }
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void suites_make_session_objects(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_TOKEN, no), ATTRIBUTE(CKA_PRIVATE, no)};

    (void)state;
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(CALL(destroy_object, key_with(origin, more, 2)), CKR_OK);
    }
}

/* A key made in the vault costs money and is deleted softly: no test suite makes any. */
static void suites_leave_nothing_in_the_vault(void **state)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(CKA_TOKEN, yes)};
    CK_OBJECT_HANDLE key = UNTOUCHED;

    (void)state;
    soft_open("    refresh = 1h");
    for (enum origin origin = CREATED; origin < ORIGINS; origin++) {
        assert_rv(make_key(origin, more, 1, &key), CKR_TOKEN_WRITE_PROTECTED);
    }
    assert_int_equal(key, UNTOUCHED);
    assert_either(CALL(destroy_object, the(CKO_PRIVATE_KEY, "kek")), CKR_ACTION_PROHIBITED,
                  CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(fake_count_all(fake), 0);
}

/* C_InitPIN and C_SetPIN are the HSM's; the doors answer CKR_FUNCTION_NOT_SUPPORTED. */
static void suites_set_no_pin_here(void **state)
{
    (void)state;
    assert_null(token->ops->init_pin);
    assert_null(token->ops->set_pin);
}

static void suites_send_oaep_as_they_like(void **state)
{
    unsigned char label[3] = "abc", blob[512];
    CK_RSA_PKCS_OAEP_PARAMS labelled = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, label, 3};
    CK_RSA_PKCS_OAEP_PARAMS mixed = {CKM_SHA256, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_RSA_PKCS_OAEP_PARAMS other = {CKM_SHA384, CKG_MGF1_SHA384, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM bad[] = {{CKM_RSA_PKCS_OAEP, &labelled, sizeof labelled},
                          {CKM_RSA_PKCS_OAEP, &mixed, sizeof mixed},
                          {CKM_RSA_PKCS_OAEP, &other, sizeof other}};
    CK_ULONG size;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_rv(CALL(decrypt_init, &bad[i], the(CKO_PRIVATE_KEY, "kek")), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_int_equal(fake_count_all(fake), 0);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_none, blob, &size), CKR_OK);
}

static void suites_find_what_was_there_when_they_began(void **state)
{
    CK_OBJECT_HANDLE first = aes_key(DATA_KEY, 32), second = aes_key(DATA_KEY, 32), found[4];
    CK_ATTRIBUTE secret = ATTRIBUTE(CKA_CLASS, secret_class);
    CK_ULONG count = 0;

    (void)state;
    assert_rv(CALL(find_objects_init, &secret, 1), CKR_OK);
    assert_rv(CALL(find_objects, found, 1, &count), CKR_OK);
    assert_int_equal(count, 1);
    aes_key(DATA_KEY, 32);
    assert_rv(CALL(find_objects, found + 1, 3, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(CALL(find_objects_final), CKR_OK);
    assert_int_equal(found[0], first);
    assert_int_equal(found[1], second);
}

static const struct CMUnitTest tests[] = {
    with_service(suites_pair_keys_by_a_unique_id),
    with_token(suites_list_public_objects_without_login),
    with_token(suites_read_sizes_that_are_true),
    with_token(suites_try_every_mechanism_with_every_key),
    with_token(suites_make_session_objects),
    with_service(suites_leave_nothing_in_the_vault),
    with_token(suites_set_no_pin_here),
    with_token(suites_send_oaep_as_they_like),
    with_token(suites_find_what_was_there_when_they_began),
};

const struct room suite_room = ROOM(tests);
