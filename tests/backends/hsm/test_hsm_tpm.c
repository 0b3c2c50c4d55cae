/*
 * The HSM token over an HSM of another kind: a TPM (swtpm, in software) behind libtpm2-pkcs11. It cannot wrap, knows no
 * 3.0, keeps its objects in a database and talks to another process. Skipped where swtpm, that library or
 * pkcs11-tool is not there; $TPM2_PKCS11 is where tests/unpack has put the library, when that is not in this build.
 */
#include "backends/hsm/hsm.h"
#include "tests/backends/hsm/workbench.h"
#include <glob.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RSA_SIZE = 256, PATIENCE = 300 /* tenths of a second */ };

static char module[PATH_MAX], folder[BENCH_PATH / 2], missing[128];
static pid_t tpm;

static bool is_there(const char *program)
{
    char command[PATH_MAX];

    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    if (system(command) == 0) {
        return true;
    }
    snprintf(missing, sizeof missing, "%s is not installed: tests/setup --all", program);
    return false;
}

static bool look_for_module(const char *folder_of_it)
{
    char pattern[PATH_MAX];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/usr/lib/*/libtpm2_pkcs11.so.1", folder_of_it);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return false;
    }
    snprintf(module, sizeof module, "%s", found.gl_pathv[0]);
    globfree(&found);
    return true;
}

static bool find_module(void)
{
    const char *named = getenv("TPM2_PKCS11"), *build = getenv("BUILDDIR");
    char unpacked[PATH_MAX / 2];

    snprintf(unpacked, sizeof unpacked, "%s%s/root",
             named != NULL   ? named
             : build != NULL ? build
                             : ".",
             named != NULL ? "" : "/build/libtpm2-pkcs11-1");
    if (look_for_module(unpacked) || look_for_module("")) {
        return true;
    }
    snprintf(missing, sizeof missing, "libtpm2_pkcs11.so.1 is not there: tests/setup --all");
    return false;
}

/* It ends with us, however we end. */
static void be_tpm(void)
{
    char state[PATH_MAX], server[PATH_MAX], control[PATH_MAX];

    snprintf(state, sizeof state, "dir=%s/state", folder);
    snprintf(server, sizeof server, "type=unixio,path=%s/tpm", folder);
    snprintf(control, sizeof control, "type=unixio,path=%s/tpm.ctrl", folder);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)!freopen("/dev/null", "w", stdout); /* it tells of every client */
    (void)!freopen("/dev/null", "w", stderr);
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl", control,
           "--flags", "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

static bool wait_for_tpm(void)
{
    struct timespec pause = {0, 100 * 1000 * 1000};

    for (int i = 0; i < PATIENCE; i++) {
        if (access(bench_path("tpm"), F_OK) == 0) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

static bool tool(const char *arguments)
{
    char command[PATH_MAX * 2];

    snprintf(command, sizeof command, "pkcs11-tool --module '%s' %s >'%s' 2>&1", module, arguments,
             bench_path("tool.log"));
    return system(command) == 0;
}

static bool make_tpm(void)
{
    char address[PATH_MAX];

    mkdir(bench_path("state"), 0700);
    mkdir(bench_path("store"), 0700);
    snprintf(address, sizeof address, "swtpm:path=%s", bench_path("tpm"));
    setenv("TPM2_PKCS11_STORE", bench_path("store"), 1);
    setenv("TPM2_PKCS11_TCTI", address, 1);
    setenv("TSS2_LOG", "all+none", 1);
    setenv("TPM2_PKCS11_LOG_LEVEL", "0", 1);
    tpm = fork();
    if (tpm == 0) {
        be_tpm();
    }
    bench_write("pin", "5678\n");
    return wait_for_tpm() && tool("--slot-index 0 --init-token --label tpm --so-pin 1234") &&
           tool("--token-label tpm --init-pin --so-pin 1234 --pin 5678") &&
           tool("--token-label tpm --login --pin 5678 --keypairgen --key-type rsa:2048 --label kek --id 01");
}

static int make(void **state)
{
    if (bench_set_up(state) != 0) {
        return -1;
    }
    strcpy(folder, bench.folder);
    if (is_there("swtpm") && is_there("pkcs11-tool") && find_module() && !make_tpm()) {
        fprintf(stderr, "the TPM's token could not be made; its tool's last words:\n");
        (void)!system("cat $TPM2_PKCS11_STORE/../tool.log >&2");
        return -1;
    }
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    if (tpm > 0) {
        kill(tpm, SIGTERM);
        waitpid(tpm, NULL, 0);
    }
    bench_remove(folder);
    return 0;
}

static int set_up(void **state)
{
    if (bench_set_up(state) != 0) {
        return -1;
    }
    bench_remove(bench.folder);
    return symlink(folder, bench.folder);
}

static int tear_down(void **state)
{
    (void)state;
    bench_close();
    return unlink(bench.folder);
}

static struct token_session *open_tpm(void)
{
    char uri[PATH_MAX * 2];

    if (missing[0] != '\0') {
        print_message("# SKIP %s\n", missing);
        skip();
    }
    snprintf(uri, sizeof uri, "pkcs11:token=tpm?module-path=%s&pin-source=file:%s", module,
             bench_path("pin"));
    bench_open(uri, NULL, NULL);
    return bench_session(bench.token[0]);
}

/* OpenSSL's own, from the TPM's public part. */
static EVP_PKEY *read_kek(struct token_session *session)
{
    CK_BYTE modulus[RSA_SIZE], exponent[8];
    CK_ATTRIBUTE template[] = {{CKA_MODULUS, modulus, sizeof modulus},
                               {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;

    assert_rv(session->ops->get_attribute_value(session, bench_kek(session, CKO_PUBLIC_KEY), template, 2),
              CKR_OK);
    BIGNUM *n = BN_bin2bn(modulus, (int)template[0].ulValueLen, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)template[1].ulValueLen, NULL);

    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);

    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return key;
}

static void check_signature(struct token_session *session)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE text[] = "a text", signature[RSA_SIZE];
    CK_ULONG size = sizeof signature;
    EVP_PKEY *key = read_kek(session);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_rv(session->ops->sign_init(session, &mechanism, bench_kek(session, CKO_PRIVATE_KEY)), CKR_OK);
    assert_rv(session->ops->sign(session, text, sizeof text, signature, &size), CKR_OK);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, size, text, sizeof text), 1);
    signature[0] ^= 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

static void test_it_signs(void **state)
{
    struct token_session *session = open_tpm();

    (void)state;
    check_signature(session);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_it_opens_what_openssl_sealed(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    struct token_session *session = open_tpm();
    EVP_PKEY *key = read_kek(session);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    CK_BYTE data_key[32] = {1, 2, 3}, blob[RSA_SIZE], opened[RSA_SIZE];
    size_t blob_size = sizeof blob;
    CK_ULONG size = sizeof opened;

    (void)state;
    EVP_PKEY_encrypt_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256());
    assert_int_equal(EVP_PKEY_encrypt(context, blob, &blob_size, data_key, sizeof data_key), 1);
    assert_rv(session->ops->decrypt_init(session, &mechanism, bench_kek(session, CKO_PRIVATE_KEY)), CKR_OK);
    assert_rv(session->ops->decrypt(session, blob, blob_size, opened, &size), CKR_OK);
    assert_int_equal(size, sizeof data_key);
    assert_memory_equal(opened, data_key, size);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_it_needs_no_login_of_the_application(void **state)
{
    struct token_session *session = open_tpm();
    CK_TOKEN_INFO info;
    CK_BYTE pin[] = "5678";

    (void)state;
    assert_rv(bench.token[0]->ops->get_token_info(bench.token[0], &info), CKR_OK);
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, 0);
    assert_rv(session->ops->login(session, CKU_USER, pin, 4), CKR_OK);
    assert_rv(session->ops->logout(session), CKR_OK);
    check_signature(session);
    assert_rv(bench_close_session(session), CKR_OK);
}

/* It has neither wrapping nor 3.0, and nothing is made of what it lacks. */
static void test_it_can_what_it_can(void **state)
{
    struct token_session *session = open_tpm();
    struct token *token = bench.token[0];
    CK_MECHANISM_TYPE list[256];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 256, size = 0;
    CK_MECHANISM wrapping = {CKM_RSA_PKCS_OAEP, NULL, 0};

    (void)state;
    assert_rv(token->ops->get_mechanism_list(token, list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_rv(token->ops->get_mechanism_info(token, list[i], &info), CKR_OK);
        assert_int_equal(info.flags & (CKF_WRAP | CKF_UNWRAP), 0);
    }
    assert_rv(token->ops->get_mechanism_info(token, CKM_RSA_AES_KEY_WRAP, &info), CKR_MECHANISM_INVALID);
    assert_rv(session->ops->wrap_key(session, &wrapping, 1, 1, NULL, &size), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(session->ops->session_cancel(session, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_child_has_a_connection_of_its_own(void **state)
{
    struct token_session *session = open_tpm();
    int status;
    pid_t child;

    (void)state;
    assert_rv(bench_close_session(session), CKR_OK);
    bench_close();
    child = fork();
    if (child == 0) {
        hsm_kind.after_fork();
        check_signature(open_tpm());
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_it_signs),
        ROW(test_it_opens_what_openssl_sealed),
        ROW(test_it_needs_no_login_of_the_application),
        ROW(test_it_can_what_it_can),
        ROW(test_child_has_a_connection_of_its_own),
    };

    return cmocka_run_group_tests(tests, make, remove_all);
}
