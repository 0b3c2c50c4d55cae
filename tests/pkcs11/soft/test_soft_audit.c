/* Records of what the soft token does with keys of its service; and that nothing is given away without one. */
#include "tests/pkcs11/soft/soft_test.h"

#include "backends/audit/audit_record.h"
#include "tests/backends/audit/audit_test.h"
#include <stdio.h>
#include <string.h>

enum { MARK = 0xa5 };

static struct rsa_aes_key_wrap_params rsa_aes_parameter = {256, NULL};
static CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &rsa_aes_parameter, sizeof rsa_aes_parameter};
static CK_MECHANISM sha256_rsa = {CKM_SHA256_RSA_PKCS, NULL, 0};

static const char *audit_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/audit", soft_folder());
    return path;
}

static int set_up_unopened(void **state)
{
    rsa_aes_parameter.oaep = oaep_sha256.pParameter;
    audit_forget();
    if (soft_begin(state) != 0) {
        return -1;
    }
    audit_begin(soft_folder(), "audit-file = \"%s/audit\"\n");
    return 0;
}

static int set_up(void **state)
{
    if (set_up_unopened(state) != 0) {
        return -1;
    }
    soft_open("");
    return 0;
}

static int set_up_where_nothing_can_be_written(void **state)
{
    if (set_up(state) != 0) {
        return -1;
    }
    audit_begin(soft_folder(), "audit-file = /dev/full # %s\naudit-required = yes\n");
    return 0;
}

static int tear_down(void **state)
{
    audit_forget();
    return soft_end(state);
}

static char versions[2][KEY_VERSION_SIZE];

/* The newest of "kek". */
static void note_version(unsigned number)
{
    snprintf(versions[number], sizeof versions[number], "%s", fake_version(fake, "kek")->version);
}

/* The record is of this use of the newest version of "kek", and it is the last one. */
static void expect_last(size_t number, const char *operation, const char *place, const char *mechanism,
                        const char *result, struct bytes blob)
{
    cJSON *line = audit_line(audit_path(), number);
    char hex[AUDIT_HEX_SIZE] = "";

    if (blob.size != 0) {
        assert_true(audit_hash(blob, hex));
    }
    assert_int_equal(audit_line_count(audit_path()), number + 1);
    assert_string_equal(audit_member(line, "event"), "use");
    assert_string_equal(audit_member(line, "token"), "soft");
    assert_string_equal(audit_member(line, "backend"), "fake");
    assert_string_equal(audit_member(line, "operation"), operation);
    assert_string_equal(audit_member(line, "place"), place);
    assert_string_equal(audit_member(line, "mechanism"), mechanism);
    assert_string_equal(audit_member(line, "result"), result);
    assert_string_equal(audit_member(line, "blob_sha256"), hex);
    assert_non_null(strstr(audit_member(line, "key"), "kek"));
    assert_non_null(strstr(audit_member(line, "key"), fake_version(fake, "kek")->version));
    cJSON_Delete(line);
}

static void test_wrap_and_unwrap(void **state)
{
    unsigned char blob[512];
    CK_OBJECT_HANDLE key;
    CK_ULONG size;

    (void)state;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    expect_last(1, "wrap", "service", "CKM_RSA_PKCS_OAEP", "CKR_OK", bytes_of(blob, size));
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    expect_last(2, "wrap", "here", "CKM_RSA_PKCS_OAEP", "CKR_OK", bytes_of(blob, size));
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, size, &key), CKR_OK);
    expect_last(3, "unwrap", "service", "CKM_RSA_PKCS_OAEP", "CKR_OK", bytes_of(blob, size));
    assert_true(audit_read_path(audit_path()).is_whole);
}

static void test_both_halves_of_a_blob_have_one_hash(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef0123456789abcdef", 32), opened;
    unsigned char blob[512];
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &rsa_aes, the(CKO_PUBLIC_KEY, "kek"), key, blob, &size), CKR_OK);
    expect_last(1, "wrap", "service", "CKM_RSA_AES_KEY_WRAP", "CKR_OK", bytes_of(blob, size));
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &rsa_aes, blob, size, &opened), CKR_OK);
    expect_last(2, "unwrap", "service", "CKM_RSA_AES_KEY_WRAP", "CKR_OK", bytes_of(blob, size));
}

static CK_RV sign(unsigned char signature[256], CK_ULONG *ret_size)
{
    unsigned char text[] = "text";
    CK_RV rv = CALL(sign_init, &sha256_rsa, the(CKO_PRIVATE_KEY, "kek"));

    *ret_size = 256;
    return rv == CKR_OK ? CALL(sign, text, 4, signature, ret_size) : rv;
}

static void test_sign(void **state)
{
    unsigned char signature[256];
    CK_ULONG size;

    (void)state;
    assert_rv(sign(signature, &size), CKR_OK);
    expect_last(1, "sign", "service", "CKM_SHA256_RSA_PKCS", "CKR_OK", bytes_of(signature, size));
}

static CK_RV decrypt(unsigned char *blob, CK_ULONG size, unsigned char plain[256], CK_ULONG *ret_size)
{
    CK_RV rv = CALL(decrypt_init, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek"));

    *ret_size = 256;
    return rv == CKR_OK ? CALL(decrypt, blob, size, plain, ret_size) : rv;
}

static void test_encrypt_and_decrypt(void **state)
{
    unsigned char text[] = "text", blob[256], plain[256];
    CK_ULONG size = sizeof blob, plain_size = 0;

    (void)state;
    assert_rv(CALL(encrypt_init, &oaep_sha1, the(CKO_PUBLIC_KEY, "kek")), CKR_OK);
    assert_rv(CALL(encrypt, text, 4, blob, &size), CKR_OK);
    expect_last(1, "encrypt", "here", "CKM_RSA_PKCS_OAEP", "CKR_OK", bytes_of(blob, size));
    assert_rv(decrypt(blob, size, plain, &plain_size), CKR_OK);
    expect_last(2, "decrypt", "service", "CKM_RSA_PKCS_OAEP", "CKR_OK", bytes_of(blob, size));
}

static void test_what_is_refused(void **state)
{
    unsigned char blob[512];
    CK_OBJECT_HANDLE key;
    CK_ULONG size;
    cJSON *line;

    (void)state;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    fake_rule(fake, FAKE_UNWRAP, fake_refused);
    assert_int_not_equal(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, size, &key), CKR_OK);
    line = audit_line(audit_path(), 2);
    assert_string_equal(audit_member(line, "operation"), "unwrap");
    assert_string_equal(audit_member(line, "result"), "CKR_KEY_FUNCTION_NOT_PERMITTED");
    assert_int_equal(audit_number(line, "http_status"), 403);
    cJSON_Delete(line);
    assert_int_equal(audit_read_path(audit_path()).totals.failed_uses, 1);
}

/* --- Events; those of leases are in test_lease_audit.c --- */

static void expect_event(size_t number, const char *event, unsigned version, const char *reason)
{
    cJSON *line = audit_line(audit_path(), number);

    assert_string_equal(audit_member(line, "event"), event);
    assert_string_equal(audit_member(line, "token"), "soft");
    assert_string_equal(audit_member(line, "backend"), "fake");
    assert_string_equal(audit_member(line, "reason"), reason);
    assert_non_null(strstr(audit_member(line, "key"), "kek"));
    assert_non_null(strstr(audit_member(line, "key"), versions[version]));
    cJSON_Delete(line);
}

static void test_what_the_policy_refuses(void **state)
{
    unsigned char blob[512];
    CK_ULONG size;

    (void)state;
    soft_open("require-hsm = yes");
    note_version(0);
    fake_version(fake, "kek")->in_hardware = TOLD_NO;
    for (int i = 1; i <= 2; i++) {
        assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size),
                  CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    expect_event(1, "refused", 0,
                 "require-hsm is set, and it is kept in software; a new version of it with the type RSA-HSM, "
                 "EC-HSM or oct-HSM would do");
    assert_int_equal(audit_read_path(audit_path()).totals.events, 3);
}

static void test_another_version_comes_into_use(void **state)
{
    unsigned char blob[512];
    char reason[100];
    CK_ULONG size;

    (void)state;
    soft_open("wrap = service");
    note_version(0);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    fake_add(fake, "kek", 2048);
    note_version(1);
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    snprintf(reason, sizeof reason, "in use before: %s", versions[0]);
    expect_event(2, "rolled", 1, reason);
    assert_int_equal(audit_line_count(audit_path()), 4);
}

static void test_a_question_for_the_size_is_no_use(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef", 16);
    CK_ULONG size = 0;

    (void)state;
    assert_rv(CALL(wrap_key, &oaep_sha256, the(CKO_PUBLIC_KEY, "kek"), key, NULL, &size), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), 1);
}

static void test_keys_that_live_here_are_nobodys_concern(void **state)
{
    CK_OBJECT_HANDLE kek = aes_key("0123456789abcdef", 16), key = aes_key("fedcba9876543210", 16);
    CK_MECHANISM key_wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    unsigned char blob[64];
    CK_ULONG size = sizeof blob;

    (void)state;
    assert_rv(CALL(wrap_key, &key_wrap, kek, key, blob, &size), CKR_OK);
    assert_rv(unwrap_under(kek, &key_wrap, blob, size, &key), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), 1);
}

static void test_no_secret_is_in_it(void **state)
{
    unsigned char blob[512];
    CK_OBJECT_HANDLE key;
    CK_ULONG size;

    (void)state;
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, blob, &size), CKR_OK);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob, size, &key), CKR_OK);
    assert_int_equal(audit_line_count(audit_path()), 3);
    assert_null(strstr(audit_text(audit_path()), "0123456789abcdef0123"));
    assert_null(strstr(audit_text(audit_path()), "3031323334353637"));
    assert_null(strstr(audit_text(audit_path()), "MDEyMzQ1Njc4OWFi"));
}

/* --- Where the record must be written and cannot be --- */

static void expect_untouched(const unsigned char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(out[i], MARK);
    }
}

static void test_nothing_is_wrapped_unrecorded(void **state)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef0123456789abcdef", 32);
    CK_MECHANISM *const mechanisms[] = {&oaep_sha256, &rsa_aes};
    unsigned char blob[512];

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        CK_ULONG size = sizeof blob;

        memset(blob, MARK, sizeof blob);
        assert_rv(CALL(wrap_key, mechanisms[i], the(CKO_PUBLIC_KEY, "kek"), key, blob, &size),
                  CKR_FUNCTION_FAILED);
        expect_untouched(blob, sizeof blob);
    }
}

static CK_ULONG secret_keys(void)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class)};
    CK_OBJECT_HANDLE found[8];

    return find(template, 1, found, COUNT(found));
}

static void test_nothing_is_unwrapped_unrecorded(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    CK_OBJECT_HANDLE key = 4711;

    (void)state;
    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA256, bytes_of("0123456789abcdef", 16), &blob);
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob.data, blob.size, &key),
              CKR_FUNCTION_FAILED);
    assert_int_equal(key, 4711);
    assert_int_equal(secret_keys(), 0);
    audit_begin(soft_folder(), "audit-file = \"%s/audit\"\naudit-required = yes\n");
    assert_rv(unwrap_under(the(CKO_PRIVATE_KEY, "kek"), &oaep_sha256, blob.data, blob.size, &key), CKR_OK);
    assert_int_equal(secret_keys(), 1);
    buffer_free(&blob);
}

static void test_nothing_is_signed_unrecorded(void **state)
{
    unsigned char signature[256];
    CK_ULONG size;

    (void)state;
    memset(signature, MARK, sizeof signature);
    assert_rv(sign(signature, &size), CKR_FUNCTION_FAILED);
    expect_untouched(signature, sizeof signature);
}

static void test_nothing_is_decrypted_unrecorded(void **state)
{
    struct buffer blob = BUFFER_INIT(512);
    unsigned char plain[256];
    CK_ULONG size;

    (void)state;
    memset(plain, MARK, sizeof plain);
    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA1, bytes_of("0123456789abcdef", 16), &blob);
    assert_rv(decrypt(blob.data, blob.size, plain, &size), CKR_FUNCTION_FAILED);
    expect_untouched(plain, sizeof plain);
    buffer_free(&blob);
}

int main(void)
{
#define TEST(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define UNWRITABLE(name) cmocka_unit_test_setup_teardown(name, set_up_where_nothing_can_be_written, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_wrap_and_unwrap),
        TEST(test_both_halves_of_a_blob_have_one_hash),
        TEST(test_sign),
        TEST(test_encrypt_and_decrypt),
        TEST(test_what_is_refused),
        cmocka_unit_test_setup_teardown(test_what_the_policy_refuses, set_up_unopened, tear_down),
        cmocka_unit_test_setup_teardown(test_another_version_comes_into_use, set_up_unopened, tear_down),
        TEST(test_a_question_for_the_size_is_no_use),
        TEST(test_keys_that_live_here_are_nobodys_concern),
        TEST(test_no_secret_is_in_it),
        UNWRITABLE(test_nothing_is_wrapped_unrecorded),
        UNWRITABLE(test_nothing_is_unwrapped_unrecorded),
        UNWRITABLE(test_nothing_is_signed_unrecorded),
        UNWRITABLE(test_nothing_is_decrypted_unrecorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
