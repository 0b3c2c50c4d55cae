/* A bundle whose certificates are parsed when they are looked for trusts whom a store of all of them trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/base/scope.h"
#include "backends/keyvault/ca_bundle.h"
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

enum { AUTHORITIES = 20, THREADS = 8, BUNDLE_LIMIT = 1 << 20 };

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct identity authorities[AUTHORITIES];
static struct buffer bundle = BUFFER_INIT(BUNDLE_LIMIT);

DEFINE_SCOPED(X509_STORE, X509_STORE_free)
DEFINE_SCOPED(X509_STORE_CTX, X509_STORE_CTX_free)

static void identity_done(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void set_name(X509_NAME *name, const char *text, int type)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", type, (const unsigned char *)text, -1, -1, 0), 1);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* By `issuer`, or by itself where that is NULL, which makes it an authority; `issuer_type`: of the string. */
static struct identity make(const char *name, const struct identity *issuer, const char *issuer_name,
                            int issuer_type)
{
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};

    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600);
    set_name(X509_get_subject_name(made.certificate), name, MBSTRING_UTF8);
    set_name(X509_get_issuer_name(made.certificate), issuer_name, issuer_type);
    X509_set_pubkey(made.certificate, made.key);
    add_extension(made.certificate, made.certificate, NID_subject_key_identifier, "hash");
    if (issuer == NULL) {
        add_extension(made.certificate, made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        add_extension(made.certificate, issuer->certificate, NID_authority_key_identifier, "keyid");
    }
    assert_true(X509_sign(made.certificate, issuer == NULL ? made.key : issuer->key, EVP_sha256()) > 0);
    return made;
}

static struct identity make_authority(const char *name)
{
    return make(name, NULL, name, MBSTRING_UTF8);
}

static struct identity make_leaf(const struct identity *issuer, const char *issuer_name)
{
    return make("a vault", issuer, issuer_name, MBSTRING_UTF8);
}

static void add_pem(struct buffer *to, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long size;

    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    size = BIO_get_mem_data(bio, &data);
    assert_int_equal(buffer_append(to, data, (size_t)size), CKR_OK);
    BIO_free(bio);
}

static X509_STORE *store_of(struct bytes pem, size_t expected)
{
    X509_STORE *store = X509_STORE_new();
    size_t count = 999;

    assert_int_equal(ca_bundle_add(store, pem, &count), CKR_OK);
    assert_int_equal(count, expected);
    return store;
}

static bool is_trusted(X509_STORE *store, X509 *certificate)
{
    X509_STORE_CTX *context SCOPED(X509_STORE_CTX_free_scoped) = X509_STORE_CTX_new();
    bool trusted;

    trusted = X509_STORE_CTX_init(context, store, certificate, NULL) == 1 && X509_verify_cert(context) == 1;
    ERR_clear_error();
    return trusted;
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < AUTHORITIES; i++) {
        char name[32];

        snprintf(name, sizeof name, "authority %d", i);
        authorities[i] = make_authority(name);
        add_pem(&bundle, authorities[i].certificate);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < AUTHORITIES; i++) {
        identity_done(&authorities[i]);
    }
    buffer_free(&bundle);
    return 0;
}

static void test_each_authority_is_found(void **state)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&bundle), AUTHORITIES);

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = AUTHORITIES - 1; i >= 0; i -= 3) {
            char name[32];

            snprintf(name, sizeof name, "authority %d", i);
            struct identity leaf SCOPED(identity_done) = make_leaf(&authorities[i], name);

            assert_true(is_trusted(store, leaf.certificate));
        }
    }
}

static void test_only_what_is_looked_for_is_parsed(void **state)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&bundle), AUTHORITIES);
    struct identity leaf SCOPED(identity_done) = make_leaf(&authorities[4], "authority 4");

    (void)state;
    assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 0);
    assert_true(is_trusted(store, leaf.certificate));
    assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 1);
}

static void test_nobody_else_is_trusted(void **state)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&bundle), AUTHORITIES);
    struct identity stranger SCOPED(identity_done) = make_authority("a stranger");
    struct identity impostor SCOPED(identity_done) = make_authority("authority 4");
    struct identity leaf SCOPED(identity_done) = make_leaf(&stranger, "a stranger");
    struct identity forged SCOPED(identity_done) = make_leaf(&impostor, "authority 4");

    (void)state;
    assert_false(is_trusted(store, leaf.certificate));
    assert_false(is_trusted(store, forged.certificate));
    assert_false(is_trusted(store, stranger.certificate));
    assert_false(is_trusted(store, impostor.certificate));
}

/* As when an authority has a new key under its old name. */
static void test_two_of_one_name_are_both_trusted(void **state)
{
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(BUNDLE_LIMIT);
    struct identity renewed SCOPED(identity_done) = make_authority("authority 4");
    struct identity old_leaf SCOPED(identity_done) = make_leaf(&authorities[4], "authority 4");
    struct identity new_leaf SCOPED(identity_done) = make_leaf(&renewed, "authority 4");

    (void)state;
    add_pem(&pem, authorities[4].certificate);
    add_pem(&pem, renewed.certificate);
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&pem), 2);

    assert_true(is_trusted(store, new_leaf.certificate));
    assert_true(is_trusted(store, old_leaf.certificate));
}

/* RFC 5280, 7.1: the name is the same in another case and another type of string. */
static void test_a_name_in_another_encoding_is_the_same(void **state)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&bundle), AUTHORITIES);
    struct identity leaf SCOPED(identity_done) =
        make("a vault", &authorities[4], "AUTHORITY  4", V_ASN1_PRINTABLESTRING);

    (void)state;
    assert_true(is_trusted(store, leaf.certificate));
}

static void test_one_that_signed_itself_is_trusted_when_it_is_in_the_bundle(void **state)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&bundle), AUTHORITIES);

    (void)state;
    assert_true(is_trusted(store, authorities[4].certificate));
}

static void test_what_stands_between_is_passed_over(void **state)
{
    static const char words[] = "# a comment\n";
    static const char other[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(BUNDLE_LIMIT);
    struct identity leaf SCOPED(identity_done) = make_leaf(&authorities[1], "authority 1");

    (void)state;
    add_pem(&pem, authorities[0].certificate);
    assert_int_equal(buffer_append_text(&pem, words), CKR_OK);
    assert_int_equal(buffer_append_text(&pem, other), CKR_OK);
    add_pem(&pem, authorities[1].certificate);
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(buffer_bytes(&pem), 2);

    assert_true(is_trusted(store, leaf.certificate));
}

static void check_none(const char *pem)
{
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = store_of(bytes_of_text(pem), 0);

    assert_false(is_trusted(store, authorities[0].certificate));
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_what_is_no_certificate_is_none(void **state)
{
    (void)state;
    check_none("");
    check_none("words");
    check_none("-----BEGIN CERTIFICATE-----\nwords\n-----END CERTIFICATE-----\n");
    check_none("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");     /* an empty one */
    check_none("-----BEGIN CERTIFICATE-----\nMIIBMIIB\n-----END CERTIFICATE-----\n"); /* it ends too early */
    check_none("-----BEGIN CERTIFICATE-----\nMAQwgAAA\n-----END CERTIFICATE-----\n"); /* no length */
}

/* However it is cut off, nothing behind its end is read (a sanitizer looks), and it is trusted whole or not. */
static void test_one_that_is_cut_off(void **state)
{
    unsigned char *der = NULL;
    int size = i2d_X509(authorities[0].certificate, &der);

    (void)state;
    for (int cut = 0; cut < size; cut++) {
        X509_STORE *store SCOPED(X509_STORE_free_scoped) = X509_STORE_new();
        BIO *bio = BIO_new(BIO_s_mem());
        size_t count;
        char *data;
        long length;

        assert_true(PEM_write_bio(bio, PEM_STRING_X509, "", der, cut) >= 0);
        length = BIO_get_mem_data(bio, &data);
        assert_int_equal(ca_bundle_add(store, bytes_of(data, (size_t)length), &count), CKR_OK);
        assert_true(count <= 1);
        assert_false(is_trusted(store, authorities[0].certificate));
        BIO_free(bio);
    }
    OPENSSL_free(der);
}

struct task {
    X509_STORE *store;
    unsigned char *leaves[AUTHORITIES]; /* DER */
    int sizes[AUTHORITIES];
};

/* Each thread has got its own copies of the leaves, as over connections. */
static void *verify_all(void *arg)
{
    const struct task *task = arg;
    bool all = true;

    for (int i = 0; i < AUTHORITIES; i++) {
        const unsigned char *at = task->leaves[i];
        X509 *leaf = d2i_X509(NULL, &at, task->sizes[i]);

        all = is_trusted(task->store, leaf) && all;
        X509_free(leaf);
    }
    return all ? NULL : arg;
}

static void test_threads_look_at_once(void **state)
{
    struct task task = {.store = store_of(buffer_bytes(&bundle), AUTHORITIES)};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < AUTHORITIES; i++) {
        char name[32];

        snprintf(name, sizeof name, "authority %d", i);
        struct identity leaf SCOPED(identity_done) = make_leaf(&authorities[i], name);

        task.sizes[i] = i2d_X509(leaf.certificate, &task.leaves[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, verify_all, &task), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(task.store)), AUTHORITIES);
    for (int i = 0; i < AUTHORITIES; i++) {
        OPENSSL_free(task.leaves[i]);
    }
    X509_STORE_free(task.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_authority_is_found),
        cmocka_unit_test(test_only_what_is_looked_for_is_parsed),
        cmocka_unit_test(test_nobody_else_is_trusted),
        cmocka_unit_test(test_two_of_one_name_are_both_trusted),
        cmocka_unit_test(test_a_name_in_another_encoding_is_the_same),
        cmocka_unit_test(test_one_that_signed_itself_is_trusted_when_it_is_in_the_bundle),
        cmocka_unit_test(test_what_stands_between_is_passed_over),
        cmocka_unit_test(test_what_is_no_certificate_is_none),
        cmocka_unit_test(test_one_that_is_cut_off),
        cmocka_unit_test(test_threads_look_at_once),
    };

    return cmocka_run_group_tests_name("keyvault/ca_bundle", tests, set_up, tear_down);
}
