#include "backends/base/ec.h"
#include "backends/base/scope.h"
#include "tests/backends/base/base_test.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

DEFINE_SCOPED(struct ec_public, ec_public_free)
DEFINE_SCOPED(EVP_PKEY, EVP_PKEY_free)

enum { ROOM = 200 };

static const char *const names[EC_CURVES] = {"P-256", "P-384", "P-521"};

static struct bytes coordinate(EVP_PKEY *key, const char *name, enum ec_curve curve, unsigned char *room)
{
    BIGNUM *number = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    assert_true(BN_bn2binpad(number, room, (int)ec_curve_size(curve)) > 0);
    BN_free(number);
    return bytes_of(room, ec_curve_size(curve));
}

static CK_RV from(EVP_PKEY *key, enum ec_curve curve, struct ec_public **ret_key)
{
    unsigned char x[ROOM], y[ROOM];
    struct bytes x_bytes = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, curve, x);

    return ec_public_new(curve, x_bytes, coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve, y), ret_key);
}

static void assert_bytes(struct bytes got, const unsigned char *expected, int size)
{
    assert_true(size > 0);
    assert_int_equal(got.size, size);
    assert_memory_equal(got.data, expected, got.size);
}

static void the_public_key_info_is_what_openssl_writes(void **state)
{
    (void)state;
    for (int curve = 0; curve < EC_CURVES; curve++) {
        EVP_PKEY *made SCOPED(EVP_PKEY_free_scoped) = EVP_EC_gen(names[curve]);
        struct ec_public *key SCOPED(ec_public_free_scoped) = NULL;
        unsigned char *info = NULL;
        int size = i2d_PUBKEY(made, &info);

        assert_int_equal(from(made, (enum ec_curve)curve, &key), CKR_OK);
        assert_bytes(ec_public_info(key), info, size);
        assert_int_equal(EVP_PKEY_eq(ec_public_pkey(key), made), 1);
        assert_int_equal(ec_public_curve(key), curve);
        OPENSSL_free(info);
    }
}

static void the_point_is_an_octet_string_of_the_uncompressed_point(void **state)
{
    unsigned char point[ROOM];
    size_t size;

    (void)state;
    for (int curve = 0; curve < EC_CURVES; curve++) {
        EVP_PKEY *made SCOPED(EVP_PKEY_free_scoped) = EVP_EC_gen(names[curve]);
        struct ec_public *key SCOPED(ec_public_free_scoped) = NULL;
        ASN1_OCTET_STRING *octets;
        const unsigned char *der;

        assert_int_equal(from(made, (enum ec_curve)curve, &key), CKR_OK);
        der = ec_public_point(key).data;
        octets = d2i_ASN1_OCTET_STRING(NULL, &der, (long)ec_public_point(key).size);
        assert_non_null(octets);
        assert_ptr_equal(der, ec_public_point(key).data + ec_public_point(key).size);
        assert_int_equal(EVP_PKEY_get_octet_string_param(made, OSSL_PKEY_PARAM_PUB_KEY, point, ROOM, &size),
                         1);
        assert_bytes(bytes_of(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)), point,
                     (int)size);
        ASN1_OCTET_STRING_free(octets);
    }
}

static void the_parameters_are_the_oid_of_the_curve(void **state)
{
    static const int nids[EC_CURVES] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

    (void)state;
    for (int curve = 0; curve < EC_CURVES; curve++) {
        EVP_PKEY *made SCOPED(EVP_PKEY_free_scoped) = EVP_EC_gen(names[curve]);
        struct ec_public *key SCOPED(ec_public_free_scoped) = NULL;
        unsigned char *oid = NULL;
        int size = i2d_ASN1_OBJECT(OBJ_nid2obj(nids[curve]), &oid);

        assert_int_equal(from(made, (enum ec_curve)curve, &key), CKR_OK);
        assert_bytes(ec_public_parameters(key), oid, size);
        OPENSSL_free(oid);
    }
}

static void leading_zeros_are_accepted_and_their_absence(void **state)
{
    EVP_PKEY *made SCOPED(EVP_PKEY_free_scoped) = NULL;
    struct ec_public *longer SCOPED(ec_public_free_scoped) = NULL;
    struct ec_public *shorter SCOPED(ec_public_free_scoped) = NULL;
    unsigned char x[ROOM] = {0}, y[ROOM] = {0};

    (void)state;
    do { /* one in 256 */
        EVP_PKEY_free(made);
        made = EVP_EC_gen("P-256");
        coordinate(made, OSSL_PKEY_PARAM_EC_PUB_X, EC_P256, x + 2);
    } while (x[2] != 0);
    coordinate(made, OSSL_PKEY_PARAM_EC_PUB_Y, EC_P256, y + 2);
    assert_int_equal(ec_public_new(EC_P256, bytes_of(x, 34), bytes_of(y, 34), &longer), CKR_OK);
    assert_int_equal(ec_public_new(EC_P256, bytes_of(x + 3, 31), bytes_of(y + 2, 32), &shorter), CKR_OK);
    assert_bytes(ec_public_info(longer), ec_public_info(shorter).data, (int)ec_public_info(shorter).size);
}

static void hostile_coordinates_are_refused(void **state)
{
    EVP_PKEY *made SCOPED(EVP_PKEY_free_scoped) = EVP_EC_gen("P-256");
    unsigned char x[ROOM], y[ROOM], long_one[67] = {1};
    struct ec_public *key = NULL;
    struct bytes x_bytes = coordinate(made, OSSL_PKEY_PARAM_EC_PUB_X, EC_P256, x);
    struct bytes y_bytes = coordinate(made, OSSL_PKEY_PARAM_EC_PUB_Y, EC_P256, y);

    (void)state;
    y[31] ^= 1;
    assert_int_equal(ec_public_new(EC_P256, x_bytes, y_bytes, &key), CKR_DATA_INVALID);
    y[31] ^= 1;
    assert_int_equal(ec_public_new(EC_P384, x_bytes, y_bytes, &key), CKR_DATA_INVALID);
    assert_int_equal(ec_public_new(EC_P256, bytes_of(NULL, 0), y_bytes, &key), CKR_DATA_INVALID);
    assert_int_equal(ec_public_new(EC_P521, bytes_of(long_one, sizeof long_one), y_bytes, &key),
                     CKR_DATA_INVALID);
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
}

static void sizes_are_those_of_the_curves(void **state)
{
    static const size_t sizes[EC_CURVES] = {32, 48, 66};
    static const unsigned bits[EC_CURVES] = {256, 384, 521};

    (void)state;
    for (int curve = 0; curve < EC_CURVES; curve++) {
        assert_int_equal(ec_curve_size((enum ec_curve)curve), sizes[curve]);
        assert_int_equal(ec_curve_bits((enum ec_curve)curve), bits[curve]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_public_key_info_is_what_openssl_writes),
        cmocka_unit_test(the_point_is_an_octet_string_of_the_uncompressed_point),
        cmocka_unit_test(the_parameters_are_the_oid_of_the_curve),
        cmocka_unit_test(leading_zeros_are_accepted_and_their_absence),
        cmocka_unit_test(hostile_coordinates_are_refused),
        cmocka_unit_test(sizes_are_those_of_the_curves),
    };

    return cmocka_run_group_tests_name("ec", tests, NULL, NULL);
}
