/* C_WrapKey, C_UnwrapKey: where they are made, what they cost, what they refuse. */
#include "tests/pkcs11/soft/wrap_test.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_round_trips(void **state)
{
    CK_MECHANISM *ways[] = {&oaep_sha1, &oaep_sha256, &pkcs1};

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        for (int again = 0; again < 2; again++) { /* at the service, then here */
            assert_rv(wrap_under(public_kek(), ways[i], blob, &blob_size), CKR_OK);
            assert_opens(ways[i]);
        }
    }
}

static void test_no_parameter_means_sha1(void **state)
{
    (void)state;
    assert_rv(wrap_under(public_kek(), &oaep_none, blob, &blob_size), CKR_OK);
    assert_opens(&oaep_sha1);
}

static void test_an_unwrap_of_a_named_key_is_one_request(void **state)
{
    struct buffer made = BUFFER_INIT(512);
    CK_OBJECT_HANDLE key;

    (void)state;
    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA256, bytes_of("0123456789abcdef", 16), &made);
    assert_rv(unwrap_under(private_kek(), &oaep_sha256, made.data, made.size, &key), CKR_OK);
    assert_int_equal(fake_count_all(fake), 1);
    buffer_free(&made);
}

static void test_wraps_between_lease_checks_cost_nothing(void **state)
{
    (void)state;
    wrap_ok();
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
    assert_int_equal(fake_count_all(fake), 1);
    wrap_ok(); /* the public part */
    for (int i = 0; i < 5; i++) {
        wrap_ok();
    }
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count_all(fake), 2);
}

static void test_a_lease_check_later_the_service_wraps_once_more(void **state)
{
    (void)state;
    soft_open("    lease-check = 1s");
    wrap_ok();
    wrap_ok();
    deadline_sleep(deadline_in(5000), 1100);
    wrap_ok();
    wrap_ok();
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void test_a_new_version_is_wrapped_under(void **state)
{
    (void)state;
    soft_open("    lease-check = 4s");
    wrap_ok();
    wrap_ok();
    fake_add(fake, "kek", 2048);
    deadline_sleep(deadline_in(9000), 4100);
    wrap_ok(); /* the answer names the new version */
    wrap_ok(); /* here, under it */
    assert_opens(&oaep_sha256);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
    assert_int_equal(fake_count(fake, FAKE_GET), 2);
}

static void test_wrap_local_asks_for_the_public_part_alone(void **state)
{
    (void)state;
    soft_open("    wrap = local");
    wrap_ok();
    wrap_ok();
    assert_opens(&oaep_sha256);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 0);
}

static void test_wrap_service_asks_each_time(void **state)
{
    (void)state;
    soft_open("    wrap = service");
    wrap_ok();
    wrap_ok();
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
    assert_int_equal(fake_count_all(fake), 2);
}

static void test_without_get_the_service_wraps(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    soft_open("    wrap = local");
    wrap_ok();
    wrap_ok();
    assert_opens(&oaep_sha256);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
}

static void test_without_get_and_list_named_keys_work(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    fake_rule(fake, FAKE_LIST, fake_refused);
    wrap_ok();
    wrap_ok();
    assert_opens(&oaep_sha256);
    assert_int_equal(fake_count(fake, FAKE_LIST), 0);
}

static void test_size_queries_cost_nothing(void **state)
{
    CK_OBJECT_HANDLE kek = public_kek(), key = aes_key("0123456789abcdef", 16);
    CK_ULONG size = (CK_ULONG)-7;

    (void)state;
    assert_rv(CALL(wrap_key, &oaep_sha1, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 512);
    assert_int_equal(fake_count_all(fake), 0);
    wrap_ok();
    assert_rv(CALL(wrap_key, &oaep_sha1, kek, key, NULL, &size), CKR_OK);
    assert_int_equal(size, 256);
    size = 255;
    assert_rv(CALL(wrap_key, &oaep_sha1, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_a_short_buffer_is_judged_when_the_size_is_known(void **state)
{
    CK_OBJECT_HANDLE kek = public_kek(), key = aes_key("0123456789abcdef", 16);
    CK_ULONG size = 256;

    (void)state;
    assert_rv(CALL(wrap_key, &oaep_sha1, kek, key, blob, &size), CKR_OK);
    assert_int_equal(size, 256);
}

static void test_a_buffer_that_turns_out_too_short(void **state)
{
    CK_OBJECT_HANDLE kek = public_kek(), key = aes_key("0123456789abcdef", 16);
    CK_ULONG size = 100;

    (void)state;
    assert_rv(CALL(wrap_key, &oaep_sha1, kek, key, blob, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 256);
}

static void test_bad_blobs_have_one_code(void **state)
{
    static const CK_ULONG sizes[] = {0, 1, 255, 257, 383, 513};
    CK_OBJECT_HANDLE kek = private_kek(), key;
    unsigned before;

    (void)state;
    wrap_ok();
    blob[100] ^= 1;
    assert_rv(unwrap_under(kek, &oaep_sha256, blob, 256, &key), CKR_WRAPPED_KEY_INVALID);
    memset(blob, 0, sizeof blob);
    assert_rv(unwrap_under(kek, &oaep_sha256, blob, 256, &key), CKR_WRAPPED_KEY_INVALID);
    memset(blob, 0xff, sizeof blob);
    assert_rv(unwrap_under(kek, &oaep_sha256, blob, 256, &key), CKR_WRAPPED_KEY_INVALID);
    before = fake_count_all(fake);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_rv(unwrap_under(kek, &oaep_sha256, blob, sizes[i], &key), CKR_WRAPPED_KEY_INVALID);
    }
    assert_int_equal(fake_count_all(fake), before);
}

static CK_RV unwrap_bytes(const char *text, size_t size, CK_KEY_TYPE *type, CK_ULONG *value_len)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               {CKA_KEY_TYPE, type, sizeof *type},
                               {CKA_VALUE_LEN, value_len, sizeof *value_len}};
    struct buffer made = BUFFER_INIT(512);
    CK_OBJECT_HANDLE key;
    CK_RV rv;

    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA1, bytes_of(text, size), &made);
    rv = CALL(unwrap_key, &oaep_sha1, private_kek(), made.data, made.size, template,
              value_len == NULL ? 2 : 3, &key);
    buffer_free(&made);
    return rv;
}

static void test_a_payload_of_the_wrong_size_is_a_bad_blob(void **state)
{
    CK_ULONG sixteen = 16, thirty_two = 32, seven = 7;

    (void)state;
    assert_rv(unwrap_bytes("0123456789abcdef", 16, &aes_type, NULL), CKR_OK);
    assert_rv(unwrap_bytes("0123456789abcdef", 15, &aes_type, NULL), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_bytes("", 0, &generic_type, NULL), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap_bytes("0123456", 7, &generic_type, NULL), CKR_OK);
    assert_rv(unwrap_bytes("0123456", 7, &generic_type, &seven), CKR_OK);
    assert_rv(unwrap_bytes("0123456789abcdef", 16, &aes_type, &sixteen), CKR_OK);
    assert_rv(unwrap_bytes("0123456789abcdef", 16, &aes_type, &thirty_two), CKR_WRAPPED_KEY_INVALID);
}

static void test_bad_templates_cost_nothing(void **state)
{
    CK_OBJECT_CLASS other = CKO_PRIVATE_KEY;
    CK_KEY_TYPE des3 = CKK_DES3;
    struct {
        CK_ATTRIBUTE third;
        CK_RV rv;
    } rows[] = {
        {ATTRIBUTE(CKA_TOKEN, yes), CKR_TOKEN_WRITE_PROTECTED},
        {ATTRIBUTE(CKA_TRUSTED, yes), CKR_ATTRIBUTE_READ_ONLY},
        {ATTRIBUTE(CKA_LOCAL, yes), CKR_ATTRIBUTE_READ_ONLY},
        {ATTRIBUTE(CKA_CLASS, secret_class), CKR_TEMPLATE_INCONSISTENT},
        {ATTRIBUTE(CKA_MODULUS, yes), CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_ENCRYPT, &aes_type, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_ENCRYPT, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_LABEL, blob, (CK_ULONG)-1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_VALUE, blob, 16}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_VALUE_LEN, blob, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
    };
    CK_ATTRIBUTE list[3] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
    CK_OBJECT_HANDLE kek = private_kek(), key;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        list[2] = rows[i].third;
        assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, list, 3, &key), rows[i].rv);
    }
    assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, list, 1, &key), CKR_TEMPLATE_INCOMPLETE);
    assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, list + 1, 1, &key), CKR_TEMPLATE_INCOMPLETE);
    list[0].pValue = &other;
    assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, list, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    list[0].pValue = &secret_class;
    list[1].pValue = &des3;
    assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, list, 2, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(CALL(unwrap_key, &oaep_sha1, kek, blob, 256, NULL, 2, &key), CKR_ARGUMENTS_BAD);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_bad_parameters(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS mixed = {CKM_SHA256, CKG_MGF1_SHA1, 1, NULL, 0};
    CK_RSA_PKCS_OAEP_PARAMS labelled = {CKM_SHA_1, CKG_MGF1_SHA1, 1, blob, 3};
    CK_RSA_PKCS_OAEP_PARAMS sha512 = {CKM_SHA512, CKG_MGF1_SHA512, 1, NULL, 0};
    CK_MECHANISM bad[] = {{CKM_RSA_PKCS_OAEP, &mixed, sizeof mixed},
                          {CKM_RSA_PKCS_OAEP, &labelled, sizeof labelled},
                          {CKM_RSA_PKCS_OAEP, &sha512, sizeof sha512},
                          {CKM_RSA_PKCS_OAEP, &mixed, 3},
                          {CKM_RSA_PKCS, &mixed, sizeof mixed}};
    CK_MECHANISM x509 = {CKM_RSA_X_509, NULL, 0};
    CK_OBJECT_HANDLE key;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_rv(unwrap_under(private_kek(), &bad[i], blob, 256, &key), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_rv(unwrap_under(private_kek(), &x509, blob, 256, &key), CKR_MECHANISM_INVALID);
    assert_rv(unwrap_under(private_kek(), NULL, blob, 256, &key), CKR_ARGUMENTS_BAD);
    assert_rv(unwrap_under(private_kek(), &oaep_sha1, NULL, 256, &key), CKR_ARGUMENTS_BAD);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_wrong_keys_are_refused_before_any_request(void **state)
{
    CK_OBJECT_HANDLE aes = aes_key("0123456789abcdef", 16), public = public_kek(), private = private_kek(),
                     key;
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &oaep_sha1, 4711, aes, blob, &size), CKR_WRAPPING_KEY_HANDLE_INVALID);
    assert_rv(CALL(wrap_key, &oaep_sha1, private, aes, blob, &size), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(wrap_key, &oaep_sha1, aes, aes, blob, &size), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(CALL(wrap_key, &oaep_sha1, public, 4711, blob, &size), CKR_KEY_HANDLE_INVALID);
    assert_rv(CALL(wrap_key, &oaep_sha1, public, private, blob, &size), CKR_KEY_UNEXTRACTABLE);
    assert_rv(CALL(wrap_key, &oaep_sha1, public, public, blob, &size), CKR_KEY_NOT_WRAPPABLE);
    assert_rv(CALL(wrap_key, &oaep_sha1, public, aes, blob, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(unwrap_under(4711, &oaep_sha1, blob, 256, &key), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    assert_rv(unwrap_under(public, &oaep_sha1, blob, 256, &key), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(unwrap_under(aes, &oaep_sha1, blob, 256, &key), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_usages_are_checked_once_known(void **state)
{
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};
    CK_OBJECT_HANDLE key;

    (void)state;
    fake_version(fake, "kek")->uses_known = true;
    fake_version(fake, "kek")->uses = KEY_USE_ENCRYPT;
    assert_rv(CALL(get_attribute_value, public_kek(), &modulus, 1), CKR_OK);
    assert_rv(wrap_under(public_kek(), &oaep_sha1, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap_under(private_kek(), &oaep_sha1, blob, 256, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_keys_that_do_not_fit(void **state)
{
    unsigned char value[480] = {1};
    CK_ULONG size = sizeof blob, length = 246;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 4, &key), CKR_OK);
    assert_rv(CALL(wrap_key, &oaep_sha1, public_kek(), key, blob, &size), CKR_KEY_SIZE_RANGE);
    assert_int_equal(fake_count_all(fake), 0);
    wrap_ok();
    template[3].ulValueLen = length;
    assert_rv(CALL(create_object, template, 4, &key), CKR_OK);
    assert_rv(CALL(wrap_key, &pkcs1, public_kek(), key, blob, &size), CKR_KEY_SIZE_RANGE);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
}

static void test_an_unextractable_key_is_not_wrapped(void **state)
{
    unsigned char value[16] = {1};
    CK_ULONG size = sizeof blob;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, value, sizeof value},
                               ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_WRAP_WITH_TRUSTED, yes)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_rv(CALL(create_object, template, 3, &key), CKR_OK);
    assert_rv(CALL(wrap_key, &oaep_sha1, public_kek(), key, blob, &size), CKR_KEY_UNEXTRACTABLE);
    assert_rv(CALL(create_object, template, 5, &key), CKR_OK);
    assert_rv(CALL(wrap_key, &oaep_sha1, public_kek(), key, blob, &size), CKR_KEY_NOT_WRAPPABLE);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_an_ec_key_neither_wraps_nor_opens(void **state)
{
    CK_OBJECT_HANDLE public, private, key;
    CK_ATTRIBUTE modulus = {CKA_MODULUS, NULL, 0};

    (void)state;
    fake_add(fake, "ec", 0);
    public = the(CKO_PUBLIC_KEY, "ec");
    private = the(CKO_PRIVATE_KEY, "ec");
    assert_rv(CALL(get_attribute_value, private, &modulus, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(wrap_under(public, &oaep_sha1, blob, &blob_size), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(unwrap_under(private, &oaep_sha1, blob, 256, &key), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_int_equal(fake_count(fake, FAKE_WRAP) + fake_count(fake, FAKE_UNWRAP), 0);
}

static void test_failures_reach_the_session(void **state)
{
    CK_SESSION_INFO info;
    CK_OBJECT_HANDLE key;

    (void)state;
    fake_rule(fake, FAKE_UNWRAP, fake_unreachable);
    assert_rv(unwrap_under(private_kek(), &oaep_sha1, blob, 256, &key), CKR_DEVICE_ERROR);
    assert_rv(token->ops->get_session_info(session, &info), CKR_OK);
    assert_int_equal(info.ulDeviceError, 503);
}

static void test_an_unwrapped_key_tells_which_version_opened_it(void **state)
{
    char version[KEY_VERSION_SIZE];
    CK_BBOOL flags[3];
    CK_ATTRIBUTE list[] = {{CKA_BYOK_KEY_VERSION, version, sizeof version},
                           {CKA_LOCAL, &flags[0], 1},
                           {CKA_ALWAYS_SENSITIVE, &flags[1], 1},
                           {CKA_NEVER_EXTRACTABLE, &flags[2], 1}};
    CK_OBJECT_HANDLE key;

    (void)state;
    wrap_ok();
    assert_rv(unwrap_under(private_kek(), &oaep_sha256, blob, blob_size, &key), CKR_OK);
    assert_rv(CALL(get_attribute_value, key, list, COUNT(list)), CKR_OK);
    assert_int_equal(list[0].ulValueLen, 32);
    assert_memory_equal(version, fake_version(fake, "kek")->version, 32);
    assert_false(flags[0] || flags[1] || flags[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_round_trips),
        with_token(test_no_parameter_means_sha1),
        with_token(test_an_unwrap_of_a_named_key_is_one_request),
        with_token(test_wraps_between_lease_checks_cost_nothing),
        with_service(test_a_lease_check_later_the_service_wraps_once_more),
        with_service(test_a_new_version_is_wrapped_under),
        with_service(test_wrap_local_asks_for_the_public_part_alone),
        with_service(test_wrap_service_asks_each_time),
        with_service(test_without_get_the_service_wraps),
        with_token(test_without_get_and_list_named_keys_work),
        with_token(test_size_queries_cost_nothing),
        with_token(test_a_short_buffer_is_judged_when_the_size_is_known),
        with_token(test_a_buffer_that_turns_out_too_short),
        with_token(test_bad_blobs_have_one_code),
        with_token(test_a_payload_of_the_wrong_size_is_a_bad_blob),
        with_token(test_bad_templates_cost_nothing),
        with_token(test_bad_parameters),
        with_token(test_wrong_keys_are_refused_before_any_request),
        with_token(test_usages_are_checked_once_known),
        with_token(test_keys_that_do_not_fit),
        with_token(test_an_unextractable_key_is_not_wrapped),
        with_token(test_an_ec_key_neither_wraps_nor_opens),
        with_token(test_failures_reach_the_session),
        with_token(test_an_unwrapped_key_tells_which_version_opened_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
