/*
 * Wiped means wiped: run under tests/with-tokens by tests/hammer-closed. Once the customer has disabled the key, the
 * data keys that it unwrapped are nowhere in this process's memory: not in the module's own pages, not in what
 * libcrypto holds for operations that are in progress. When it is enabled again, the same handle works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/hammer/data_key.h"
#include "tests/hammer/memory.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS = 3, PATIENCE = 60, LOOK_AGAIN = 50 * 1000 * 1000 /* ns */ };

static CK_SESSION_HANDLE session[SESSIONS];
static unsigned char iv[16], text[64], out[128];
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0},
                    ecb = {CKM_AES_ECB, NULL, 0};
static CK_GCM_PARAMS gcm_parameter = {iv, 12, 96, NULL, 0, 128};
static CK_MECHANISM gcm = {CKM_AES_GCM, &gcm_parameter, sizeof gcm_parameter};

static void control(const char *path, const char *body)
{
    char command[512];

    snprintf(command, sizeof command, "curl -sf -X PUT %s%s -d '%s' >/dev/null", getenv("CONTROL_URL"), path,
             body);
    assert_int_equal(system(command), 0);
}

/* The same token, with leases that are checked often. */
static void hasten(const char *leases)
{
    char wanted[16384], line[1024], path[512];
    FILE *from = fopen(getenv("WITH_TOKENS_CONF"), "re"), *to;
    size_t used = 0;

    assert_non_null(from);
    while (fgets(line, sizeof line, from) != NULL && used < sizeof wanted - 2 * sizeof line) {
        used +=
            (size_t)sprintf(wanted + used, "%s%s", line, strstr(line, "identity =") != NULL ? leases : "");
    }
    fclose(from);
    snprintf(path, sizeof path, "%s/closed.conf", getenv("TOKENS_DIR"));
    to = fopen(path, "we");
    assert_non_null(to);
    assert_int_equal(fwrite(wanted, 1, used, to), used);
    fclose(to);
    setenv("BYOK_PKCS11_CONF", path, 1);
}

static void begin(void)
{
    begin_module();
    for (size_t i = 0; i < SESSIONS; i++) {
        session[i] = open_session();
    }
}

static int set_up(void **state)
{
    int failed = make_blob(state);

    setenv("WITH_TOKENS_CONF", getenv("BYOK_PKCS11_CONF"), 1);
    look_for_key();
    return failed;
}

static CK_OBJECT_HANDLE unwrap_key(CK_KEY_TYPE type)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_ENCRYPT, &yes, 1},
                               {CKA_DECRYPT, &yes, 1},
                               {CKA_SIGN, &yes, 1},
                               {CKA_SENSITIVE, &no, 1},
                               {CKA_EXTRACTABLE, &yes, 1},
                               {CKA_VERIFY, &yes, 1}};
    CK_OBJECT_HANDLE key;

    assert_int_equal(p11->C_UnwrapKey(session[0], &oaep, kek(session[0], CKO_PRIVATE_KEY), blob, blob_size,
                                      template, 8, &key),
                     CKR_OK);
    return key;
}

static CK_RV use(CK_OBJECT_HANDLE key)
{
    CK_ULONG size = sizeof out;
    CK_RV rv = p11->C_EncryptInit(session[2], &gcm, key);

    return rv == CKR_OK ? p11->C_Encrypt(session[2], text, sizeof text, out, &size) : rv;
}

static void use_until(CK_OBJECT_HANDLE key, CK_RV wanted)
{
    struct timespec pause = {0, LOOK_AGAIN};
    time_t began = time(NULL);
    CK_RV rv;

    while ((rv = use(key)) != wanted && time(NULL) - began < PATIENCE) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(rv, wanted);
}

/* Contexts that hold the keys, and wait for the next message. */
static void end_some(CK_OBJECT_HANDLE aes, CK_OBJECT_HANDLE mac)
{
    CK_ULONG size = sizeof out;

    assert_int_equal(use(aes), CKR_OK);
    assert_int_equal(p11->C_EncryptInit(session[2], &cbc, aes), CKR_OK);
    assert_int_equal(p11->C_Encrypt(session[2], text, sizeof text, out, &size), CKR_OK);
    size = sizeof out;
    assert_int_equal(p11->C_SignInit(session[2], &hmac, mac), CKR_OK);
    assert_int_equal(p11->C_Sign(session[2], text, sizeof text, out, &size), CKR_OK);
}

/* In the middle of as much as there can be. */
static void begin_much(CK_OBJECT_HANDLE aes, CK_OBJECT_HANDLE mac)
{
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_ULONG size = sizeof out;

    assert_int_equal(p11->C_EncryptInit(session[0], &cbc, aes), CKR_OK);
    assert_int_equal(p11->C_EncryptUpdate(session[0], text, 20, out, &size), CKR_OK);
    assert_int_equal(p11->C_DecryptInit(session[0], &ecb, aes), CKR_OK);
    assert_int_equal(p11->C_EncryptInit(session[1], &gcm, aes), CKR_OK);
    assert_int_equal(p11->C_SignInit(session[0], &hmac, mac), CKR_OK);
    assert_int_equal(p11->C_SignUpdate(session[0], text, 20), CKR_OK);
    assert_int_equal(p11->C_VerifyInit(session[1], &hmac, mac), CKR_OK);
    assert_int_equal(p11->C_VerifyUpdate(session[1], text, 20), CKR_OK);
    assert_int_equal(p11->C_DigestInit(session[0], &sha256), CKR_OK);
    assert_int_equal(p11->C_DigestKey(session[0], aes), CKR_OK);
}

static void assert_nowhere(void)
{
    int ours, elsewhere;

    look(&ours, &elsewhere);
    print_message("# nowhere: %d ours, %d elsewhere\n", ours, elsewhere);
    assert_int_equal(ours, 0);
    assert_int_equal(elsewhere, 0);
}

/* Else nothing would be proved by finding nothing. */
static void assert_everywhere(void)
{
    int ours, elsewhere;

    look(&ours, &elsewhere);
    print_message("# everywhere: %d ours, %d elsewhere\n", ours, elsewhere);
    assert_true(ours >= 2);
    assert_true(elsewhere >= 3);
}

static void test_a_closed_key_is_nowhere(void **state)
{
    CK_OBJECT_HANDLE aes, mac;
    CK_ULONG size = sizeof out;

    (void)state;
    hasten("lease-check = 1s\n");
    begin();
    aes = unwrap_key(CKK_AES);
    mac = unwrap_key(CKK_GENERIC_SECRET);
    begin_much(aes, mac);
    end_some(aes, mac);
    assert_everywhere();
    control("/keys/kek", "{\"enabled\":false}");
    use_until(aes, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_nowhere();
    assert_int_equal(p11->C_EncryptFinal(session[0], out, &size), CKR_FUNCTION_CANCELED);
    assert_int_equal(p11->C_SignUpdate(session[0], text, 20), CKR_FUNCTION_CANCELED);
    assert_int_equal(p11->C_DigestFinal(session[0], out, &size), CKR_FUNCTION_CANCELED);
    assert_int_equal(p11->C_SignInit(session[0], &hmac, mac), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_nowhere();
    control("/keys/kek", "{\"enabled\":true}");
    use_until(aes, CKR_OK);
    begin_much(aes, mac);
    end_some(aes, mac);
    assert_everywhere();
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_nowhere();
}

/* Nobody is there to wipe it but the next call, whatever that is for. */
static void test_an_idle_process_wipes_in_its_next_call(void **state)
{
    CK_OBJECT_HANDLE aes, mac;
    CK_ULONG count = 0;

    (void)state;
    hasten("lease = 3s\nlease-check = 1s\n");
    begin();
    aes = unwrap_key(CKK_AES);
    mac = unwrap_key(CKK_GENERIC_SECRET);
    begin_much(aes, mac);
    end_some(aes, mac);
    sleep(4);
    assert_int_equal(p11->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    assert_nowhere();
    use_until(aes, CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

/* --- A forked child --- */

static void be_the_child(CK_OBJECT_HANDLE parents_key, int ready)
{
    int ours, elsewhere;
    CK_OBJECT_HANDLE own;

    look(&ours, &elsewhere);
    assert_int_equal(ours, 0);
    assert_int_equal(use(parents_key), CKR_CRYPTOKI_NOT_INITIALIZED);
    begin();
    assert_int_equal(use(parents_key), CKR_KEY_HANDLE_INVALID);
    own = unwrap_key(CKK_AES);
    assert_int_equal(use(own), CKR_OK);
    assert_int_equal(write(ready, "", 1), 1);
    use_until(own, CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* It has none of the parent's keys; its own are checked and closed by itself, and so are the parent's. */
static void test_a_forked_child_has_leases_of_its_own(void **state)
{
    int fds[2], status = -1;
    CK_OBJECT_HANDLE key;
    char byte;

    (void)state;
    hasten("lease-check = 1s\n");
    begin();
    key = unwrap_key(CKK_AES);
    assert_int_equal(use(key), CKR_OK);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();

    if (child == 0) {
        be_the_child(key, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    assert_int_equal(use(key), CKR_OK);
    control("/keys/kek", "{\"enabled\":false}");
    use_until(key, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    control("/keys/kek", "{\"enabled\":true}");
    use_until(key, CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_closed_key_is_nowhere),
        cmocka_unit_test(test_an_idle_process_wipes_in_its_next_call),
        cmocka_unit_test(test_a_forked_child_has_leases_of_its_own),
    };

    int failed = cmocka_run_group_tests_name("closed keys in memory", tests, set_up, NULL);

    let_threads_end();
    return failed;
}
