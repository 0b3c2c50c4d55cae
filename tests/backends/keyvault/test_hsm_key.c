/* A certificate's key in an HSM (SoftHSM): it signs assertions, and words say why it does not. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/certificates.h"
#include "tests/backends/keyvault/sent.h"
#include "tests/backends/keyvault/token_world.h"
#include <dlfcn.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct pair ours, others;
static char hsm[PATH_MAX / 4], library[PATH_MAX / 4], pin[32];
static CK_FUNCTION_LIST *below; /* SoftHSM's own */
static bool there;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[PATH_MAX * 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static void read_line(const char *name, char *to, size_t size)
{
    char path[PATH_MAX / 2];
    FILE *from;

    snprintf(path, sizeof path, "%s/%s", hsm, name);
    from = fopen(path, "r");
    assert_non_null(from);
    assert_non_null(fgets(to, (int)size, from));
    to[strcspn(to, "\n")] = 0;
    fclose(from);
}

static void import(const struct pair *pair, const char *label, const char *id, const char *mechanisms)
{
    char *key SCOPED(scope_free) = pem_of_key(pair, NULL);

    run("pkcs11-tool --module '%s' --token-label hsm --login --pin %s --write-object '%s' --type privkey --label %s "
        "--id %s --usage-sign %s >/dev/null 2>&1",
        library, pin, test_file("import.pem", key), label, id, mechanisms);
}

static int make_hsm(void **state)
{
    char path[PATH_MAX / 2];

    (void)state;
    ours = pair_make(2048, 30);
    others = pair_make(2048, 30);
    snprintf(hsm, sizeof hsm, "%s/hsm", test_folder());
    snprintf(path, sizeof path, "'%s' '%s' 2>/dev/null", MAKE_TOKEN, hsm);
    if (system(path) != 0) {
        return 0;
    }
    snprintf(path, sizeof path, "%s/softhsm2.conf", hsm);
    setenv("SOFTHSM2_CONF", path, 1);
    read_line("module", library, sizeof library);
    read_line("pin", pin, sizeof pin);
    import(&ours, "client", "07", "");
    import(&ours, "older", "08", "--allowed-mechanisms SHA256-RSA-PKCS");
    import(&ours, "bare", "0b", "--allowed-mechanisms RSA-PKCS");
    import(&ours, "digests", "0c", "--allowed-mechanisms RSA-PKCS-PSS");
    import(&ours, "twice", "09", "");
    import(&ours, "twice", "0a", "");
    there = true;
    return 0;
}

static int forget_hsm(void **state)
{
    (void)state;
    pair_done(&ours);
    pair_done(&others);
    if (there) {
        run("rm -rf '%s'", hsm);
    }
    return 0;
}

static void write_pin(const char *text)
{
    char path[PATH_MAX / 2];
    FILE *to;

    snprintf(path, sizeof path, "%s/our-pin", hsm);
    to = fopen(path, "w");
    assert_non_null(to);
    fchmod(fileno(to), 0600);
    fputs(text, to);
    fclose(to);
}

static void open_key(struct token_world *world, const struct pair *certificate, const char *object,
                     const char *more)
{
    char uri[PATH_MAX], *pem SCOPED(scope_free) = pem_of_certificate(certificate);
    struct identity_options who = {.client_id = "my-app", .client_certificate_key = uri};

    who.client_certificate_file = test_file("certificate.pem", pem);
    snprintf(uri, sizeof uri, "pkcs11:token=hsm;%s?module-path=%s%s", object, library, more);
    token_world_open(world, &client_certificate_kind, &who);
}

static const char *with_pin(void)
{
    static char more[PATH_MAX / 2];

    snprintf(more, sizeof more, "&pin-source=file:%s/our-pin", hsm);
    return more;
}

static int set_up(void **state)
{
    struct identity_options nobody = {.problem = "nobody"};

    if (!there) {
        print_message("# SKIP SoftHSM or pkcs11-tool is not here\n");
        *state = NULL;
        return 0;
    }
    write_pin(pin);
    *state = token_world_new(&absent_kind, &nobody);
    return 0;
}

static int tear_down(void **state)
{
    if (*state != NULL) {
        token_world_free(*state);
    }
    return 0;
}

static struct token_world *world_of(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}

static void expect_signed(struct token_world *world, const char *algorithm)
{
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};

    sent_read(world, &sent);
    assert_string_equal(json_text(sent.header, "alg"), algorithm);
    assert_true(sent_verifies(&sent, ours.key));
    assert_false(sent_verifies(&sent, others.key));
}

static void test_signs_with_pss(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=client", with_pin());
    expect_signed(world, "PS256");
}

static void test_by_id(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "id=%07", with_pin());
    expect_signed(world, "PS256");
    open_key(world, &ours, "object=twice;id=%0a;type=private", with_pin());
    expect_signed(world, "PS256");
}

static void test_pss_of_a_digest(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=digests", with_pin());
    expect_signed(world, "PS256");
}

/* RS256, named as everybody takes it: SHA-1 of the certificate, in base64url and in digits. */
static void test_without_pss(void **state)
{
    struct token_world *world = world_of(state);
    struct sent sent SCOPED(sent_done) = {.assertion = NULL};
    unsigned char digest[20];
    char digits[41];
    unsigned size = sizeof digest;

    open_key(world, &ours, "object=older", with_pin());
    expect_signed(world, "RS256");
    open_key(world, &ours, "object=bare", with_pin());
    expect_signed(world, "RS256");
    sent_read(world, &sent);
    X509_digest(ours.certificate, EVP_sha1(), digest, &size);
    for (unsigned i = 0; i < size; i++) {
        snprintf(digits + 2 * i, 3, "%02X", digest[i]);
    }
    assert_string_equal(json_text(sent.header, "kid"), digits);
    assert_int_equal(strlen(json_text(sent.header, "x5t")), 27);
    assert_null(json_text(sent.header, "x5t#S256"));
}

static void test_pin_of_the_environment(void **state)
{
    struct token_world *world = world_of(state);

    setenv("BYOK_TEST_PIN", pin, 1);
    open_key(world, &ours, "object=client", "&pin-source=env:BYOK_TEST_PIN");
    expect_signed(world, "PS256");
}

static CK_SLOT_ID slot_of_hsm(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    CK_TOKEN_INFO info;

    assert_int_equal(below->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_int_equal(below->C_GetTokenInfo(slots[i], &info), CKR_OK);
        if (memcmp(info.label, "hsm ", 4) == 0) {
            return slots[i];
        }
    }
    fail_msg("no token hsm");
    return 0;
}

/* A login lasts as long as a session is open somewhere. */
static void expect_no_session(void)
{
    CK_SESSION_HANDLE session;
    CK_SESSION_INFO info;

    assert_int_equal(below->C_OpenSession(slot_of_hsm(), CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(below->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(below->C_CloseSession(session), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

static void test_no_session_stays_open(void **state)
{
    struct token_world *world = world_of(state);
    void *module = dlopen(library, RTLD_NOW);
    CK_C_GetFunctionList get;

    assert_non_null(module);
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    assert_int_equal(get(&below), CKR_OK);
    open_key(world, &ours, "object=client", with_pin());
    expect_signed(world, "PS256");
    expect_no_session();
    open_key(world, &ours, "object=nobody", with_pin());
    assert_false(token_world_fetch(world, 2000));
    expect_no_session();
    open_key(world, &others, "object=client", with_pin());
    assert_false(token_world_fetch(world, 2000));
    expect_no_session();
}

static void test_no_such_key(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=nobody", with_pin());
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "no such private key");
    open_key(world, &ours, "object=client;id=%08", with_pin());
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "no such private key");
}

static void test_without_a_pin(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=client", "");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "check object, id and pin-source");
}

static void test_ambiguous_key(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=twice", with_pin());
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "more than one private key");
}

static void test_key_of_another_certificate(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &others, "object=client", with_pin());
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "does not belong to the certificate");
}

static unsigned count_of(const char *text, const char *words)
{
    unsigned count = 0;

    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    return count;
}

static void test_wrong_pin_is_tried_once(void **state)
{
    struct token_world *world = world_of(state);

    write_pin("0000");
    open_key(world, &ours, "object=client", with_pin());
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "no login at the HSM");
    token_world_expect_failure_unasked(world, CKR_USER_NOT_LOGGED_IN, "no login at the HSM");
    assert_int_equal(count_of(token_world_log(world), "the PIN is wrong"), 1);
    write_pin(pin);
    expect_signed(world, "PS256");
}

static void test_no_such_token(void **state)
{
    struct token_world *world = world_of(state);
    char uri[PATH_MAX], *pem SCOPED(scope_free) = pem_of_certificate(&ours);
    struct identity_options who = {.client_id = "my-app", .client_certificate_key = uri};

    who.client_certificate_file = test_file("certificate.pem", pem);
    snprintf(uri, sizeof uri, "pkcs11:token=another;object=client?module-path=%s", library);
    token_world_open(world, &client_certificate_kind, &who);
    token_world_expect_failure_unasked(world, CKR_DEVICE_ERROR, "no token of");
}

static void test_no_such_library(void **state)
{
    struct token_world *world = world_of(state);
    struct identity_options who = {
        .client_id = "my-app", .client_certificate_key = "pkcs11:token=hsm;object=x?module-path=/nowhere.so"};
    char *pem SCOPED(scope_free) = pem_of_certificate(&ours);

    who.client_certificate_file = test_file("certificate.pem", pem);
    token_world_open(world, &client_certificate_kind, &who);
    token_world_expect_failure_unasked(world, CKR_DEVICE_ERROR, "/nowhere.so cannot be used");
}

static void test_the_pin_is_in_no_log(void **state)
{
    struct token_world *world = world_of(state);

    open_key(world, &ours, "object=client", with_pin());
    expect_signed(world, "PS256");
    assert_null(strstr(token_world_log(world), pin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        KEY_TEST(test_signs_with_pss),
        KEY_TEST(test_by_id),
        KEY_TEST(test_pss_of_a_digest),
        KEY_TEST(test_without_pss),
        KEY_TEST(test_pin_of_the_environment),
        KEY_TEST(test_no_session_stays_open),
        KEY_TEST(test_no_such_key),
        KEY_TEST(test_without_a_pin),
        KEY_TEST(test_ambiguous_key),
        KEY_TEST(test_key_of_another_certificate),
        KEY_TEST(test_wrong_pin_is_tried_once),
        KEY_TEST(test_no_such_token),
        KEY_TEST(test_no_such_library),
        KEY_TEST(test_the_pin_is_in_no_log),
    };
    int failed;

    setenv("NO_PROXY", "*", 1);
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, make_hsm, forget_hsm);
    test_folder_remove();
    return failed;
}
