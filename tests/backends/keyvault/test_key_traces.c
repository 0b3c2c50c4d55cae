/*
 * What stays in this process's memory after an assertion was signed: nothing of the private key, whatever its
 * file looked like. The files are made by another process, which tells what is to be looked for masked.
 */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/assertion.h"
#include "backends/keyvault/identity/credential.h"
#include "tests/backends/keyvault/certificates.h"
#include "tests/backends/keyvault/https_server.h"
#include "tests/backends/keyvault/traces.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <cmocka.h>

enum { LENGTH = 20, MASK = 0x5a };

/* Of the private exponent and a prime, as DER and as OpenSSL's numbers have them; and of the file. */
enum { EXPONENT, EXPONENT_TURNED, PRIME, PRIME_TURNED, PEM_LINE, TRACES };

static unsigned char masked[TRACES][LENGTH];

static unsigned char byte_of(unsigned what, size_t at)
{
    return masked[what][at] ^ MASK;
}

/* --- The other process --- */

static void write_number(const EVP_PKEY *key, const char *name, unsigned char *plain, unsigned char *turned)
{
    unsigned char bytes[512];
    BIGNUM *number = NULL;
    int size;

    EVP_PKEY_get_bn_param(key, name, &number);
    size = BN_bn2bin(number, bytes);
    for (int i = 0; i < LENGTH; i++) {
        plain[i] = bytes[40 + i] ^ MASK;
        turned[i] = bytes[size - 41 - i] ^ MASK;
    }
    BN_free(number);
}

static void write_bytes(const char *name, const void *data, size_t size)
{
    FILE *to = fopen(test_file(name, ""), "w");

    if (to == NULL || fwrite(data, 1, size, to) != size || fclose(to) != 0) {
        _exit(1);
    }
}

static void make_files(int to_parent)
{
    struct pair pair = pair_make(2048, 30);
    char *key = pem_of_key(&pair, NULL), *closed = pem_of_key(&pair, "pw"),
         *certificate = pem_of_certificate(&pair);
    char text[16384];
    size_t size;
    unsigned char *bag = pkcs12_of(&pair, NULL, "", &size);
    const char *line = strchr(strchr(strchr(key, '\n') + 1, '\n') + 1, '\n') + 1;

    snprintf(text, sizeof text, "%s%s", certificate, key);
    (void)test_file("plain", text);
    snprintf(text, sizeof text, "%s%s", certificate, closed);
    (void)test_file("closed", text);
    write_bytes("bag", bag, size);
    write_number(pair.key, OSSL_PKEY_PARAM_RSA_D, masked[EXPONENT], masked[EXPONENT_TURNED]);
    write_number(pair.key, OSSL_PKEY_PARAM_RSA_FACTOR1, masked[PRIME], masked[PRIME_TURNED]);
    for (int i = 0; i < LENGTH; i++) {
        masked[PEM_LINE][i] = (unsigned char)line[i] ^ MASK;
    }
    _exit(write(to_parent, masked, sizeof masked) == (ssize_t)sizeof masked ? 0 : 1);
}

/* --- This one --- */

static void read_pair(const char *name, const char *password, struct credential *ret_credential)
{
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(64 * 1024);
    struct credential_file file = {.what = name, .password = password};
    struct identity_failure failure;
    char path[256];

    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    assert_int_equal(file_read(NULL, name, path, &content, NULL), CKR_OK);
    file.content = buffer_bytes(&content);
    assert_true(credential_read(&file, ret_credential, &failure));
}

static void sign(const char *name, const char *password)
{
    struct credential credential SCOPED(credential_done) = {NULL, NULL};
    struct buffer signed_text SCOPED(buffer_free) = BUFFER_INIT(ASSERTION_LIMIT);
    struct assertion assertion = {
        .audience = "https://login.example", .client_id = "c", .sign = assertion_sign_here};
    struct identity_failure failure;

    read_pair(name, password, &credential);
    assertion.certificate = credential.certificate;
    assertion.arg = credential.key;
    assert_true(assertion_write(&assertion, &signed_text, &failure));
}

/* `most` copies of each secret may be left. */
static void expect_traces(unsigned most)
{
    static const char *const names[] = {"exponent", "exponent, turned", "prime", "prime, turned", "PEM"};

    for (unsigned what = 0; what < TRACES; what++) {
        unsigned found = traces_count(LENGTH, what, byte_of);

        if (found > most) {
            fail_msg("%s: %u times", names[what], found);
        }
    }
}

static void skip_where_nothing_is_found(void)
{
    if (traces_cannot_be_sought()) {
        skip();
    }
}

static void test_the_search_finds(void **state)
{
    struct credential credential SCOPED(credential_done) = {NULL, NULL};
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(64 * 1024);
    unsigned char *der = NULL;
    char path[256];
    int size;

    (void)state;
    skip_where_nothing_is_found();
    read_pair("plain", NULL, &credential);
    size = i2d_PrivateKey(credential.key, &der);
    snprintf(path, sizeof path, "%s/plain", test_folder());
    assert_int_equal(file_read(NULL, "plain", path, &content, NULL), CKR_OK);
    for (unsigned what = 0; what < TRACES; what++) {
        assert_int_not_equal(traces_count(LENGTH, what, byte_of), 0);
    }
    OPENSSL_clear_free(der, (size_t)size);
}

static void test_pem(void **state)
{
    (void)state;
    skip_where_nothing_is_found();
    sign("plain", NULL);
    expect_traces(0);
}

static void test_pem_with_a_password(void **state)
{
    (void)state;
    skip_where_nothing_is_found();
    sign("closed", "pw");
    expect_traces(0);
}

/*
 * EVP_PKCS82PKEY() of OpenSSL 3.0 frees the key's DER without wiping it; what comes after it in this process
 * overwrites that most of the time.
 */
static void test_pkcs12(void **state)
{
    (void)state;
    skip_where_nothing_is_found();
    sign("bag", NULL);
    expect_traces(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_search_finds),
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_pem_with_a_password),
        cmocka_unit_test(test_pkcs12),
    };
    int pipes[2], failed;
    pid_t child;

    (void)test_folder();
    if (pipe(pipes) != 0 || (child = fork()) < 0) {
        return 1;
    }
    if (child == 0) {
        make_files(pipes[1]);
    }
    if (read(pipes[0], masked, sizeof masked) != (ssize_t)sizeof masked) {
        return 1;
    }
    waitpid(child, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
