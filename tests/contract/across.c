/*
 * Checks 34, 36 and 37 over both tokens of the built module: what belongs to one is nothing to the other, a
 * forked child has neither, and a PIN is told to nobody.
 */
#include "tests/contract/across.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HSM, VAULT, SLOTS, BLOB_MOST = 512 };

static CK_FUNCTION_LIST *p11;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_SESSION_HANDLE sessions[SLOTS];
static CK_OBJECT_HANDLE public[SLOTS], private[SLOTS], secret[SLOTS];
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};

#define assert_rv(call, expected) assert_int_equal((call), (expected))

static CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    assert_rv(p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    assert_rv(p11->C_FindObjects(session, &found, 1, &count), CKR_OK);
    assert_rv(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 1);
    return found;
}

static CK_OBJECT_HANDLE generate(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1},
                               {CKA_VALUE_LEN, &size, sizeof size},
                               {CKA_WRAP, &yes, 1},
                               {CKA_EXTRACTABLE, &yes, 1}};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(p11->C_GenerateKey(session, &mechanism, template, 4, &key), CKR_OK);
    return key;
}

static int in(void **state)
{
    (void)state;
    p11 = module_functions();
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &sessions[slot]) != CKR_OK) {
            return -1;
        }
        public[slot] = kek(sessions[slot], CKO_PUBLIC_KEY);
        private[slot] = kek(sessions[slot], CKO_PRIVATE_KEY);
        secret[slot] = generate(sessions[slot]);
    }
    return 0;
}

static int out(void **state)
{
    (void)state;
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        p11->C_CloseSession(sessions[slot]);
    }
    return 0;
}

/* SoftHSM has one code of these for all. */
static void assert_unknown(CK_RV rv, const char *call)
{
    if (rv != CKR_OBJECT_HANDLE_INVALID && rv != CKR_KEY_HANDLE_INVALID &&
        rv != CKR_WRAPPING_KEY_HANDLE_INVALID && rv != CKR_UNWRAPPING_KEY_HANDLE_INVALID) {
        fail_msg("%s is 0x%lx", call, rv);
    }
}
#define UNKNOWN(call) assert_unknown(p11->call, #call)

static void use_foreign(CK_SLOT_ID slot, CK_OBJECT_HANDLE foreign)
{
    CK_SESSION_HANDLE session = sessions[slot];
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0};
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_BYTE blob[BLOB_MOST] = {0};
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE made;

    UNKNOWN(C_GetAttributeValue(session, foreign, &label, 1));
    UNKNOWN(C_SetAttributeValue(session, foreign, template, 1));
    UNKNOWN(C_CopyObject(session, foreign, template, 1, &made));
    UNKNOWN(C_DestroyObject(session, foreign));
    UNKNOWN(C_EncryptInit(session, &oaep, foreign));
    UNKNOWN(C_DecryptInit(session, &oaep, foreign));
    UNKNOWN(C_WrapKey(session, &oaep, foreign, secret[slot], blob, &size));
    size = sizeof blob;
    UNKNOWN(C_WrapKey(session, &oaep, public[slot], foreign, blob, &size));
    UNKNOWN(C_UnwrapKey(session, &oaep, foreign, blob, 256, template, 2, &made));
}

static void check_34_keys_of_the_other_slot_are_unknown(void **state)
{
    (void)state;
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        CK_SLOT_ID other = 1 - slot;
        const CK_OBJECT_HANDLE handles[] = {public[other], private[other], secret[other]};

        for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
            assert_true(handles[i] != public[slot] && handles[i] != private[slot] &&
                        handles[i] != secret[slot]);
            use_foreign(slot, handles[i]);
        }
    }
}

/* A vault's KEK wraps no key of the HSM, though both are here: neither token is told the other's. */
static void check_34_a_session_is_of_one_slot(void **state)
{
    CK_SESSION_INFO info;

    (void)state;
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        assert_rv(p11->C_GetSessionInfo(sessions[slot], &info), CKR_OK);
        assert_int_equal(info.slotID, slot);
        assert_rv(p11->C_GetSessionInfo(sessions[slot] ^ 1, &info), CKR_SESSION_HANDLE_INVALID);
    }
    assert_rv(p11->C_CloseAllSessions(HSM), CKR_OK);
    assert_rv(p11->C_GetSessionInfo(sessions[HSM], &info), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_GetSessionInfo(sessions[VAULT], &info), CKR_OK);
}

static bool unwraps(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE made;

    return p11->C_WrapKey(sessions[VAULT], &oaep, public[VAULT], secret[VAULT], blob, &size) == CKR_OK &&
           p11->C_UnwrapKey(sessions[VAULT], &oaep, private[VAULT], blob, size, template, 2, &made) == CKR_OK;
}

/* 0: all is as it should be. */
static int child(void)
{
    CK_SESSION_INFO info;
    CK_BYTE byte;

    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        if (p11->C_GetSessionInfo(sessions[slot], &info) != CKR_CRYPTOKI_NOT_INITIALIZED ||
            p11->C_GenerateRandom(sessions[slot], &byte, 1) != CKR_CRYPTOKI_NOT_INITIALIZED) {
            return 1;
        }
    }
    if (unwraps()) {
        return 2;
    }
    if (p11->C_Initialize(NULL) != CKR_OK) {
        return 3;
    }
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        if (p11->C_GetSessionInfo(sessions[slot], &info) != CKR_SESSION_HANDLE_INVALID) {
            return 4;
        }
    }
    if (p11->C_OpenSession(VAULT, CKF_SERIAL_SESSION, NULL, NULL, &sessions[VAULT]) != CKR_OK) {
        return 5;
    }
    public[VAULT] = kek(sessions[VAULT], CKO_PUBLIC_KEY);
    private[VAULT] = kek(sessions[VAULT], CKO_PRIVATE_KEY);
    secret[VAULT] = generate(sessions[VAULT]);
    return unwraps() && p11->C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

/* Were the connection shared, the child's closing it, or its own request on it, would cost the parent its next. */
static void check_36_a_child_takes_nothing_of_its_parents(void **state)
{
    int status = -1;
    pid_t pid;

    (void)state;
    assert_true(unwraps());
    pid = fork();
    if (pid == 0) {
        _exit(child());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(unwraps());
}

#define PIN "needle-pin-4711"

static void assert_no_pin(const void *data, size_t size)
{
    assert_null(memmem(data, size, PIN, strlen(PIN)));
}

static void assert_no_pin_in_log(void)
{
    char *text = NULL;
    size_t room = 0;
    FILE *log = fopen(across_log(), "r");
    unsigned lines = 0;

    assert_non_null(log);
    for (; getline(&text, &room, log) > 0; lines++) {
        assert_no_pin(text, strlen(text));
    }
    fclose(log);
    free(text);
    assert_true(lines > 0);
}

static void check_37_a_pin_is_told_to_nobody(void **state)
{
    static CK_BYTE pin[] = PIN;
    static CK_BYTE longest[4096];
    CK_TOKEN_INFO token;
    CK_SLOT_INFO info;
    CK_INFO module;

    (void)state;
    memset(longest, '1', sizeof longest);
    memcpy(longest, pin, strlen(PIN));
    for (CK_SLOT_ID slot = 0; slot < SLOTS; slot++) {
        (void)p11->C_Login(sessions[slot], CKU_USER, pin, strlen(PIN));
        (void)p11->C_Login(sessions[slot], CKU_SO, pin, strlen(PIN));
        (void)p11->C_Login(sessions[slot], CKU_USER, longest, sizeof longest);
        (void)p11->C_SetPIN(sessions[slot], pin, strlen(PIN), pin, strlen(PIN));
        assert_rv(p11->C_GetTokenInfo(slot, &token), CKR_OK);
        assert_rv(p11->C_GetSlotInfo(slot, &info), CKR_OK);
        assert_no_pin(&token, sizeof token);
        assert_no_pin(&info, sizeof info);
    }
    assert_rv(p11->C_GetInfo(&module), CKR_OK);
    assert_no_pin(&module, sizeof module);
    assert_no_pin_in_log();
}

/* These sessions are read-only; the HSM decides over its PIN, a vault has none. */
static void check_37_no_pin_is_set_in_a_read_only_session(void **state)
{
    static CK_BYTE pin[] = PIN;
    CK_RV rv = p11->C_SetPIN(sessions[HSM], pin, strlen(PIN), pin, strlen(PIN));

    (void)state;
    print_message("# check 37: counting attempts is the HSM's; a vault has no PIN\n");
    assert_true(rv == CKR_SESSION_READ_ONLY || rv == CKR_PIN_INCORRECT);
    assert_rv(p11->C_SetPIN(sessions[VAULT], pin, strlen(PIN), pin, strlen(PIN)), CKR_FUNCTION_NOT_SUPPORTED);
}

static void check_37_null_pins_and_lengths(void **state)
{
    (void)state;
    assert_rv(p11->C_Login(sessions[VAULT], CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_Login(sessions[VAULT], CKU_USER, NULL, ~0UL), CKR_ARGUMENTS_BAD);
}

#define across(test) cmocka_unit_test_setup_teardown(test, in, out)
static const struct CMUnitTest tests[] = {
    across(check_34_keys_of_the_other_slot_are_unknown),   across(check_34_a_session_is_of_one_slot),
    across(check_36_a_child_takes_nothing_of_its_parents), across(check_37_a_pin_is_told_to_nobody),
    across(check_37_no_pin_is_set_in_a_read_only_session), across(check_37_null_pins_and_lengths),
};

const struct room across_room = ROOM(tests);
