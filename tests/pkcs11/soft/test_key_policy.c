/* Which keys of the service the owner lets be used: their size, where they are kept, whether they can be purged. */
#include "backends/base/log.h"
#include "tests/fake_aes.h"
#include "tests/pkcs11/soft/sign_test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 20 };

static char log_path[160];
static unsigned char blob[512];
static CK_ULONG blob_size;

/* A token with these options, whose warnings can be counted. */
static void open_with(const char *options)
{
    char to[200];

    snprintf(log_path, sizeof log_path, "%s/log", soft_folder());
    snprintf(to, sizeof to, "warning file:%s", log_path);
    assert_rv(log_configure(to), CKR_OK);
    soft_open(options);
}

static int tear_down(void **state)
{
    int rv = log_configure("warning syslog") == CKR_OK ? 0 : -1;

    return soft_end(state) == 0 ? rv : -1;
}

static unsigned logged(const char *text)
{
    char line[2048];
    unsigned count = 0;
    FILE *file = fopen(log_path, "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, text) != NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

static CK_RV wrap(CK_MECHANISM *mechanism)
{
    blob_size = sizeof blob;
    memset(blob, 0, sizeof blob);
    return wrap_under(the(CKO_PUBLIC_KEY, "kek"), mechanism, blob, &blob_size);
}

static CK_RV unwrap(CK_MECHANISM *mechanism)
{
    CK_OBJECT_HANDLE key;

    return unwrap_under(the(CKO_PRIVATE_KEY, "kek"), mechanism, blob, blob_size, &key);
}

/* As somebody else made it, without us. */
static void blob_from_outside(const char *name)
{
    struct buffer made = BUFFER_INIT(512);

    fake_encrypt(fake, name, RSA_PADDING_OAEP_SHA256, bytes_of_text("0123456789abcdef"), &made);
    memcpy(blob, made.data, made.size);
    blob_size = made.size;
    buffer_free(&made);
}

static CK_RV encrypt(void)
{
    unsigned char data[] = "data", out[512];
    CK_ULONG size = sizeof out;
    CK_RV rv = CALL(encrypt_init, &oaep_sha256, the(CKO_PUBLIC_KEY, "kek"));

    return rv == CKR_OK ? CALL(encrypt, data, sizeof data, out, &size) : rv;
}

static CK_RV decrypt(void)
{
    unsigned char out[512];
    CK_ULONG size = sizeof out;
    CK_RV rv = CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek"));

    return rv == CKR_OK ? CALL(decrypt, blob, blob_size, out, &size) : rv;
}

static CK_RV sign(void)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    unsigned char signature[MOST_SIGNATURE];
    CK_ULONG size;

    return sign_with(&mechanism, the(CKO_PRIVATE_KEY, "kek"), bytes_of_text("data"), signature, &size);
}

static void assert_all_refused(void)
{
    blob_from_outside("kek");
    assert_rv(wrap_under(the(CKO_PUBLIC_KEY, "kek"), &oaep_sha256, (unsigned char[512]){0}, &(CK_ULONG){512}),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(encrypt(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(decrypt(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(sign(), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void assert_all_work(void)
{
    assert_rv(wrap(&oaep_sha256), CKR_OK);
    assert_rv(unwrap(&oaep_sha256), CKR_OK);
    assert_rv(encrypt(), CKR_OK);
    assert_rv(decrypt(), CKR_OK);
    assert_rv(sign(), CKR_OK);
}

/* No request that would have used the key. */
static unsigned uses(void)
{
    return fake_count(fake, FAKE_WRAP) + fake_count(fake, FAKE_UNWRAP) + fake_count(fake, FAKE_ENCRYPT) +
           fake_count(fake, FAKE_DECRYPT) + fake_count(fake, FAKE_SIGN);
}

/* --- Sizes --- */

static void test_2048_needs_no_proof(void **state)
{
    (void)state;
    open_with("min-rsa-bits = 2048");
    assert_rv(wrap(&oaep_sha256), CKR_OK);
    assert_rv(unwrap(&oaep_sha256), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_GET), 0);
    assert_int_equal(logged("is refused"), 0);
}

static void test_a_small_key_is_refused_before_it_is_used(void **state)
{
    (void)state;
    open_with("min-rsa-bits = 3072");
    assert_all_refused();
    assert_int_equal(uses(), 0);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(logged("key kek is refused: min-rsa-bits is 3072, and it has 2048"), 1);
}

static void test_a_large_key_costs_one_question(void **state)
{
    (void)state;
    fake_add(fake, "kek", 3072);
    open_with("min-rsa-bits = 3072");
    assert_all_work();
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(logged("is refused"), 0);
}

/* Then the service is asked, and its answer's length tells. */
static void test_without_get_a_small_key_shows_by_its_blob(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    open_with("min-rsa-bits = 3072");
    assert_rv(wrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 1);
    for (size_t i = 0; i < sizeof blob; i++) {
        assert_int_equal(blob[i], 0);
    }
    assert_rv(sign(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    blob_from_outside("kek");
    assert_rv(unwrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(decrypt(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP) + fake_count(fake, FAKE_DECRYPT), 0);
    assert_int_equal(logged("min-rsa-bits is 3072, and it has 2048"), 1);
}

static void test_without_get_a_large_key_works(void **state)
{
    (void)state;
    fake_add(fake, "kek", 3072);
    fake_rule(fake, FAKE_GET, fake_refused);
    open_with("min-rsa-bits = 3072");
    assert_all_work();
}

static void test_both_halves_of_a_long_blob(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    struct rsa_aes_key_wrap_params parameter = {256, &sha256};
    CK_MECHANISM rsa_aes = {CKM_RSA_AES_KEY_WRAP, &parameter, sizeof parameter};

    (void)state;
    fake_add(fake, "kek", 3072);
    fake_rule(fake, FAKE_GET, fake_refused);
    open_with("min-rsa-bits = 3072");
    assert_rv(wrap(&rsa_aes), CKR_OK);
    assert_rv(unwrap(&rsa_aes), CKR_OK);
    soft_end(NULL);
    assert_int_equal(soft_begin(NULL), 0);
    open_with("min-rsa-bits = 3072");
    assert_rv(wrap(&rsa_aes), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* A public key that an application brings, with a modulus of so many bytes. */
static CK_OBJECT_HANDLE brought(CK_ULONG size)
{
    unsigned char modulus[512], exponent[] = {1, 0, 1}, label[] = "brought\n";
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, public_class),
                               ATTRIBUTE(CKA_KEY_TYPE, rsa_type),
                               {CKA_LABEL, label, 8},
                               {CKA_MODULUS, modulus, size},
                               ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent),
                               ATTRIBUTE(CKA_ENCRYPT, yes),
                               ATTRIBUTE(CKA_WRAP, yes)};
    CK_OBJECT_HANDLE key = 0;

    memset(modulus, 0xff, sizeof modulus);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static void test_keys_that_live_here_are_judged_too(void **state)
{
    CK_OBJECT_HANDLE small;

    (void)state;
    open_with("min-rsa-bits = 3072");
    small = brought(256);
    for (int i = 0; i < 3; i++) {
        assert_rv(CALL(encrypt_init, &oaep_sha256, small), CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    blob_size = sizeof blob;
    assert_rv(wrap_under(small, &oaep_sha256, blob, &blob_size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(logged("(label \"brought?\") is refused: min-rsa-bits is 3072, and it has 2048"), 1);
    assert_rv(CALL(encrypt_init, &oaep_sha256, brought(257)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(logged("is refused"), 2);
    assert_rv(CALL(encrypt_init, &oaep_sha256, brought(384)), CKR_OK);
    assert_int_equal(logged("is refused"), 2);
}

static void test_ec_keys_have_another_measure(void **state)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
    unsigned char signature[MOST_SIGNATURE];
    CK_ULONG size;

    (void)state;
    fake_add(fake, "p256", 256);
    fake_configure(fake, "p256");
    open_with("min-rsa-bits = 3072");
    assert_rv(sign_with(&ecdsa, the(CKO_PRIVATE_KEY, "p256"), bytes_of_text("data"), signature, &size),
              CKR_OK);
}

static void test_verifying_is_not_judged(void **state)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};

    (void)state;
    open_with("min-rsa-bits = 3072\n require-hsm = yes");
    memset(blob, 1, 256);
    assert_rv(verify_with(&mechanism, the(CKO_PUBLIC_KEY, "kek"), bytes_of_text("data"), bytes_of(blob, 256)),
              CKR_SIGNATURE_INVALID);
    assert_int_equal(logged("is refused"), 0);
}

static void test_mechanisms_tell_the_least_size(void **state)
{
    CK_MECHANISM_INFO info;

    (void)state;
    open_with("min-rsa-bits = 3072");
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_PKCS_OAEP, &info), CKR_OK);
    assert_int_equal(info.ulMinKeySize, 3072);
    assert_rv(token->ops->get_mechanism_info(token, CKM_SHA256_RSA_PKCS, &info), CKR_OK);
    assert_int_equal(info.ulMinKeySize, 2048); /* still checked */
}

/* --- What the service says of the key --- */

static void test_a_key_in_software_is_refused(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_NO;
    open_with("require-hsm = yes");
    assert_all_refused();
    assert_int_equal(uses(), 0);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(logged("key kek is refused: require-hsm is set, and it is kept in software"), 1);
}

static void test_a_key_in_hardware_works(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_YES;
    open_with("require-hsm = yes");
    assert_all_work();
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
}

static void test_a_key_that_can_be_purged_is_refused(void **state)
{
    (void)state;
    fake_version(fake, "kek")->purge_protected = TOLD_NO;
    open_with("require-purge-protection = yes");
    assert_all_refused();
    assert_int_equal(uses(), 0);
    assert_int_equal(logged("purge protection is off"), 1);
}

static void test_a_protected_key_works(void **state)
{
    (void)state;
    fake_version(fake, "kek")->purge_protected = TOLD_YES;
    open_with("require-purge-protection = yes");
    assert_all_work();
}

static void test_what_is_not_told_is_refused(void **state)
{
    (void)state;
    fake_rule(fake, FAKE_GET, fake_refused);
    open_with("require-hsm = yes");
    assert_all_refused();
    assert_int_equal(uses(), 0);
    assert_int_equal(logged("does not tell where it is kept; the permission that shows it is get (keys)"), 1);
}

static void test_purge_protection_that_is_not_told(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_YES;
    open_with("require-hsm = yes\n require-purge-protection = yes");
    assert_all_refused();
    assert_int_equal(logged("does not tell whether it is on; the permission that shows it is get (keys)"), 1);
}

static void test_without_rules_nothing_is_asked(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = fake_version(fake, "kek")->purge_protected = TOLD_NO;
    open_with("wrap = service");
    assert_rv(wrap(&oaep_sha256), CKR_OK);
    assert_rv(unwrap(&oaep_sha256), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_GET), 0);
}

static void test_a_service_that_cannot_be_asked_is_no_refusal(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_YES;
    fake_rule(fake, FAKE_GET, fake_unreachable);
    open_with("require-hsm = yes");
    blob_from_outside("kek");
    assert_rv(unwrap(&oaep_sha256), CKR_DEVICE_ERROR);
    assert_int_equal(uses(), 0);
    assert_int_equal(logged("is refused"), 0);
    fake_rule(fake, FAKE_GET, (struct fake_rule){VERDICT_NONE, CKR_OK, 0});
    assert_rv(unwrap(&oaep_sha256), CKR_OK);
}

/* The owner changes the vault, and we look again. */
static void test_a_change_is_noticed_with_the_next_public_part(void **state)
{
    int64_t until = clock_now() + 20000;

    (void)state;
    fake_version(fake, "kek")->purge_protected = TOLD_YES;
    open_with("require-purge-protection = yes\n refresh = 1s");
    assert_rv(wrap(&oaep_sha256), CKR_OK);
    fake_version(fake, "kek")->purge_protected = TOLD_NO;
    while (unwrap(&oaep_sha256) == CKR_OK && clock_now() < until) {
        deadline_sleep(deadline_in(1000), 100);
    }
    assert_rv(unwrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_version(fake, "kek")->purge_protected = TOLD_YES;
    while (unwrap(&oaep_sha256) != CKR_OK && clock_now() < until) {
        deadline_sleep(deadline_in(1000), 100);
    }
    assert_rv(unwrap(&oaep_sha256), CKR_OK);
}

/* The version in use was judged; the wrap is of the next one, which its answer tells. */
static void test_a_wrap_by_a_version_that_was_not_judged(void **state)
{
    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_YES;
    open_with("require-hsm = yes\n wrap = service");
    assert_rv(wrap(&oaep_sha256), CKR_OK);
    fake_add(fake, "kek", 2048)->in_hardware = TOLD_NO;
    assert_rv(wrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
    assert_rv(wrap(&oaep_sha256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(fake_count(fake, FAKE_WRAP), 2);
}

static void test_usage_attributes_stay_the_owners(void **state)
{
    CK_BBOOL can = CK_FALSE;
    CK_ATTRIBUTE wanted = ATTRIBUTE(CKA_WRAP, can);

    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_NO;
    open_with("require-hsm = yes");
    assert_rv(CALL(get_attribute_value, the(CKO_PUBLIC_KEY, "kek"), &wanted, 1), CKR_OK);
    assert_int_equal(can, CK_TRUE);
}

static atomic_uint wrong;

static void *refused_by_each(void *handle)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct token_session *own;
        unsigned char mine[256] = {1};
        CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
        CK_OBJECT_HANDLE key;

        wrong += token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK;
        wrong += token->ops->unwrap_key(own, &oaep_sha256, 0, mine, sizeof mine, template, 2, &key) !=
                 CKR_UNWRAPPING_KEY_HANDLE_INVALID;
        wrong += token->ops->unwrap_key(own, &oaep_sha256, *(CK_OBJECT_HANDLE *)handle, mine, sizeof mine,
                                        template, 2, &key) != CKR_KEY_FUNCTION_NOT_PERMITTED;
        token->ops->close_session(own);
    }
    return NULL;
}

static void test_many_threads_make_one_question_and_one_line(void **state)
{
    pthread_t threads[THREADS];
    CK_OBJECT_HANDLE kek;

    (void)state;
    fake_version(fake, "kek")->in_hardware = TOLD_NO;
    open_with("require-hsm = yes");
    kek = the(CKO_PRIVATE_KEY, "kek");
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, refused_by_each, &kek), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(fake_count(fake, FAKE_GET), 1);
    assert_int_equal(logged("is refused"), 1);
}

#define with_rules(test) cmocka_unit_test_setup_teardown(test, soft_begin, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_rules(test_2048_needs_no_proof),
        with_rules(test_a_small_key_is_refused_before_it_is_used),
        with_rules(test_a_large_key_costs_one_question),
        with_rules(test_without_get_a_small_key_shows_by_its_blob),
        with_rules(test_without_get_a_large_key_works),
        with_rules(test_both_halves_of_a_long_blob),
        with_rules(test_keys_that_live_here_are_judged_too),
        with_rules(test_ec_keys_have_another_measure),
        with_rules(test_verifying_is_not_judged),
        with_rules(test_mechanisms_tell_the_least_size),
        with_rules(test_a_key_in_software_is_refused),
        with_rules(test_a_key_in_hardware_works),
        with_rules(test_a_key_that_can_be_purged_is_refused),
        with_rules(test_a_protected_key_works),
        with_rules(test_what_is_not_told_is_refused),
        with_rules(test_purge_protection_that_is_not_told),
        with_rules(test_without_rules_nothing_is_asked),
        with_rules(test_a_service_that_cannot_be_asked_is_no_refusal),
        with_rules(test_a_change_is_noticed_with_the_next_public_part),
        with_rules(test_a_wrap_by_a_version_that_was_not_judged),
        with_rules(test_usage_attributes_stay_the_owners),
        with_rules(test_many_threads_make_one_question_and_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
