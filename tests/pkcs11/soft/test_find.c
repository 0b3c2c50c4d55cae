/* Find and the attributes of the service's keys: what is found, what it answers, and what it costs. */
#include "tests/pkcs11/soft/soft_test.h"
#include <stdio.h>
#include <string.h>

static void test_a_named_key_is_found_without_a_request(void **state)
{
    (void)state;
    the(CKO_PUBLIC_KEY, "kek");
    the(CKO_PRIVATE_KEY, "kek");
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_an_unknown_label_is_listed_once(void **state)
{
    (void)state;
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "nobody"), 0);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "nobody"), 0);
    assert_int_equal(fake_count_all(fake), 1);
    assert_int_equal(fake_count(fake, FAKE_LIST), 1);
}

static void test_a_listed_key_is_found(void **state)
{
    (void)state;
    fake_add(fake, "other", 2048);
    the(CKO_PRIVATE_KEY, "other");
    assert_int_equal(fake_count(fake, FAKE_LIST), 1);
    assert_int_equal(fake_count(fake, FAKE_GET), 0);
}

static void test_a_find_that_excludes_service_keys_costs_nothing(void **state)
{
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE, vendor = 0xce534353;
    CK_KEY_TYPE des = CKK_DES3;
    CK_ATTRIBUTE templates[] = {ATTRIBUTE(CKA_CLASS, certificate),  ATTRIBUTE(CKA_CLASS, vendor),
                                ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_TOKEN, no),
                                ATTRIBUTE(CKA_KEY_TYPE, aes_type),  ATTRIBUTE(CKA_KEY_TYPE, des),
                                ATTRIBUTE(CKA_DERIVE, yes),         ATTRIBUTE(CKA_VENDOR_DEFINED | 7, yes),
                                {CKA_ISSUER, (char[]){"x"}, 1},     ATTRIBUTE(CKA_VALUE, yes)};
    CK_OBJECT_HANDLE found;

    (void)state;
    for (size_t i = 0; i < COUNT(templates); i++) {
        assert_int_equal(find(&templates[i], 1, &found, 1), 0);
    }
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_find_of_all_lists_and_learns_whether_get_works(void **state)
{
    CK_OBJECT_HANDLE found[10];

    (void)state;
    fake_add(fake, "other", 2048);
    assert_int_equal(find(NULL, 0, found, 10), 4);
    assert_int_equal(find(NULL, 0, found, 10), 4);
    assert_int_equal(fake_count(fake, FAKE_LIST), 1);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void test_results_come_in_pieces(void **state)
{
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 9;

    (void)state;
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(find_objects, found, 1, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(CALL(find_objects, found, 2, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_rv(CALL(find_objects, found, 2, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_rv(CALL(find_objects_final), CKR_OK);
}

static void test_find_out_of_order(void **state)
{
    CK_OBJECT_HANDLE found;
    CK_ULONG count;

    (void)state;
    assert_rv(CALL(find_objects, &found, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(find_objects_final), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(CALL(find_objects_init, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_rv(CALL(find_objects, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    assert_rv(CALL(find_objects, &found, 1, NULL), CKR_ARGUMENTS_BAD);
}

static void test_a_usage_fetches_the_named_key_alone(void **state)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, private_class),
                               {CKA_LABEL, (char[]){"kek"}, 3},
                               ATTRIBUTE(CKA_DECRYPT, yes),
                               ATTRIBUTE(CKA_KEY_TYPE, rsa_type)};
    CK_OBJECT_HANDLE found;

    (void)state;
    fake_add(fake, "other", 2048);
    assert_int_equal(find(template, COUNT(template), &found, 1), 1);
    assert_int_equal(find(template, COUNT(template), &found, 1), 1);
    assert_int_equal(fake_count_all(fake), 1);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void test_a_usage_is_the_owners_choice(void **state)
{
    CK_ATTRIBUTE template[] = {
        ATTRIBUTE(CKA_CLASS, private_class), {CKA_LABEL, (char[]){"kek"}, 3}, ATTRIBUTE(CKA_DECRYPT, yes)};
    CK_OBJECT_HANDLE found;

    (void)state;
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = KEY_USE_WRAP | KEY_USE_UNWRAP;
    assert_int_equal(find(template, COUNT(template), &found, 1), 0);
    template[2].type = CKA_UNWRAP;
    assert_int_equal(find(template, COUNT(template), &found, 1), 1);
    template[2].pValue = &no;
    assert_int_equal(find(template, COUNT(template), &found, 1), 0);
}

static void test_a_version_is_found_by_name_and_version(void **state)
{
    char text[200];

    (void)state;
    snprintf(text, sizeof text, "kek/%s", fake_version(fake, "kek")->version);
    fake_add(fake, "kek", 2048);
    the(CKO_PRIVATE_KEY, text);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count(fake, FAKE_LIST), 0);
    the(CKO_PRIVATE_KEY, "kek");
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "kek/00000000000000000000000000000077"), 0);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "kek/../other"), 0);
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
}

static void test_a_pinned_version_has_the_keys_name(void **state)
{
    char text[200];

    (void)state;
    fake_add(fake, "pinned", 2048);
    snprintf(text, sizeof text, "pinned/%s", fake_version(fake, "pinned")->version);
    fake_configure(fake, text);
    soft_open("");
    assert_true(the(CKO_PRIVATE_KEY, "pinned") == the(CKO_PRIVATE_KEY, text));
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_key_that_is_gone_is_no_longer_shown(void **state)
{
    CK_OBJECT_HANDLE found[10];

    (void)state;
    fake_add(fake, "other", 2048);
    soft_open("    refresh = 1s");
    assert_int_equal(find(NULL, 0, found, 10), 4);
    fake_remove(fake, "other");
    deadline_sleep(deadline_in(5000), 1100);
    assert_int_equal(find(NULL, 0, found, 10), 2);
}

static void test_without_list_named_keys_are_found(void **state)
{
    CK_OBJECT_HANDLE found[10];

    (void)state;
    fake_rule(fake, FAKE_LIST, fake_refused);
    assert_int_equal(find(NULL, 0, found, 10), 2);
    assert_int_equal(find(NULL, 0, found, 10), 2);
    assert_int_equal(fake_count(fake, FAKE_LIST), 1);
    assert_int_equal(count_of(CKO_PRIVATE_KEY, "nobody"), 0);
}

static void test_an_unreachable_service_is_an_error(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    fake_rule(fake, FAKE_LIST, fake_unreachable);
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_DEVICE_ERROR);
    assert_rv(token->ops->get_session_info(session, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, 503);
    fake_rule(fake, FAKE_LIST, (struct fake_rule){VERDICT_NONE});
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
}

static void test_without_get_private_keys_are_found_by_name_alone(void **state)
{
    CK_ATTRIBUTE all = ATTRIBUTE(CKA_CLASS, private_class);
    CK_ATTRIBUTE publics = ATTRIBUTE(CKA_CLASS, public_class);
    CK_ATTRIBUTE by_id = {CKA_ID, (char[]){"kek"}, 3};
    CK_OBJECT_HANDLE found[10];

    (void)state;
    fake_add(fake, "other", 2048);
    fake_rule(fake, FAKE_GET, fake_refused);
    assert_int_equal(find(&all, 1, found, 10), 0);
    assert_int_equal(find(&publics, 1, found, 10), 2);
    assert_int_equal(find(&by_id, 1, found, 10), 2);
    the(CKO_PRIVATE_KEY, "other");
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static CK_RV get_one(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG *size)
{
    CK_ATTRIBUTE attribute = {type, value, *size};
    CK_RV rv = CALL(get_attribute_value, object, &attribute, 1);

    *size = attribute.ulValueLen;
    return rv;
}

static void test_the_modulus_is_readable_on_both(void **state)
{
    unsigned char n[2][512], e[8];
    CK_ULONG size = sizeof n[0], other = sizeof n[1], e_size = sizeof e, bits, bits_size = sizeof bits;

    (void)state;
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek"), CKA_MODULUS, n[0], &size), CKR_OK);
    assert_rv(get_one(the(CKO_PUBLIC_KEY, "kek"), CKA_MODULUS, n[1], &other), CKR_OK);
    assert_int_equal(size, 256);
    assert_memory_equal(n[0], n[1], 256);
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek"), CKA_PUBLIC_EXPONENT, e, &e_size), CKR_OK);
    assert_memory_equal(e, "\1\0\1", 3);
    assert_rv(get_one(the(CKO_PUBLIC_KEY, "kek"), CKA_MODULUS_BITS, &bits, &bits_size), CKR_OK);
    assert_int_equal(bits, 2048);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_what_needs_no_public_part_costs_nothing(void **state)
{
    CK_BBOOL flags[3];
    char label[8], id[8];
    CK_ATTRIBUTE list[] = {{CKA_LABEL, label, 8},
                           {CKA_ID, id, 8},
                           {CKA_SENSITIVE, &flags[0], 1},
                           {CKA_EXTRACTABLE, &flags[1], 1},
                           {CKA_DECRYPT, &flags[2], 1}};

    (void)state;
    assert_rv(CALL(get_attribute_value, the(CKO_PRIVATE_KEY, "kek"), list, COUNT(list)), CKR_OK);
    assert_memory_equal(label, "kek", 3);
    assert_memory_equal(id, "kek", 3);
    assert_true(flags[0] && !flags[1] && flags[2]);
    assert_int_equal(fake_count_all(fake), 0);
}

static void assert_type(CK_OBJECT_CLASS class, const char *name, CK_KEY_TYPE expected)
{
    CK_KEY_TYPE type = 99;
    CK_ULONG size = sizeof type;

    assert_rv(get_one(the(class, name), CKA_KEY_TYPE, &type, &size), CKR_OK);
    assert_int_equal(type, expected);
}

static void test_the_type_of_a_key_is_asked_for_once(void **state)
{
    (void)state;
    fake_add(fake, "p256", 256);
    assert_type(CKO_PRIVATE_KEY, "p256", CKK_EC);
    assert_type(CKO_PUBLIC_KEY, "p256", CKK_EC);
    assert_type(CKO_PRIVATE_KEY, "kek", CKK_RSA);
    assert_type(CKO_PUBLIC_KEY, "kek", CKK_RSA);
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
}

static void test_where_the_type_is_not_told_rsa_is_assumed(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_unreachable);
    assert_type(CKO_PRIVATE_KEY, "kek", CKK_RSA);
    fake_rule(fake, FAKE_GET, fake_refused);
    assert_type(CKO_PRIVATE_KEY, "kek", CKK_RSA);
    assert_type(CKO_PUBLIC_KEY, "kek", CKK_RSA);
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
}

static void test_bad_attributes_leave_the_others_filled_in(void **state)
{
    char label[8], tight[2], secret[8];
    CK_ATTRIBUTE list[] = {{CKA_PRIVATE_EXPONENT, secret, 8},
                           {CKA_CERTIFICATE_CATEGORY, secret, 8},
                           {CKA_ID, tight, 2},
                           {CKA_LABEL, label, 8}};
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    assert_rv(CALL(get_attribute_value, key, list, 4), CKR_ATTRIBUTE_SENSITIVE);
    for (int i = 0; i < 3; i++) {
        assert_true(list[i].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    }
    assert_int_equal(list[3].ulValueLen, 3);
    list[2].ulValueLen = 2;
    assert_rv(CALL(get_attribute_value, key, list + 1, 3), CKR_ATTRIBUTE_TYPE_INVALID);
    list[2].ulValueLen = 2;
    assert_rv(CALL(get_attribute_value, key, list + 2, 1), CKR_BUFFER_TOO_SMALL);
    list[2].pValue = NULL;
    assert_rv(CALL(get_attribute_value, key, list + 2, 1), CKR_OK);
    assert_int_equal(list[2].ulValueLen, 3);
}

static void test_private_names_are_unknown_to_the_public_key(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_UNWRAP, CKA_DECRYPT,
                                              CKA_ALWAYS_AUTHENTICATE};
    CK_OBJECT_HANDLE key = the(CKO_PUBLIC_KEY, "kek");
    CK_BBOOL flag;

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_ULONG size = 1;

        assert_rv(get_one(key, types[i], &flag, &size), CKR_ATTRIBUTE_TYPE_INVALID);
    }
}

static void test_unique_ids_name_one_object(void **state)
{
    char text[200];
    CK_ULONG size = sizeof text;
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek"), found[2];
    CK_ATTRIBUTE template = {CKA_UNIQUE_ID, text, 0};

    (void)state;
    assert_rv(get_one(key, CKA_UNIQUE_ID, text, &size), CKR_OK);
    template.ulValueLen = size;
    assert_int_equal(find(&template, 1, found, 2), 1);
    assert_true(found[0] == key);
    text[0] = 'X';
    assert_int_equal(find(&template, 1, found, 2), 0);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_the_version_in_use_is_told(void **state)
{
    char text[KEY_VERSION_SIZE];
    unsigned char modulus[256];
    CK_ULONG size = sizeof text, modulus_size = sizeof modulus;
    CK_OBJECT_HANDLE key = the(CKO_PRIVATE_KEY, "kek");

    (void)state;
    assert_rv(get_one(key, CKA_BYOK_KEY_VERSION, text, &size), CKR_OK);
    assert_int_equal(size, 0);
    assert_rv(get_one(key, CKA_MODULUS, modulus, &modulus_size), CKR_OK);
    size = sizeof text;
    assert_rv(get_one(key, CKA_BYOK_KEY_VERSION, text, &size), CKR_OK);
    assert_int_equal(size, 32);
    assert_memory_equal(text, fake_version(fake, "kek")->version, 32);
}

static void test_without_get_there_is_no_modulus(void **state)
{
    unsigned char modulus[256];
    CK_ULONG size = sizeof modulus;

    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek"), CKA_MODULUS, modulus, &size), CKR_ATTRIBUTE_TYPE_INVALID);
    size = sizeof modulus;
    assert_rv(get_one(the(CKO_PUBLIC_KEY, "kek"), CKA_MODULUS, modulus, &size), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_an_unreachable_service_fills_in_the_rest(void **state)
{
    unsigned char modulus[256];
    char label[8];
    CK_ATTRIBUTE list[] = {{CKA_MODULUS, modulus, 256}, {CKA_LABEL, label, 8}};

    (void)state;
    fake_rule(fake, FAKE_GET, fake_unreachable);
    assert_rv(CALL(get_attribute_value, the(CKO_PRIVATE_KEY, "kek"), list, 2), CKR_DEVICE_ERROR);
    assert_true(list[0].ulValueLen == CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(list[1].ulValueLen, 3);
}

static void test_a_public_part_is_asked_for_again_after_refresh(void **state)
{
    unsigned char modulus[2][256];
    CK_ULONG size = 256;
    CK_OBJECT_HANDLE key;

    (void)state;
    soft_open("    refresh = 1s");
    key = the(CKO_PRIVATE_KEY, "kek");
    assert_rv(get_one(key, CKA_MODULUS, modulus[0], &size), CKR_OK);
    fake_add(fake, "kek", 2048);
    assert_rv(get_one(key, CKA_MODULUS, modulus[1], &size), CKR_OK);
    assert_memory_equal(modulus[0], modulus[1], 256);
    deadline_sleep(deadline_in(5000), 1100);
    assert_rv(get_one(key, CKA_MODULUS, modulus[1], &size), CKR_OK);
    assert_memory_not_equal(modulus[0], modulus[1], 256);
}

static void write_pem(const char *name)
{
    struct key_info info = {.rsa = NULL};
    struct service_answer answer;
    struct key_ref ref = {"kek", NULL};
    struct buffer pem = BUFFER_INIT(4096);
    char text[1024];
    struct bytes der;
    int size;

    assert_rv(fake->ops->public_part(fake, &ref, deadline_in(1000), &info, &answer), CKR_OK);
    der = rsa_public_info(info.rsa);
    size = EVP_EncodeBlock((unsigned char *)text, der.data, (int)der.size);
    assert_rv(buffer_append_text(&pem, "-----BEGIN PUBLIC KEY-----\n"), CKR_OK);
    for (int at = 0; at < size; at += 64) {
        assert_rv(buffer_printf(&pem, "%.64s\n", text + at), CKR_OK);
    }
    assert_rv(buffer_append_text(&pem, "-----END PUBLIC KEY-----\n"), CKR_OK);
    soft_write(name, buffer_bytes(&pem));
    buffer_free(&pem);
    key_info_done(&info);
}

static void test_a_file_stands_in_for_get(void **state)
{
    CK_ATTRIBUTE all = ATTRIBUTE(CKA_CLASS, private_class);
    unsigned char modulus[256];
    CK_ULONG size = 256;
    CK_OBJECT_HANDLE found[4];

    (void)state;
    fake_add(fake, "other", 2048);
    write_pem("kek.pem");
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open("    public-keys = \".\"");
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek"), CKA_MODULUS, modulus, &size), CKR_OK);
    assert_int_equal(find(&all, 1, found, 4), 1);
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "other"), CKA_MODULUS, modulus, &size),
              CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_a_bad_file_is_no_public_part(void **state)
{
    unsigned char modulus[256];
    CK_ULONG size = 256;

    (void)state;
    soft_write("kek.pem", bytes_of_text("not a key"));
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open("    public-keys = \".\"");
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek"), CKA_MODULUS, modulus, &size), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void test_wrong_handles(void **state)
{
    CK_ULONG size = 0;

    (void)state;
    assert_rv(get_one(0, CKA_LABEL, NULL, &size), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(get_one(the(CKO_PRIVATE_KEY, "kek") ^ (UINT64_C(1) << 52), CKA_LABEL, NULL, &size),
              CKR_OBJECT_HANDLE_INVALID);
    assert_rv(CALL(get_attribute_value, the(CKO_PRIVATE_KEY, "kek"), NULL, 1), CKR_ARGUMENTS_BAD);
}

static void test_a_find_by_name_grows_with_nothing(void **state)
{
    char name[32];
    CK_OBJECT_HANDLE found[4];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "key-%d", i);
        fake_add(fake, name, 2048);
    }
    soft_open("");
    assert_rv(CALL(find_objects_init, NULL, 0), CKR_OK);
    assert_rv(CALL(find_objects_final), CKR_OK);
    the(CKO_PRIVATE_KEY, "key-1999");
    the(CKO_PUBLIC_KEY, "key-0");
    assert_int_equal(find(NULL, 0, found, 4), 4);
    assert_int_equal(fake_count_all(fake), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_a_named_key_is_found_without_a_request),
        with_token(test_an_unknown_label_is_listed_once),
        with_token(test_a_listed_key_is_found),
        with_token(test_a_find_that_excludes_service_keys_costs_nothing),
        with_token(test_a_find_of_all_lists_and_learns_whether_get_works),
        with_token(test_results_come_in_pieces),
        with_token(test_find_out_of_order),
        with_token(test_a_usage_fetches_the_named_key_alone),
        with_token(test_a_usage_is_the_owners_choice),
        with_token(test_a_version_is_found_by_name_and_version),
        with_service(test_a_pinned_version_has_the_keys_name),
        with_service(test_a_key_that_is_gone_is_no_longer_shown),
        with_token(test_without_list_named_keys_are_found),
        with_token(test_an_unreachable_service_is_an_error),
        with_token(test_without_get_private_keys_are_found_by_name_alone),
        with_token(test_the_modulus_is_readable_on_both),
        with_token(test_what_needs_no_public_part_costs_nothing),
        with_token(test_the_type_of_a_key_is_asked_for_once),
        with_token(test_where_the_type_is_not_told_rsa_is_assumed),
        with_token(test_bad_attributes_leave_the_others_filled_in),
        with_token(test_private_names_are_unknown_to_the_public_key),
        with_token(test_unique_ids_name_one_object),
        with_token(test_the_version_in_use_is_told),
        with_token(test_without_get_there_is_no_modulus),
        with_token(test_an_unreachable_service_fills_in_the_rest),
        with_service(test_a_public_part_is_asked_for_again_after_refresh),
        with_service(test_a_file_stands_in_for_get),
        with_service(test_a_bad_file_is_no_public_part),
        with_token(test_wrong_handles),
        with_service(test_a_find_by_name_grows_with_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
