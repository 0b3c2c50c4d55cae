/* Finding the key-encryption key and reading what it is. */
#include "tests/contract/contract.h"
#include <string.h>

static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE rsa_type = CKK_RSA;

static CK_ATTRIBUTE labelled(const char *label)
{
    return (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)label, strlen(label)};
}

static CK_ATTRIBUTE kek_id(void)
{
    return (CK_ATTRIBUTE){CKA_ID, (void *)(uintptr_t)row->kek_id, strlen(row->kek_id)};
}

static void test_kek_is_found_by_label_in_both_halves(void **state)
{
    CK_ATTRIBUTE template[] = {labelled(row->kek)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_int_equal(find(template, 1, found, 4), 2);
    assert_int_not_equal(found[0], found[1]);
}

static void test_kek_is_found_by_id(void **state)
{
    CK_ATTRIBUTE template[] = {kek_id(), ATTRIBUTE(CKA_CLASS, private_class)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_int_equal(find(template, 2, found, 4), 1);
    assert_int_equal(found[0], private_kek());
}

static void test_kek_is_found_by_type_and_use(void **state)
{
    CK_ATTRIBUTE template[] = {labelled(row->kek), ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               ATTRIBUTE(CKA_UNWRAP, truth)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_int_equal(find(template, 3, found, 4), 1);
    assert_int_equal(found[0], private_kek());
}

static void test_find_for_what_is_not_there(void **state)
{
    CK_OBJECT_CLASS unheard_of = CKO_VENDOR_DEFINED | 0x4711;
    CK_KEY_TYPE other = CKK_DSA;
    CK_ATTRIBUTE by_label[] = {labelled("no-such-key")};
    CK_ATTRIBUTE by_class[] = {ATTRIBUTE(CKA_CLASS, unheard_of)};
    CK_ATTRIBUTE by_type[] = {labelled(row->kek), ATTRIBUTE(CKA_KEY_TYPE, other)};
    CK_OBJECT_HANDLE found[4];

    (void)state;
    assert_int_equal(find(by_label, 1, found, 4), 0);
    assert_int_equal(find(by_class, 1, found, 4), 0);
    assert_int_equal(find(by_type, 2, found, 4), 0);
}

static void test_find_one_by_one_finds_the_same(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class)};
    CK_OBJECT_HANDLE all[64], one;
    CK_ULONG count = find(template, 1, all, 64), got;

    (void)state;
    assert_rv(p11->C_FindObjectsInit(session, template, 1), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(p11->C_FindObjects(session, &one, 1, &got), CKR_OK);
        assert_int_equal(got, 1);
        assert_int_equal(one, all[i]);
    }
    assert_rv(p11->C_FindObjects(session, &one, 1, &got), CKR_OK);
    assert_int_equal(got, 0);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
}

static void test_find_out_of_order(void **state)
{
    CK_OBJECT_HANDLE one;
    CK_ULONG got;

    (void)state;
    assert_rv(p11->C_FindObjects(session, &one, 1, &got), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_rv(p11->C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
}

static void test_find_with_null(void **state)
{
    CK_OBJECT_HANDLE one;
    CK_ULONG got;

    (void)state;
    assert_rv(p11->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_rv(p11->C_FindObjects(session, NULL, 1, &got), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_FindObjects(session, &one, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
}

static void test_public_kek_tells_its_numbers(void **state)
{
    unsigned char n[MODULUS_SIZE], e[8];
    CK_ULONG bits = 0;
    CK_ATTRIBUTE template[] = {
        {CKA_MODULUS, n, sizeof n}, {CKA_PUBLIC_EXPONENT, e, sizeof e}, ATTRIBUTE(CKA_MODULUS_BITS, bits)};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(session, public_kek(), template, 3), CKR_OK);
    assert_int_equal(template[0].ulValueLen, MODULUS_SIZE);
    assert_true(n[0] >= 0x80);
    assert_int_equal(template[1].ulValueLen, 3);
    assert_memory_equal(e, "\x01\x00\x01", 3);
    assert_int_equal(bits, 2048);
}

/* libp11 crashes without: the private half tells the public numbers too. */
static void test_private_kek_tells_its_modulus(void **state)
{
    unsigned char n[MODULUS_SIZE], of_private[MODULUS_SIZE], e[8];
    CK_ATTRIBUTE public[] = {{CKA_MODULUS, n, sizeof n}};
    CK_ATTRIBUTE private[] = {{CKA_MODULUS, of_private, sizeof of_private},
                              {CKA_PUBLIC_EXPONENT, e, sizeof e}};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(session, public_kek(), public, 1), CKR_OK);
    assert_rv(p11->C_GetAttributeValue(session, private_kek(), private, 2), CKR_OK);
    assert_memory_equal(n, of_private, sizeof n);
}

static void test_private_kek_stays_private(void **state)
{
    unsigned char d[MODULUS_SIZE];
    CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE, every_time = CK_TRUE;
    CK_ATTRIBUTE secret[] = {{CKA_PRIVATE_EXPONENT, d, sizeof d}};
    CK_ATTRIBUTE flags[] = {ATTRIBUTE(CKA_SENSITIVE, sensitive), ATTRIBUTE(CKA_EXTRACTABLE, extractable),
                            ATTRIBUTE(CKA_ALWAYS_AUTHENTICATE, every_time)};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(session, private_kek(), secret, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(secret[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_rv(p11->C_GetAttributeValue(session, private_kek(), flags, 3), CKR_OK);
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(extractable, CK_FALSE);
    assert_int_equal(every_time, CK_FALSE);
}

/*
 * C_GetAttributeValue, all five cases in one call:
 * each attribute is answered whatever becomes of the others.
 */
static void test_attributes_are_answered_one_by_one(void **state)
{
    char label[64];
    unsigned char little[1], n[MODULUS_SIZE];
    CK_ATTRIBUTE template[] = {{CKA_LABEL, label, sizeof label},
                               {CKA_VENDOR_DEFINED | 0x4711, n, sizeof n},
                               {CKA_MODULUS, little, sizeof little},
                               {CKA_MODULUS, NULL, 0},
                               {CKA_MODULUS, n, sizeof n}};
    CK_RV rv = p11->C_GetAttributeValue(session, public_kek(), template, 5);

    (void)state;
    assert_true(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(template[0].ulValueLen, strlen(row->kek));
    assert_memory_equal(label, row->kek, strlen(row->kek));
    assert_int_equal(template[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[3].ulValueLen, MODULUS_SIZE);
    assert_int_equal(template[4].ulValueLen, MODULUS_SIZE);
    assert_true(n[0] >= 0x80);
}

static void test_public_key_info_is_a_key_info(void **state)
{
    unsigned char der[512];
    CK_ATTRIBUTE template[] = {{CKA_PUBLIC_KEY_INFO, der, sizeof der}};

    (void)state;
    if (!row->key_info) {
        print_message("# SKIP SoftHSM 2.6 does not keep CKA_PUBLIC_KEY_INFO\n");
        skip();
    }
    assert_rv(p11->C_GetAttributeValue(session, public_kek(), template, 1), CKR_OK);
    assert_int_equal(template[0].ulValueLen, 294); /* SubjectPublicKeyInfo of RSA-2048 with e = 65537 */
    assert_memory_equal(der, "\x30\x82\x01\x22\x30\x0d\x06\x09", 8);
}

static void test_unknown_object(void **state)
{
    char label[64];
    CK_ATTRIBUTE template[] = {{CKA_LABEL, label, sizeof label}};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(session, 0, template, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(p11->C_GetAttributeValue(session, ~0UL, template, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(p11->C_GetAttributeValue(session, public_kek(), NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_DestroyObject(session, 0), CKR_OBJECT_HANDLE_INVALID);
}

static const struct CMUnitTest tests[] = {
    with_session(test_kek_is_found_by_label_in_both_halves),
    with_session(test_kek_is_found_by_id),
    with_session(test_kek_is_found_by_type_and_use),
    with_session(test_find_for_what_is_not_there),
    with_session(test_find_one_by_one_finds_the_same),
    with_session(test_find_out_of_order),
    with_session(test_find_with_null),
    with_session(test_public_kek_tells_its_numbers),
    with_session(test_private_kek_tells_its_modulus),
    with_session(test_private_kek_stays_private),
    with_session(test_attributes_are_answered_one_by_one),
    with_session(test_public_key_info_is_a_key_info),
    with_session(test_unknown_object),
};

const struct room object_room = ROOM(tests);
