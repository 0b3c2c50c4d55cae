/*
 * Where a secret is in this process's memory: run under tests/with-tokens by tests/hammer-secrets. A data key
 * that comes from the vault, goes there, or is decrypted there may lie in the module's own pages (not dumped,
 * wiped in a child) and, from its first use until its end, in libcrypto's contexts; nowhere else: not raw, not
 * in base64url, not in hex. What is looked for stands in this program only masked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/hammer/data_key.h"
#include "tests/hammer/memory.h"
#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the signature: what stands before it, all tokens may share. */
enum { TOKEN_PART = 40 };

static CK_SESSION_HANDLE session;

static void assert_only_in_our_pages(void)
{
    int ours, elsewhere;

    look_for_key();
    look(&ours, &elsewhere);
    assert_true(ours >= 2); /* both halves, or nothing is found wherever it is */
    assert_int_equal(elsewhere, 0);
}

static void assert_nowhere(void)
{
    int ours, elsewhere;

    look_for_key();
    look(&ours, &elsewhere);
    assert_int_equal(ours, 0);
    assert_int_equal(elsewhere, 0);
}

/* --- The vault --- */

static void begin(void)
{
    begin_module();
    session = open_session();
}

static CK_OBJECT_HANDLE unwrap_key(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_ENCRYPT, &yes, 1}};
    CK_OBJECT_HANDLE key;

    assert_int_equal(
        p11->C_UnwrapKey(session, &oaep, kek(session, CKO_PRIVATE_KEY), blob, blob_size, template, 3, &key),
        CKR_OK);
    return key;
}

static int open_module(void **state)
{
    (void)state;
    begin();
    return 0;
}

static int close_module(void **state)
{
    (void)state;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : -1;
}

/* --- The facts --- */

static void test_an_unwrapped_key_is_in_our_pages_alone(void **state)
{
    CK_OBJECT_HANDLE key = unwrap_key();

    (void)state;
    assert_only_in_our_pages();
    assert_int_equal(p11->C_DestroyObject(session, key), CKR_OK);
    assert_nowhere();
}

static void encrypt(CK_MECHANISM_TYPE type, void *parameter, CK_ULONG parameter_size, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {type, parameter, parameter_size};
    unsigned char text[64] = {0}, out[128];
    CK_ULONG size = sizeof out;

    assert_int_equal(p11->C_EncryptInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Encrypt(session, text, sizeof text, out, &size), CKR_OK);
}

/* What libcrypto prepared with it waits in libcrypto's memory for the next message, and no longer than the key. */
static void test_a_key_that_was_at_work_is_nowhere(void **state)
{
    unsigned char iv[16] = {0};
    CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
    CK_AES_CTR_PARAMS ctr = {128, {0}};
    CK_OBJECT_HANDLE key = unwrap_key();

    (void)state;
    encrypt(CKM_AES_CBC_PAD, iv, sizeof iv, key);
    encrypt(CKM_AES_ECB, NULL, 0, key);
    encrypt(CKM_AES_CTR, &ctr, sizeof ctr, key);
    encrypt(CKM_AES_GCM, &gcm, sizeof gcm, key);
    encrypt(CKM_AES_CBC, iv, sizeof iv, key); /* more kinds than may wait */
    assert_int_equal(p11->C_DestroyObject(session, key), CKR_OK);
    assert_nowhere();
}

static void test_a_key_at_work_ends_with_its_session(void **state)
{
    unsigned char iv[16] = {0};

    (void)state;
    encrypt(CKM_AES_CBC_PAD, iv, sizeof iv, unwrap_key());
    assert_int_equal(p11->C_CloseSession(session), CKR_OK);
    assert_nowhere();
}

static void test_a_wrapped_key_is_in_our_pages_alone(void **state)
{
    CK_OBJECT_HANDLE key = create_key(session, true);

    (void)state;
    for (int i = 0; i < 3; i++) { /* at the service, then here */
        wrap_key(session, key);
    }
    assert_only_in_our_pages();
    assert_int_equal(p11->C_DestroyObject(session, key), CKR_OK);
    assert_nowhere();
}

static void test_what_was_decrypted_is_nowhere(void **state)
{
    unsigned char out[512];
    CK_ULONG size = sizeof out;

    (void)state;
    assert_int_equal(p11->C_DecryptInit(session, &oaep, kek(session, CKO_PRIVATE_KEY)), CKR_OK);
    assert_int_equal(p11->C_Decrypt(session, blob, blob_size, out, &size), CKR_OK);
    assert_int_equal(size, KEY_SIZE);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        ((volatile unsigned char *)out)[i] = 0;
    }
    assert_nowhere();
}

static unsigned char secret_at[256];
static unsigned char masked_secret(size_t i)
{
    return secret_at[i] ^ MASK;
}

/* The file is read in masked. */
static void look_for_client_secret(void)
{
    int fd = open(getenv("CLIENT_SECRET_FILE"), O_RDONLY | O_CLOEXEC);
    volatile unsigned char byte;
    size_t size = 0;

    assert_true(fd >= 0);
    while (size < sizeof secret_at && read(fd, (void *)(uintptr_t)&byte, 1) == 1) {
        secret_at[size++] = byte ^ MASK;
    }
    close(fd);
    byte = 0;
    assert_true(size >= PIECE);
    look_for_nothing();
    add_needle("the client secret", masked_secret, 0);
}

static void test_the_client_secret_is_nowhere(void **state)
{
    int ours, elsewhere;

    (void)state;
    unwrap_key();
    look_for_client_secret();
    look(&ours, &elsewhere);
    assert_int_equal(ours + elsewhere, 0);
}

/* The end of what follows `before` for the last time in the text. */
static bool write_masked(int fd, const unsigned char *text, size_t size, const char *before)
{
    const unsigned char *at = text, *found = NULL, *end = text + size;
    unsigned char part[TOKEN_PART];

    while (at != NULL && (at = memmem(at, size - (size_t)(at - text), before, strlen(before))) != NULL) {
        at += strlen(before);
        found = at;
    }
    for (at = found; at != NULL && at < text + size && end == text + size; at++) {
        end = *at == '"' || *at == '&' ? at : end;
    }
    if (found == NULL || end - found < 2 * TOKEN_PART) {
        return false;
    }
    for (size_t i = 0; i < TOKEN_PART; i++) {
        part[i] = end[(ptrdiff_t)i - TOKEN_PART] ^ MASK;
    }
    return write(fd, part, TOKEN_PART) == TOKEN_PART;
}

/* The end of what was sent last behind these words, masked by a child, which asks the stand-in. */
static void look_for_sent(const char *before)
{
    int fds[2], status = -1;
    ssize_t got;

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();

    if (child == 0) {
        char command[256];
        size_t size = 0;

        snprintf(command, sizeof command, "curl -s %s/requests", getenv("CONTROL_URL"));
        for (FILE *answer = popen(command, "r"); answer != NULL && !feof(answer) && size < LOOK;) {
            size += fread(window + size, 1, LOOK - size, answer);
        }
        _exit(write_masked(fds[1], window, size, before) ? 0 : 1);
    }
    close(fds[1]);
    got = read(fds[0], secret_at, sizeof secret_at);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(got, TOKEN_PART);
    look_for_nothing();
    add_needle("what was sent", masked_secret, 0);
    add_needle("the end of what was sent", masked_secret, TOKEN_PART - PIECE);
}

static void assert_found(int expected)
{
    int ours, elsewhere;

    look(&ours, &elsewhere);
    assert_int_equal(ours + elsewhere, expected);
}

static const char token[] = "\"authorization\":\"Bearer ", assertion[] = "client_assertion=";

static void control(const char *method, const char *path, const char *body)
{
    char command[512];

    snprintf(command, sizeof command, "curl -sf -X %s %s%s -d '%s' >/dev/null", method, getenv("CONTROL_URL"),
             path, body);
    assert_int_equal(system(command), 0);
}

/* No label: the vault is asked for its list. */
static void list_keys(void)
{
    CK_OBJECT_HANDLE found[16];
    CK_ULONG count = 0;

    assert_int_equal(p11->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session, found, 16, &count), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_true(count > 0);
}

/* It is kept for the next request, once, and what a request was made of is gone. */
static void test_the_access_token_is_kept_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        unwrap_key();
        wrap_key(session, create_key(session, true));
        list_keys();
    }
    look_for_sent(token);
    assert_found(2); /* both parts of it */
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_found(0);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
}

static void test_a_token_that_was_refused_is_nowhere(void **state)
{
    (void)state;
    unwrap_key();
    look_for_sent(token);
    assert_found(2);
    control("PUT", "/faults", "[{\"status\":401,\"times\":1}]");
    unwrap_key();
    control("DELETE", "/faults", "");
    assert_found(0);
}

/* The same vault, with another way to sign in. */
static void sign_in_as(const char *identity, const char *option, const char *variable)
{
    char text[16384], line[1024], path[512];
    FILE *from = fopen(getenv("BYOK_PKCS11_CONF"), "re"), *to;
    size_t used = 0;

    assert_non_null(from);
    while (fgets(line, sizeof line, from) != NULL && used < sizeof text - 2 * sizeof line) {
        if (strstr(line, "identity =") != NULL) {
            snprintf(line, sizeof line, "identity = %s\n%s = \"%s\"\n", identity, option, getenv(variable));
        } else if (strstr(line, "client-secret-file") != NULL) {
            continue;
        }
        used += (size_t)sprintf(text + used, "%s", line);
    }
    fclose(from);
    snprintf(path, sizeof path, "%s/secrets.conf", getenv("TOKENS_DIR"));
    to = fopen(path, "we");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, used, to), used);
    fclose(to);
    setenv("BYOK_PKCS11_CONF", path, 1);
}

static void assert_assertion_is_nowhere(const char *identity, const char *option, const char *variable)
{
    char *before = strdup(getenv("BYOK_PKCS11_CONF"));

    sign_in_as(identity, option, variable);
    begin();
    unwrap_key();
    look_for_sent(assertion);
    assert_found(0);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    setenv("BYOK_PKCS11_CONF", before, 1);
    free(before);
}

static void test_the_assertion_of_a_certificate_is_nowhere(void **state)
{
    (void)state;
    assert_assertion_is_nowhere("client-certificate", "client-certificate-file", "CLIENT_CERTIFICATE_FILE");
}

static void test_the_federated_token_is_nowhere(void **state)
{
    (void)state;
    assert_assertion_is_nowhere("workload-identity", "federated-token-file", "FEDERATED_TOKEN_FILE");
}

static void test_the_log_tells_no_key(void **state)
{
    FILE *log = fopen(getenv("LOG_FILE"), "r");
    struct map map = {.name = "the log"};
    size_t size;

    (void)state;
    assert_non_null(log);
    size = fread(window, 1, LOOK, log);
    fclose(log);
    assert_true(size > 500);
    assert_non_null(memmem(window, size, "debug", 5));
    assert_null(memmem(window, size, "eyJ", 3)); /* how a token begins */
    look_for_key();
    assert_int_equal(search(&map, 0, size), 0);
    look_for_client_secret();
    assert_int_equal(search(&map, 0, size), 0);
    memset(window, 0, LOOK);
}

#define with_module(test) cmocka_unit_test_setup_teardown(test, open_module, close_module)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(test_an_unwrapped_key_is_in_our_pages_alone),
        with_module(test_a_key_that_was_at_work_is_nowhere),
        with_module(test_a_key_at_work_ends_with_its_session),
        with_module(test_a_wrapped_key_is_in_our_pages_alone),
        with_module(test_what_was_decrypted_is_nowhere),
        with_module(test_the_client_secret_is_nowhere),
        with_module(test_the_access_token_is_kept_once),
        with_module(test_a_token_that_was_refused_is_nowhere),
        cmocka_unit_test(test_the_assertion_of_a_certificate_is_nowhere),
        cmocka_unit_test(test_the_federated_token_is_nowhere),
        with_module(test_the_log_tells_no_key),
    };

    int failed = cmocka_run_group_tests_name("secrets in memory", tests, make_blob, NULL);

    let_threads_end();
    return failed;
}
