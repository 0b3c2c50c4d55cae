/* The HSM token over a real module, SoftHSM: the main job, and sharing the module with an application. */
#include "backends/hsm/hsm.h"
#include "tests/backends/hsm/softhsm_bench.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEK_SIZE = 32, BLOB_SIZE = 256 };

static struct token_session *open_hsm(void)
{
    return softhsm_open(NULL);
}

static CK_ULONG find_key(struct token_session *session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_ULONG count = 0;

    assert_rv(session->ops->find_objects_init(session, template, 2), CKR_OK);
    assert_rv(session->ops->find_objects(session, ret_key, 1, &count), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    return count;
}

static CK_RSA_PKCS_OAEP_PARAMS oaep = {
    .hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED};
static CK_MECHANISM wrapping = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;

static CK_OBJECT_HANDLE create_dek(struct token_session *session, CK_BYTE *value)
{
    CK_OBJECT_HANDLE dek = 0;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_key, sizeof secret_key},
                               {CKA_KEY_TYPE, &aes, sizeof aes},
                               {CKA_TOKEN, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_VALUE, value, DEK_SIZE}};

    assert_rv(session->ops->create_object(session, template, 6, &dek), CKR_OK);
    return dek;
}

static void unwrap_dek(struct token_session *session, CK_BYTE *blob, CK_ULONG size, CK_BYTE *ret_value)
{
    CK_OBJECT_HANDLE kek, dek;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_key, sizeof secret_key},
                               {CKA_KEY_TYPE, &aes, sizeof aes},
                               {CKA_TOKEN, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_SENSITIVE, &no, 1}};
    CK_ATTRIBUTE value = {CKA_VALUE, ret_value, DEK_SIZE};

    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 1);
    assert_rv(session->ops->unwrap_key(session, &wrapping, kek, blob, size, template, 5, &dek), CKR_OK);
    assert_rv(session->ops->get_attribute_value(session, dek, &value, 1), CKR_OK);
    assert_int_equal(value.ulValueLen, DEK_SIZE);
}

static void check_main_job(struct token_session *session)
{
    CK_BYTE value[DEK_SIZE], again[DEK_SIZE], blob[BLOB_SIZE];
    CK_ULONG size = 0;
    CK_OBJECT_HANDLE kek, dek;

    memset(value, 0x5a, sizeof value);
    dek = create_dek(session, value);
    assert_int_equal(find_key(session, CKO_PUBLIC_KEY, &kek), 1);
    assert_rv(session->ops->wrap_key(session, &wrapping, kek, dek, NULL, &size), CKR_OK);
    assert_int_equal(size, BLOB_SIZE);
    size = 1;
    assert_rv(session->ops->wrap_key(session, &wrapping, kek, dek, blob, &size), CKR_BUFFER_TOO_SMALL);
    size = sizeof blob;
    assert_rv(session->ops->wrap_key(session, &wrapping, kek, dek, blob, &size), CKR_OK);
    unwrap_dek(session, blob, size, again);
    assert_memory_equal(again, value, DEK_SIZE);
}

static void test_data_key_is_wrapped_and_unwrapped(void **state)
{
    struct token_session *session = open_hsm();

    (void)state;
    check_main_job(session);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_attributes_come_from_below(void **state)
{
    struct token_session *session = open_hsm();
    CK_OBJECT_HANDLE kek;
    CK_BYTE modulus[BLOB_SIZE + 1];
    CK_ATTRIBUTE template[] = {{CKA_MODULUS, modulus, sizeof modulus}, {CKA_PRIVATE_EXPONENT, NULL, 0}};

    (void)state;
    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 1);
    assert_rv(session->ops->get_attribute_value(session, kek, template, 2), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(template[0].ulValueLen, BLOB_SIZE);
    assert_int_equal(template[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_rv(session->ops->destroy_object(session, 0xdeadbeef), CKR_OBJECT_HANDLE_INVALID);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_mechanisms_come_from_below(void **state)
{
    CK_ULONG count = 0;
    CK_MECHANISM_INFO info;

    (void)state;
    bench_open(softhsm_uri("hsm", "pin"), NULL, NULL);
    assert_rv(bench.token[0]->ops->get_mechanism_list(bench.token[0], NULL, &count), CKR_OK);
    assert_true(count > 20);
    assert_rv(bench.token[0]->ops->get_mechanism_info(bench.token[0], CKM_RSA_PKCS_OAEP, &info), CKR_OK);
}

static void test_without_pin_the_application_logs_in(void **state)
{
    struct token_session *session;
    CK_OBJECT_HANDLE kek;
    char pin[64];

    (void)state;
    softhsm_read_line("pin", pin, sizeof pin);
    bench_open(softhsm_uri("hsm", NULL), NULL, NULL);
    session = bench_session(bench.token[0]);
    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 0);
    assert_rv(session->ops->login(session, CKU_USER, (CK_BYTE *)pin, strlen(pin)), CKR_OK);
    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 1);
    assert_rv(session->ops->logout(session), CKR_OK);
    assert_rv(session->ops->logout(session), CKR_OK); /* SoftHSM's own answer */
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_wrong_pin_opens_without_private_objects(void **state)
{
    struct token_session *session;
    CK_OBJECT_HANDLE kek;

    (void)state;
    bench_write("wrong", "87654321x\n");
    bench_open(softhsm_uri("hsm", "wrong"), NULL, NULL);
    session = bench_session(bench.token[0]);
    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 0);
    assert_int_equal(find_key(session, CKO_PUBLIC_KEY, &kek), 1);
    assert_int_equal(bench_logged("the PIN is wrong"), 1);
    assert_rv(bench_close_session(session), CKR_OK);
}

static CK_RV log_in(struct token_session *session, CK_USER_TYPE user, const char *pin)
{
    return session->ops->login(session, user, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

static void make_another_token(const char *label)
{
    char command[PATH_MAX * 2];

    snprintf(command, sizeof command,
             "softhsm2-util --module '%s' --init-token --free --label %s --pin 1234 --so-pin 4321 >/dev/null",
             softhsm_library(), label);
    assert_int_equal(system(command), 0);
}

static CK_FUNCTION_LIST *applications_own(void);

static void test_officer_sets_pins_and_begins_anew(void **state)
{
    CK_BYTE new_pin[] = "5678", newer_pin[] = "8765", so_pin[] = "4321";
    CK_UTF8CHAR label[32];
    struct token_session *session;

    (void)state;
    make_another_token("officer");
    applications_own()->C_Finalize(NULL); /* SoftHSM sees new tokens when it begins */
    bench_open(softhsm_uri("officer", NULL), NULL, NULL);
    session = bench_session(bench.token[0]);
    assert_rv(log_in(session, CKU_SO, "9999"), CKR_PIN_INCORRECT);
    assert_rv(log_in(session, CKU_SO, "4321"), CKR_OK);
    assert_rv(session->ops->init_pin(session, new_pin, 4), CKR_OK);
    assert_rv(session->ops->logout(session), CKR_OK);
    assert_rv(log_in(session, CKU_USER, "1234"), CKR_PIN_INCORRECT);
    assert_rv(log_in(session, CKU_USER, "5678"), CKR_OK);
    assert_rv(session->ops->set_pin(session, new_pin, 4, newer_pin, 4), CKR_OK);
    assert_rv(log_in(session, CKU_CONTEXT_SPECIFIC, "8765"), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(bench_close_session(session), CKR_OK);
    memset(label, ' ', sizeof label);
    memcpy(label, "officer", 7);
    assert_rv(bench.token[0]->ops->init_token(bench.token[0], so_pin, 4, label), CKR_OK);
    session = bench_session(bench.token[0]);
    assert_rv(log_in(session, CKU_USER, "8765"), CKR_USER_PIN_NOT_INITIALIZED);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_token_made_later_is_found(void **state)
{
    struct token_session *session = NULL;
    struct timespec wait = {1, 100000000};
    char command[PATH_MAX * 2];

    (void)state;
    bench_open(softhsm_uri("late", NULL), NULL, NULL);
    assert_rv(bench.token[0]->ops->open_session(bench.token[0], CKF_SERIAL_SESSION, NULL, NULL, &session),
              CKR_TOKEN_NOT_PRESENT);
    snprintf(
        command, sizeof command,
        "softhsm2-util --module '%s' --init-token --free --label late --pin 1234 --so-pin 1234 >/dev/null",
        softhsm_library());
    assert_int_equal(system(command), 0);
    nanosleep(&wait, NULL);
    assert_rv(bench_close_session(bench_session(bench.token[0])), CKR_OK);
}

static CK_FUNCTION_LIST *applications_own(void)
{
    CK_C_GetFunctionList get;
    CK_FUNCTION_LIST *functions = NULL;
    void *loaded = dlopen(softhsm_library(), RTLD_NOW | RTLD_LOCAL);

    assert_non_null(loaded);
    *(void **)&get = dlsym(loaded, "C_GetFunctionList");
    assert_rv(get(&functions), CKR_OK);
    return functions;
}

static void test_application_finalises_the_module_under_us(void **state)
{
    struct token_session *session = open_hsm();
    CK_FUNCTION_LIST *application = applications_own();
    CK_OBJECT_HANDLE kek;

    (void)state;
    assert_rv(application->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_rv(application->C_Finalize(NULL), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_SESSION_HANDLE_INVALID);
    assert_rv(bench_close_session(session), CKR_OK);
    session = bench_session(bench.token[0]);
    assert_int_equal(find_key(session, CKO_PRIVATE_KEY, &kek), 1);
    check_main_job(session);
    assert_rv(bench_close_session(session), CKR_OK);
}

static void test_application_keeps_its_sessions(void **state)
{
    CK_FUNCTION_LIST *application = applications_own();
    CK_SESSION_HANDLE theirs;
    CK_SESSION_INFO info;
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;

    (void)state;
    application->C_Finalize(NULL);
    assert_rv(application->C_Initialize(NULL), CKR_OK);
    assert_rv(application->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_rv(application->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &theirs), CKR_OK);
    assert_rv(bench_close_session(open_hsm()), CKR_OK);
    bench_close();
    assert_rv(application->C_GetSessionInfo(theirs, &info), CKR_OK);
    assert_rv(application->C_CloseSession(theirs), CKR_OK);
}

static void test_child_does_the_main_job(void **state)
{
    struct token_session *session = open_hsm();
    int status;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        hsm_kind.after_fork();
        memset(bench.token, 0, sizeof bench.token);
        check_main_job(open_hsm());
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    check_main_job(session);
    assert_rv(bench_close_session(session), CKR_OK);
}

/*
 * An exit handler older than SoftHSM, as libcrypto's: SoftHSM's static objects are gone when it runs. A
 * process of its own, because in this one SoftHSM is older.
 */
static struct token_session *left_open;

static void close_at_exit(void)
{
    CK_RV rv = left_open->ops->find_objects_final(left_open);

    if (rv != CKR_SESSION_HANDLE_INVALID || bench_close_session(left_open) != CKR_OK) {
        _exit(7);
    }
    bench_close();
}

static int leave_open(const char *path)
{
    softhsm_use(path);
    atexit(close_at_exit);
    left_open = open_hsm();
    exit(0);
}

static void test_close_from_an_old_exit_handler(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        execl("/proc/self/exe", "test_hsm_softhsm", softhsm_folder(), (char *)NULL);
        _exit(8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, softhsm_set_up, softhsm_tear_down)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        ROW(test_data_key_is_wrapped_and_unwrapped),
        ROW(test_attributes_come_from_below),
        ROW(test_mechanisms_come_from_below),
        ROW(test_without_pin_the_application_logs_in),
        ROW(test_wrong_pin_opens_without_private_objects),
        ROW(test_officer_sets_pins_and_begins_anew),
        ROW(test_token_made_later_is_found),
        ROW(test_application_finalises_the_module_under_us),
        ROW(test_application_keeps_its_sessions),
        ROW(test_child_does_the_main_job),
        ROW(test_close_from_an_old_exit_handler),
    };

    if (count > 1) {
        return leave_open(arguments[1]);
    }
    return cmocka_run_group_tests(tests, softhsm_make, softhsm_remove);
}
