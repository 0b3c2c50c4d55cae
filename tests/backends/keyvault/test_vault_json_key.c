/* What the service tells of a key: its numbers, its owner's choices, where it is kept; and nonsense. */
#include "backends/base/scope.h"
#include "backends/keyvault/vault_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION "0123456789abcdef0123456789abcdef"
#define KID     "\"kid\":\"https://v.example/keys/kek/" VERSION "\""
/* 257 bytes: the zero that the service puts before some moduli, then 2048 bits. */
#define N_MIDDLE                                                                                               \
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw" \
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw" \
    "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw" \
    "MDAwMDAwMDAwMDAwMDAwMDAwMDA"

static CK_RV key(const char *text, struct key_info *info)
{
    struct key_id kid;

    return vault_json_read_key(bytes_of_text(text), &kid, info);
}

static void test_rsa_key(void **state)
{
    struct key_info info;

    (void)state;
    assert_int_equal(key("{\"key\":{" KID
                         ",\"kty\":\"RSA-HSM\",\"key_ops\":[\"wrapKey\",\"unwrapKey\",\"import\",7],"
                         "\"n\":\"AIAw" N_MIDDLE "x\",\"e\":\"AAEAAQ\"},"
                         "\"attributes\":{\"enabled\":false,\"nbf\":5,\"exp\":6,\"created\":4}}",
                         &info),
                     CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_RSA);
    assert_int_equal(info.in_hardware, TOLD_YES);
    assert_false(info.enabled);
    assert_true(info.uses_known);
    assert_int_equal(info.uses, KEY_USE_WRAP | KEY_USE_UNWRAP);
    assert_int_equal(info.created, 4);
    assert_int_equal(info.not_before, 5);
    assert_int_equal(info.expires, 6);
    assert_string_equal(info.name, "kek");
    assert_string_equal(info.version, VERSION);
    assert_non_null(info.rsa);
    assert_int_equal(rsa_public_modulus(info.rsa).size * 8, rsa_public_bits(info.rsa));
    assert_int_equal(rsa_public_exponent(info.rsa).size, 3);
    key_info_done(&info);
}

/* The example of SEC 1: the generator, which is on the curve as every point that is a key. */
#define P256_X "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"
#define P256_Y "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
/* The same with zeros before them. */
#define P256_LONG_X "AABrF9Hy4SxCR_i85uVjpEDydwN9gS3rM6D0oTlF2JjClg"

static void test_ec_key(void **state)
{
    struct key_info info;

    (void)state;
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"EC-HSM\",\"crv\":\"P-256\",\"key_ops\":[\"sign\"],"
                         "\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}}",
                         &info),
                     CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_EC);
    assert_int_equal(info.in_hardware, TOLD_YES);
    assert_int_equal(info.uses, KEY_USE_SIGN);
    assert_non_null(info.ec);
    assert_int_equal(ec_public_curve(info.ec), EC_P256);
    assert_null(info.rsa);
    key_info_done(&info);
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_LONG_X
                         "\",\"y\":\"" P256_Y "\"}}",
                         &info),
                     CKR_OK);
    assert_int_equal(ec_public_point(info.ec).size, 67);
    key_info_done(&info);
}

static void test_ec_keys_of_other_curves(void **state)
{
    static const char *const others[] = {"P-256K", "SECP256K1", "p-256", "P-2560", ""};
    struct key_info info;
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(text, sizeof text,
                 "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y
                 "\"}}",
                 others[i]);
        assert_int_equal(key(text, &info), CKR_OK);
        assert_int_equal(info.type, KEY_TYPE_EC);
        assert_null(info.ec);
    }
}

static void test_unknown_keys(void **state)
{
    struct key_info info;

    (void)state;
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"EC\"}}", &info), CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_EC);
    assert_true(info.enabled);
    assert_false(info.uses_known);
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"oct-HSM\"}}", &info), CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_OCT);
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"ML-KEM\"}}", &info), CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_UNKNOWN);
    assert_int_equal(key("{\"key\":{" KID "}}", &info), CKR_OK);
    assert_int_equal(info.type, KEY_TYPE_UNKNOWN);
}

static void test_hostile_keys(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{\"key\":7}",
        "{\"key\":{\"kty\":\"RSA\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"gDAw" N_MIDDLE "x\",\"e\":\"AA\"}}",
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"gDAw" N_MIDDLE "w\",\"e\":\"AQAB\"}}", /* even */
        "{\"key\":{" KID ",\"kty\":\"RSA\",\"n\":\"gDAw" N_MIDDLE "x=\",\"e\":\"AQAB\"}}",
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\"}}",
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\"}}",
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"\"}}",
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_X
        "\"}}", /* on no curve */
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}}",
        "{\"key\":{" KID ",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ" P256_X "A\",\"y\":\"" P256_Y
        "\"}}", /* too long */
    };
    struct key_info info;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (key(wrong[i], &info) != CKR_DATA_INVALID) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void test_hostile_attributes_read_as_unset(void **state)
{
    struct key_info info;

    (void)state;
    assert_int_equal(key("{\"key\":{" KID ",\"kty\":\"EC\"},\"attributes\":{\"exp\":-5,\"nbf\":1e300,"
                         "\"created\":\"soon\",\"enabled\":\"no\"}}",
                         &info),
                     CKR_OK);
    assert_int_equal(info.expires, 0);
    assert_int_equal(info.not_before, 0);
    assert_int_equal(info.created, 0);
    assert_true(info.enabled);
}

/* What a key with these attributes and this type tells of itself. */
static struct key_info told_by(const char *kty, const char *attributes)
{
    struct key_info info;
    char text[400];

    snprintf(text, sizeof text, "{\"key\":{" KID "%s%s%s},\"attributes\":{%s}}",
             kty[0] == 0 ? "" : ",\"kty\":\"", kty, kty[0] == 0 ? "" : "\"", attributes);
    assert_int_equal(key(text, &info), CKR_OK);
    return info;
}

static void test_levels_of_recovery(void **state)
{
    static const struct {
        const char *attributes;
        enum told recoverable, purge_protected;
    } levels[] = {
        {"", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":null", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":\"\"", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":7", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":\"Indelible\"", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":\"recoverable\"", NOT_TOLD, NOT_TOLD},
        {"\"recoveryLevel\":\"Purgeable\"", TOLD_NO, TOLD_NO},
        {"\"recoveryLevel\":\"Recoverable+Purgeable\"", TOLD_YES, TOLD_NO},
        {"\"recoveryLevel\":\"CustomizedRecoverable+Purgeable\"", TOLD_YES, TOLD_NO},
        {"\"recoveryLevel\":\"Indelible+Purgeable\"", NOT_TOLD, TOLD_NO},
        {"\"recoveryLevel\":\"Recoverable\"", TOLD_YES, TOLD_YES},
        {"\"recoveryLevel\":\"Recoverable+ProtectedSubscription\"", TOLD_YES, TOLD_YES},
        {"\"recoveryLevel\":\"CustomizedRecoverable\"", TOLD_YES, TOLD_YES},
        {"\"recoveryLevel\":\"CustomizedRecoverable+ProtectedSubscription\"", TOLD_YES, TOLD_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct key_info info = told_by("oct", levels[i].attributes);

        if (info.recoverable != levels[i].recoverable || info.purge_protected != levels[i].purge_protected) {
            fail_msg("%s", levels[i].attributes);
        }
    }
}

static void test_type_and_platform_tell_of_hardware(void **state)
{
    static const struct {
        const char *kty, *attributes;
        enum told expected;
    } keys[] = {
        {"", "", NOT_TOLD},
        {"ML-KEM", "", NOT_TOLD},
        {"oct", "", TOLD_NO},
        {"oct-HSM", "", TOLD_YES},
        {"oct-HSM", "\"hsmPlatform\":\"0\"", TOLD_YES},
        {"oct", "\"hsmPlatform\":\"0\"", TOLD_NO},
        {"oct", "\"hsmPlatform\":\"1\"", TOLD_YES},
        {"oct", "\"hsmPlatform\":\"9\"", TOLD_NO},
        {"ML-KEM", "\"hsmPlatform\":\"0\"", TOLD_NO},
        {"ML-KEM", "\"hsmPlatform\":\"2\"", TOLD_YES},
        {"ML-KEM", "\"hsmPlatform\":\"9\"", NOT_TOLD},
        {"ML-KEM", "\"hsmPlatform\":2", NOT_TOLD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (told_by(keys[i].kty, keys[i].attributes).in_hardware != keys[i].expected) {
            fail_msg("%s %s", keys[i].kty, keys[i].attributes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa_key),
        cmocka_unit_test(test_ec_key),
        cmocka_unit_test(test_ec_keys_of_other_curves),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_hostile_keys),
        cmocka_unit_test(test_hostile_attributes_read_as_unset),
        cmocka_unit_test(test_levels_of_recovery),
        cmocka_unit_test(test_type_and_platform_tell_of_hardware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
