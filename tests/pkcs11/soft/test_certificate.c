/* Certificate objects: those of the service, and those in files. */
#include "pkcs11/soft/soft.h"

#include "tests/pkcs11/soft/soft_test.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;

static CK_RV get(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG room,
                 CK_ULONG *ret_size)
{
    CK_ATTRIBUTE attribute = {type, value, room};
    CK_RV rv = CALL(get_attribute_value, object, &attribute, 1);

    *ret_size = attribute.ulValueLen;
    return rv;
}

static void assert_text(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const char *wanted)
{
    char text[256];
    CK_ULONG size;

    assert_rv(get(object, type, text, sizeof text, &size), CKR_OK);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(text, wanted, size);
}

static CK_ULONG find_all_certificates(CK_OBJECT_HANDLE *found, CK_ULONG most)
{
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_CLASS, certificate_class);

    return find(&template, 1, found, most);
}

static unsigned certificate_requests(void)
{
    return fake_count(fake, FAKE_LIST_CERTIFICATES) + fake_count(fake, FAKE_GET_CERTIFICATE);
}

/* As PEM, in NAME.pem of the test's folder `certs`. */
static void write_certificate(const char *name, EVP_PKEY *pair)
{
    X509 *x509 = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, path[64];
    long size;

    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    assert_int_equal(X509_set_pubkey(x509, pair), 1);
    assert_int_not_equal(X509_sign(x509, pair, EVP_sha256()), 0);
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    size = BIO_get_mem_data(bio, &text);
    snprintf(path, sizeof path, "certs/%s.pem", name);
    soft_write(path, bytes_of(text, (size_t)size));
    BIO_free(bio);
    X509_free(x509);
}

static void remove_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/certs/%s", soft_folder(), name);
    assert_int_equal(unlink(path), 0);
}

static int begin_with_folder(void **state)
{
    char path[128];

    if (soft_begin(state) != 0) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/certs", soft_folder());
    return mkdir(path, 0700);
}
#define with_folder(test) cmocka_unit_test_setup_teardown(test, begin_with_folder, soft_end)

static void test_without_the_option_there_are_none(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    fake_certify(fake, "kek");
    soft_open("");
    assert_int_equal(find_all_certificates(found, 4), 0);
    assert_int_equal(fake_count_all(fake), 0);
}

static void test_a_certificate_has_its_keys_id_and_label(void **state)
{
    CK_OBJECT_HANDLE certificate;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    certificate = the(CKO_CERTIFICATE, "kek");
    assert_text(certificate, CKA_ID, "kek");
    assert_text(certificate, CKA_LABEL, "kek");
    assert_text(the(CKO_PRIVATE_KEY, "kek"), CKA_ID, "kek");
}

static void test_its_parts_are_told(void **state)
{
    unsigned char subject[256], issuer[256], serial[16], value[2048], info[600], of_key[600];
    CK_ULONG type = 7, category = 7;
    CK_BBOOL trusted = 7;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_SUBJECT, subject),
                               ATTRIBUTE(CKA_ISSUER, issuer),
                               ATTRIBUTE(CKA_SERIAL_NUMBER, serial),
                               ATTRIBUTE(CKA_VALUE, value),
                               ATTRIBUTE(CKA_PUBLIC_KEY_INFO, info),
                               ATTRIBUTE(CKA_CERTIFICATE_TYPE, type),
                               ATTRIBUTE(CKA_CERTIFICATE_CATEGORY, category),
                               ATTRIBUTE(CKA_TRUSTED, trusted)};
    static const unsigned char number[] = {0x02, 0x02, 0x12, 0x67};
    CK_ULONG size;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    assert_rv(CALL(get_attribute_value, the(CKO_CERTIFICATE, "kek"), template, COUNT(template)), CKR_OK);
    assert_int_equal(template[0].ulValueLen, template[1].ulValueLen);
    assert_memory_equal(subject, issuer, template[0].ulValueLen);
    assert_int_equal(template[2].ulValueLen, sizeof number);
    assert_memory_equal(serial, number, sizeof number);
    assert_int_equal(value[0], 0x30);
    assert_int_equal(type, CKC_X_509);
    assert_int_equal(category, 0);
    assert_int_equal(trusted, CK_FALSE);
    assert_rv(get(the(CKO_PUBLIC_KEY, "kek"), CKA_PUBLIC_KEY_INFO, of_key, sizeof of_key, &size), CKR_OK);
    assert_int_equal(size, template[4].ulValueLen);
    assert_memory_equal(info, of_key, size);
}

static void test_it_is_found_by_what_is_in_it(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_VALUE};
    unsigned char value[2048];
    CK_ATTRIBUTE template = {0, value, 0};
    CK_OBJECT_HANDLE certificate, found;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    certificate = the(CKO_CERTIFICATE, "kek");
    for (size_t i = 0; i < COUNT(types); i++) {
        template.type = types[i];
        assert_rv(get(certificate, types[i], value, sizeof value, &template.ulValueLen), CKR_OK);
        assert_int_equal(find(&template, 1, &found, 1), 1);
        assert_int_equal(found, certificate);
        value[template.ulValueLen - 1] ^= 1;
        assert_int_equal(find(&template, 1, &found, 1), 0);
    }
}

static void test_one_request_for_each_and_none_when_known(void **state)
{
    unsigned char value[2048];
    CK_OBJECT_HANDLE found[4];
    CK_ULONG size;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    assert_int_equal(find_all_certificates(found, 4), 1);
    assert_int_equal(fake_count(fake, FAKE_LIST_CERTIFICATES), 1);
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 0);
    assert_rv(get(found[0], CKA_VALUE, value, sizeof value, &size), CKR_OK);
    assert_rv(get(found[0], CKA_SUBJECT, value, sizeof value, &size), CKR_OK);
    assert_int_equal(find_all_certificates(found, 4), 1);
    assert_int_equal(the(CKO_CERTIFICATE, "kek"), found[0]);
    assert_int_equal(certificate_requests(), 2);
}

static void test_a_find_by_name_asks_for_that_one_alone(void **state)
{
    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    the(CKO_CERTIFICATE, "kek");
    assert_int_equal(fake_count(fake, FAKE_LIST_CERTIFICATES), 0);
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 1);
    assert_int_equal(count_of(CKO_CERTIFICATE, "nobody"), 0);
    assert_int_equal(count_of(CKO_CERTIFICATE, "nobody"), 0);
    assert_int_equal(count_of(CKO_CERTIFICATE, "no/body"), 0);
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 2);
}

static void test_a_fresh_listing_knows_which_names_there_are_not(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    assert_int_equal(find_all_certificates(found, 4), 1);
    assert_int_equal(count_of(CKO_CERTIFICATE, "nobody"), 0);
    assert_int_equal(count_of(CKO_CERTIFICATE, "no-other"), 0);
    assert_int_equal(fake_count(fake, FAKE_LIST_CERTIFICATES), 1);
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 0);
}

static void *learn_one(void *arg)
{
    struct certificates *certificates = &((struct soft_session *)session)->token->certificates;
    struct service_answer answer = {VERDICT_NONE};

    (void)arg;
    assert_rv(certificates_learn(certificates, bytes_of_text("kek"), deadline_in(60000), &answer), CKR_OK);
    return NULL;
}

/* What the other one learns is not all there is. */
static void test_who_wants_all_does_not_make_do_with_one(void **state)
{
    struct certificates *certificates;
    struct service_answer answer = {VERDICT_NONE};
    pthread_t thread;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    certificates = &((struct soft_session *)session)->token->certificates;
    fake_delay(fake, FAKE_GET_CERTIFICATE, 500);
    assert_int_equal(pthread_create(&thread, NULL, learn_one, NULL), 0);
    while (fake_count(fake, FAKE_GET_CERTIFICATE) == 0) {
        usleep(1000);
    }
    assert_rv(certificates_learn(certificates, bytes_of(NULL, 0), deadline_in(60000), &answer), CKR_OK);
    assert_int_equal(fake_count(fake, FAKE_LIST_CERTIFICATES), 1);
    pthread_join(thread, NULL);
}

static void test_a_find_that_excludes_certificates_costs_nothing(void **state)
{
    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    the(CKO_PRIVATE_KEY, "kek");
    count_of(CKO_SECRET_KEY, "kek");
    assert_int_equal(certificate_requests(), 0);
}

static void test_certificates_come_first(void **state)
{
    CK_OBJECT_HANDLE found[8];
    CK_ULONG class = 0, size;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    assert_int_equal(find(NULL, 0, found, COUNT(found)), 3);
    assert_rv(get(found[0], CKA_CLASS, &class, sizeof class, &size), CKR_OK);
    assert_int_equal(class, CKO_CERTIFICATE);
}

static void test_without_permission_there_are_none_and_finds_work(void **state)
{
    CK_OBJECT_HANDLE found[8];

    (void)state;
    fake_certify(fake, "kek");
    fake_rule(fake, FAKE_LIST_CERTIFICATES, fake_refused);
    fake_rule(fake, FAKE_GET_CERTIFICATE, fake_refused);
    soft_open("    certificates = vault");
    assert_int_equal(find_all_certificates(found, 8), 0);
    assert_int_equal(find(NULL, 0, found, 8), 2);
    assert_int_equal(count_of(CKO_CERTIFICATE, "kek"), 0);
    assert_int_equal(certificate_requests(), 1);
}

static void test_the_service_may_tell_which_key_it_certifies(void **state)
{
    unsigned char value[2048];
    CK_OBJECT_HANDLE found[2];
    struct bytes der;
    CK_ULONG size;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    assert_rv(get(the(CKO_CERTIFICATE, "kek"), CKA_VALUE, value, sizeof value, &size), CKR_OK);
    der = bytes_of(value, size);
    fake_add_certificate(fake, "web", "kek", der);
    fake_add_certificate(fake, "kek", NULL, bytes_of("", 0));
    assert_int_equal(find_all_certificates(found, 2), 2);
    assert_rv(get(found[1], CKA_VALUE, value, sizeof value, &size), CKR_OK);
    assert_text(found[1], CKA_ID, "kek");
}

static void test_what_may_not_be_read_hides_nothing_else(void **state)
{
    CK_OBJECT_HANDLE found[8];
    unsigned char value[2048];
    CK_ULONG size;

    (void)state;
    fake_certify(fake, "kek");
    fake_rule(fake, FAKE_GET_CERTIFICATE, fake_refused);
    soft_open("    certificates = vault");
    assert_int_equal(count_of(CKO_CERTIFICATE, "kek"), 0);
    fake_rule(fake, FAKE_GET_CERTIFICATE, (struct fake_rule){VERDICT_NONE, CKR_OK, 200});
    assert_int_equal(find_all_certificates(found, 8), 1);
    assert_rv(get(found[0], CKA_VALUE, value, sizeof value, &size), CKR_OK);
}

static void test_names_that_nobody_knows_are_not_kept(void **state)
{
    CK_OBJECT_HANDLE last;
    char name[32];

    (void)state;
    soft_open("    certificates = vault");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "nobody-%d", i);
        assert_int_equal(count_of(CKO_CERTIFICATE, name), 0);
    }
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 100);
    assert_int_equal(count_of(CKO_CERTIFICATE, name), 0);
    assert_int_equal(fake_count(fake, FAKE_GET_CERTIFICATE), 100);
    last = aes_key("0123456789abcdef", 16);
    assert_true((last & 0xfffff) < 50); /* handles are places in a table */
}

static void test_an_unreachable_service_is_an_error(void **state)
{
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_CLASS, certificate_class);

    (void)state;
    fake_rule(fake, FAKE_LIST_CERTIFICATES, fake_unreachable);
    soft_open("    certificates = vault");
    assert_rv(CALL(find_objects_init, &template, 1), CKR_DEVICE_ERROR);
}

static void *find_and_read(void *arg)
{
    struct token_session *mine = NULL;
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_CLASS, certificate_class);
    unsigned char value[2048];
    CK_ATTRIBUTE wanted = ATTRIBUTE(CKA_VALUE, value);
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    size_t wrong = 0;

    (void)arg;
    wrong += token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &mine) != CKR_OK;
    wrong += token->ops->find_objects_init(mine, &template, 1) != CKR_OK;
    wrong += token->ops->find_objects(mine, &found, 1, &count) != CKR_OK || count != 1;
    wrong += token->ops->get_attribute_value(mine, found, &wanted, 1) != CKR_OK;
    token->ops->close_session(mine);
    return (void *)wrong;
}

static void test_one_asks_for_all_threads(void **state)
{
    pthread_t threads[8];
    void *wrong;

    (void)state;
    fake_certify(fake, "kek");
    fake_delay(fake, FAKE_LIST_CERTIFICATES, 200);
    fake_delay(fake, FAKE_GET_CERTIFICATE, 200);
    soft_open("    certificates = vault");
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, find_and_read, NULL), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(certificate_requests(), 2);
}

static void test_a_certificate_is_asked_for_again_after_refresh(void **state)
{
    unsigned char before[2048], after[2048];
    CK_ULONG before_size, after_size;
    CK_OBJECT_HANDLE certificate;

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault\n    refresh = 1s");
    certificate = the(CKO_CERTIFICATE, "kek");
    assert_rv(get(certificate, CKA_VALUE, before, sizeof before, &before_size), CKR_OK);
    fake_add(fake, "kek", 3072);
    fake_certify(fake, "kek");
    usleep(1100 * 1000);
    assert_rv(get(certificate, CKA_VALUE, after, sizeof after, &after_size), CKR_OK);
    assert_true(after_size > before_size);
}

static void test_what_is_no_certificate_is_left_out(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    fake_add_certificate(fake, "kek", "kek", bytes_of("\x30\x03\x02\x01\x01", 5));
    fake_add_certificate(fake, "empty", "empty", bytes_of("", 0));
    soft_open("    certificates = vault");
    assert_int_equal(count_of(CKO_CERTIFICATE, "kek"), 0);
    assert_int_equal(count_of(CKO_CERTIFICATE, "empty"), 0);
    assert_int_equal(find_all_certificates(found, 4), 0);
    the(CKO_PRIVATE_KEY, "kek");
}

static void test_a_file_belongs_to_the_key_it_certifies(void **state)
{
    CK_OBJECT_HANDLE certificate, found[4];

    (void)state;
    fake_add(fake, "other", 256);
    write_certificate("web", fake_pair(fake, "kek"));
    write_certificate("other", fake_pair(fake, "other"));
    soft_open("    certificates = \"certs\"");
    the(CKO_PRIVATE_KEY, "other"); /* lists it */
    certificate = the(CKO_CERTIFICATE, "kek");
    assert_text(certificate, CKA_ID, "kek");
    assert_int_equal(count_of(CKO_CERTIFICATE, "web"), 0);
    the(CKO_CERTIFICATE, "other");
    assert_int_equal(find_all_certificates(found, 4), 2);
    assert_int_equal(certificate_requests(), 0);
}

static void test_a_file_without_a_key_has_its_own_name(void **state)
{
    EVP_PKEY *stranger = EVP_EC_gen("P-256");

    (void)state;
    write_certificate("root", stranger);
    write_certificate("kek", stranger);
    EVP_PKEY_free(stranger);
    soft_open("    certificates = \"certs\"");
    the(CKO_CERTIFICATE, "root");
    the(CKO_CERTIFICATE, "kek"); /* nothing else is known of the key */
}

static void test_files_are_read_again_when_they_changed(void **state)
{
    unsigned char before[2048], after[2048];
    CK_OBJECT_HANDLE certificate;
    CK_ULONG before_size, after_size;

    (void)state;
    write_certificate("kek", fake_pair(fake, "kek"));
    soft_open("    certificates = \"certs\"");
    certificate = the(CKO_CERTIFICATE, "kek");
    assert_rv(get(certificate, CKA_VALUE, before, sizeof before, &before_size), CKR_OK);
    remove_file("kek.pem");
    assert_int_equal(count_of(CKO_CERTIFICATE, "kek"), 0);
    fake_add(fake, "third", 3072);
    write_certificate("kek", fake_pair(fake, "third"));
    assert_int_equal(the(CKO_CERTIFICATE, "kek"), certificate);
    assert_rv(get(certificate, CKA_VALUE, after, sizeof after, &after_size), CKR_OK);
    assert_true(after_size > before_size);
}

static void test_a_bad_file_leaves_the_rest_at_work(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    write_certificate("kek", fake_pair(fake, "kek"));
    soft_write("certs/bad.pem",
               bytes_of_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    soft_write("certs/empty.pem", bytes_of_text(""));
    soft_write("certs/readme.txt", bytes_of_text("not looked at"));
    soft_open("    certificates = \"certs\"");
    assert_int_equal(find_all_certificates(found, 4), 1);
    assert_int_equal(count_of(CKO_CERTIFICATE, "bad"), 0);
}

static void test_a_key_has_one_certificate(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    write_certificate("a-copy", fake_pair(fake, "kek"));
    write_certificate("kek", fake_pair(fake, "kek"));
    write_certificate("older", fake_pair(fake, "kek"));
    soft_open("    certificates = \"certs\"");
    for (int i = 0; i < 2; i++) {
        assert_text(the(CKO_CERTIFICATE, "kek"), CKA_UNIQUE_ID, "fake:0123456789abcdef/kek;certificate");
        the(CKO_CERTIFICATE, "a-copy");
        the(CKO_CERTIFICATE, "older");
        assert_int_equal(find_all_certificates(found, 4), 3);
    }
}

static void test_a_folder_that_is_not_there_has_none(void **state)
{
    CK_OBJECT_HANDLE found[4];

    (void)state;
    soft_open("    certificates = \"nowhere\"");
    assert_int_equal(find_all_certificates(found, 4), 0);
    the(CKO_PRIVATE_KEY, "kek");
}

static void test_the_profile_is_found_by_those_who_ask(void **state)
{
    CK_OBJECT_CLASS profile = 9;
    CK_ULONG id = 0, size;
    CK_ATTRIBUTE template = ATTRIBUTE(CKA_CLASS, profile);
    CK_OBJECT_HANDLE found[4];

    (void)state;
    soft_open("");
    assert_int_equal(find(&template, 1, found, 4), 1);
    assert_rv(get(found[0], 0x601, &id, sizeof id, &size), CKR_OK);
    assert_int_equal(id, 1);
    assert_rv(get(found[0], CKA_VALUE, &id, sizeof id, &size), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_rv(CALL(destroy_object, found[0]), CKR_ACTION_PROHIBITED);
    assert_int_equal(fake_count_all(fake), 0);
    assert_int_equal(find(NULL, 0, found, 4), 2);
}

static void test_certificates_stay(void **state)
{
    CK_OBJECT_HANDLE certificate, copy;
    CK_ATTRIBUTE label = {CKA_LABEL, (char[]){"x"}, 1};

    (void)state;
    fake_certify(fake, "kek");
    soft_open("    certificates = vault");
    certificate = the(CKO_CERTIFICATE, "kek");
    assert_rv(CALL(destroy_object, certificate), CKR_ACTION_PROHIBITED);
    assert_rv(CALL(set_attribute_value, certificate, &label, 1), CKR_ACTION_PROHIBITED);
    assert_rv(CALL(copy_object, certificate, &label, 1, &copy), CKR_ACTION_PROHIBITED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_service(test_without_the_option_there_are_none),
        with_service(test_a_certificate_has_its_keys_id_and_label),
        with_service(test_its_parts_are_told),
        with_service(test_it_is_found_by_what_is_in_it),
        with_service(test_one_request_for_each_and_none_when_known),
        with_service(test_a_find_by_name_asks_for_that_one_alone),
        with_service(test_a_fresh_listing_knows_which_names_there_are_not),
        with_service(test_who_wants_all_does_not_make_do_with_one),
        with_service(test_a_find_that_excludes_certificates_costs_nothing),
        with_service(test_certificates_come_first),
        with_service(test_without_permission_there_are_none_and_finds_work),
        with_service(test_the_service_may_tell_which_key_it_certifies),
        with_service(test_what_may_not_be_read_hides_nothing_else),
        with_service(test_names_that_nobody_knows_are_not_kept),
        with_service(test_an_unreachable_service_is_an_error),
        with_service(test_one_asks_for_all_threads),
        with_service(test_a_certificate_is_asked_for_again_after_refresh),
        with_service(test_what_is_no_certificate_is_left_out),
        with_folder(test_a_file_belongs_to_the_key_it_certifies),
        with_folder(test_a_file_without_a_key_has_its_own_name),
        with_folder(test_files_are_read_again_when_they_changed),
        with_folder(test_a_bad_file_leaves_the_rest_at_work),
        with_folder(test_a_key_has_one_certificate),
        with_folder(test_a_folder_that_is_not_there_has_none),
        with_service(test_the_profile_is_found_by_those_who_ask),
        with_service(test_certificates_stay),
    };

    return cmocka_run_group_tests_name("soft/certificate", tests, NULL, NULL);
}
