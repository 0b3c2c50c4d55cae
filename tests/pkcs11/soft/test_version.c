/* C_UnwrapKey and C_Decrypt of what older versions of a key made: which are tried, at what cost, what ends it. */
#include "tests/pkcs11/soft/version_test.h"
#include <stdio.h>
#include <string.h>

static CK_OBJECT_HANDLE key;

static void test_a_blob_of_the_current_version_costs_one_request(void **state)
{
    (void)state;
    open_with_five("");
    assert_opened_by(blob_of(4), 4);
    assert_int_equal(fake_count_all(fake), 1);
}

static void test_a_blob_of_any_older_version_opens(void **state)
{
    (void)state;
    open_with_five("");
    for (unsigned i = 0; i < 5; i++) {
        assert_opened_by(blob_of(4 - i), 4 - i);
    }
    assert_int_equal(listings(), 1);
}

static void test_they_are_tried_from_the_newest_down(void **state)
{
    (void)state;
    open_with_five("");
    assert_opened_by(blob_of(2), 2);
    assert_asked(4, 1);
    assert_asked(3, 1);
    assert_asked(2, 1);
    assert_asked(1, 0);
    assert_asked(0, 0);
}

static void test_what_opened_once_costs_one_request(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    for (unsigned i = 0; i < 5; i++) {
        blob = blob_of(i);
        assert_opened_by(blob, i);
        (void)unwraps();
        (void)listings();
        assert_opened_by(blob, i);
        assert_opened_by(blob, i);
        assert_int_equal(unwraps(), 2);
        assert_int_equal(listings(), 0);
    }
}

static void test_what_the_current_version_opened_still_costs_one_request_when_it_is_old(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(1, 2048);
    soft_open("");
    blob = blob_of(0);
    assert_opened_by(blob, 0);
    fake_add(fake, "kek", 2048);
    (void)unwraps();
    assert_opened_by(blob, 0);
    assert_int_equal(unwraps(), 1);
    assert_asked(1, 0);
}

static void test_at_most_older_versions_are_tried(void **state)
{
    (void)state;
    open_with_five("    older-versions = 2");
    assert_opened_by(blob_of(2), 2);
    (void)unwraps();
    assert_rv(open_blob(blob_of(1), &key), CKR_WRAPPED_KEY_INVALID);
    assert_asked(1, 0);
    assert_asked(0, 0);
    assert_true(lines_with("older-versions") != 0);
}

static void test_none_is_tried_where_that_is_wanted(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("    older-versions = 0");
    blob = blob_of(3);
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(unwraps(), 2);
    assert_int_equal(listings(), 0);
}

static void test_c_decrypt_tries_them_too(void **state)
{
    unsigned char out[512], in[512];
    CK_ULONG size = sizeof out;
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(1);
    memcpy(in, blob.data, 256);
    for (unsigned i = 0; i < 2; i++) {
        size = sizeof out;
        assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
        assert_rv(CALL(decrypt, in, 256, out, &size), CKR_OK);
        assert_int_equal(size, 32);
        assert_memory_equal(out, "0123456789abcdef0123456789abcdef", 32);
    }
    assert_int_equal(fake_count(fake, FAKE_DECRYPT), 5); /* 4, 3, 2, 1; 1 */
    in[7] ^= 1;
    assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    size = sizeof out;
    assert_rv(CALL(decrypt, in, 256, out, &size), CKR_ENCRYPTED_DATA_INVALID);
}

/* --- What may be known --- */

static void test_without_list_it_says_which_permission_would_find_more(void **state)
{
    struct bytes blob;

    (void)state;
    open_with_five("");
    blob = blob_of(2);
    fake_rule(fake, FAKE_LIST_VERSIONS, fake_refused);
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(open_blob(blob, &key), CKR_WRAPPED_KEY_INVALID); /* not remembered: not all were tried */
    assert_int_equal(unwraps(), 2);
    assert_int_equal(listings(), 1);
    assert_int_equal(lines_with("permission list (keys)"), 2);
}

static void test_versions_that_were_in_use_need_no_listing(void **state)
{
    struct bytes first;

    (void)state;
    versions_of_kek(1, 2048);
    soft_open("");
    fake_rule(fake, FAKE_LIST_VERSIONS, fake_refused);
    first = blob_of(0);
    assert_opened_by(blob_of(0), 0);
    fake_add(fake, "kek", 2048);
    assert_opened_by(blob_of(1), 1);
    fake_add(fake, "kek", 2048);
    assert_opened_by(blob_of(2), 2);
    (void)unwraps();
    assert_opened_by(first, 0);
    assert_int_equal(unwraps(), 3);
    assert_int_equal(listings(), 0);
}

static void test_configured_versions_need_no_listing(void **state)
{
    char text[128];

    (void)state;
    versions_of_kek(3, 2048);
    snprintf(text, sizeof text, "kek/%s", version_name(0));
    fake_configure_older(fake, text);
    soft_open("");
    assert_opened_by(blob_of(0), 0);
    assert_int_equal(unwraps(), 2);
    assert_int_equal(listings(), 0);
}

static void test_a_listing_is_remembered(void **state)
{
    (void)state;
    open_with_five("    refresh = 1d");
    assert_opened_by(blob_of(3), 3);
    assert_opened_by(blob_of(1), 1);
    assert_rv(open_blob(garbage(), &key), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(listings(), 1);
}

/* The service does not tell which version called the blob bad: it has another latest one since. */
static void test_a_version_that_was_the_latest_just_now_is_tried_too(void **state)
{
    (void)state;
    versions_of_kek(2, 2048);
    soft_open("    refresh = 1d");
    assert_opened_by(blob_of(0), 0); /* lists: 1 is the latest */
    fake_add(fake, "kek", 2048);
    assert_opened_by(blob_of(1), 1);
    assert_opened_by(blob_of(2), 2);
    assert_opened_by(blob_of(0), 0);
}

/* --- Pinned versions --- */

static void open_pinned(unsigned index, const char *older)
{
    char text[128];
    struct key_service *made = fake;

    /* the fake was made with "kek" configured, which the pinned one stands beside */
    snprintf(text, sizeof text, "kek/%s", version_name(index));
    fake_configure(made, text);
    if (older != NULL) {
        snprintf(text, sizeof text, "kek/%s", older);
        fake_configure_older(made, text);
    }
    soft_open("");
}

static CK_OBJECT_HANDLE pinned(CK_OBJECT_CLASS class, unsigned index)
{
    char text[128];

    snprintf(text, sizeof text, "kek/%s", version_name(index));
    return the(class, text);
}

static void test_a_pinned_version_is_tried_alone(void **state)
{
    (void)state;
    versions_of_kek(3, 2048);
    open_pinned(1, NULL);
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 1), &oaep_sha256, blob_of(1), &key), CKR_OK);
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 1), &oaep_sha256, blob_of(0), &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 1), &oaep_sha256, blob_of(2), &key), CKR_WRAPPED_KEY_INVALID);
    assert_asked(1, 3);
    assert_asked(0, 0);
    assert_asked(2, 0);
    assert_int_equal(listings(), 0);
    assert_true(lines_with("pinned") != 0);
}

static void test_a_pinned_version_is_tried_with_those_that_are_configured_as_older(void **state)
{
    (void)state;
    versions_of_kek(4, 2048);
    open_pinned(2, version_name(0));
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 2), &oaep_sha256, blob_of(0), &key), CKR_OK);
    assert_string_equal(version_told(key), version_name(0));
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 2), &oaep_sha256, blob_of(1), &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 2), &oaep_sha256, blob_of(3), &key), CKR_WRAPPED_KEY_INVALID);
    assert_asked(1, 0);
    assert_asked(3, 0);
}

static void test_name_and_version_find_one_with_its_own_handles(void **state)
{
    unsigned char out[512];
    CK_ULONG size;

    (void)state;
    versions_of_kek(3, 2048);
    soft_open("");
    assert_true(pinned(CKO_PRIVATE_KEY, 0) != the(CKO_PRIVATE_KEY, "kek"));
    assert_string_equal(version_told(pinned(CKO_PRIVATE_KEY, 0)), version_name(0));
    assert_rv(wrap_under(pinned(CKO_PUBLIC_KEY, 0), &oaep_sha256, out, &size), CKR_OK);
    assert_rv(open_with(pinned(CKO_PRIVATE_KEY, 0), &oaep_sha256, bytes_of(out, size), &key), CKR_OK);
    assert_string_equal(version_told(key), version_name(0));
    assert_asked(2, 0);
    assert_opened_by(bytes_of(out, size), 0); /* the key itself opens it, too */
}

/* --- RSAES-PKCS1-v1_5 --- */

static struct bytes pkcs1_blob_of(unsigned index)
{
    static unsigned char kept[256];
    struct buffer blob = BUFFER_INIT(512);

    fake_encrypt_at(fake, "kek", index, RSA_PADDING_PKCS1, bytes_of_text("0123456789abcdef0123456789abcdef"),
                    &blob);
    memcpy(kept, blob.data, 256);
    buffer_free(&blob);
    return bytes_of(kept, 256);
}

static void test_under_pkcs1_no_older_version_is_tried(void **state)
{
    CK_RV rv;

    (void)state;
    open_with_five("");
    rv = open_with(the(CKO_PRIVATE_KEY, "kek"), &pkcs1, pkcs1_blob_of(3), &key);
    assert_true(rv == CKR_WRAPPED_KEY_INVALID || rv == CKR_OK); /* a service may give what looks like a key */
    assert_asked(4, 1);
    assert_asked(3, 0);
    assert_int_equal(listings(), 0);
}

static void test_under_pkcs1_the_version_that_opened_it_is_remembered(void **state)
{
    struct bytes blob;

    (void)state;
    versions_of_kek(1, 2048);
    soft_open("");
    blob = pkcs1_blob_of(0);
    assert_rv(open_with(the(CKO_PRIVATE_KEY, "kek"), &pkcs1, blob, &key), CKR_OK);
    fake_add(fake, "kek", 2048);
    assert_rv(open_with(the(CKO_PRIVATE_KEY, "kek"), &pkcs1, blob, &key), CKR_OK);
    assert_string_equal(version_told(key), version_name(0));
    assert_asked(1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_a_blob_of_the_current_version_costs_one_request),
        with_versions(test_a_blob_of_any_older_version_opens),
        with_versions(test_they_are_tried_from_the_newest_down),
        with_versions(test_what_opened_once_costs_one_request),
        with_versions(test_what_the_current_version_opened_still_costs_one_request_when_it_is_old),
        with_versions(test_at_most_older_versions_are_tried),
        with_versions(test_none_is_tried_where_that_is_wanted),
        with_versions(test_c_decrypt_tries_them_too),
        with_versions(test_without_list_it_says_which_permission_would_find_more),
        with_versions(test_versions_that_were_in_use_need_no_listing),
        with_versions(test_configured_versions_need_no_listing),
        with_versions(test_a_listing_is_remembered),
        with_versions(test_a_version_that_was_the_latest_just_now_is_tried_too),
        with_versions(test_a_pinned_version_is_tried_alone),
        with_versions(test_a_pinned_version_is_tried_with_those_that_are_configured_as_older),
        with_versions(test_name_and_version_find_one_with_its_own_handles),
        with_versions(test_under_pkcs1_no_older_version_is_tried),
        with_versions(test_under_pkcs1_the_version_that_opened_it_is_remembered),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
