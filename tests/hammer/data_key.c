/* A data key whose value this process has never had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/hammer/data_key.h"
#include "tests/hammer/memory.h"
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

CK_FUNCTION_LIST *p11;
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
unsigned char blob[512];
CK_ULONG blob_size;

void begin_module(void)
{
    p11 = module_functions();
    assert_non_null(p11);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
}

CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = 0;

    assert_int_equal(p11->C_OpenSession(VAULT, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    return session;
}

CK_OBJECT_HANDLE kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    assert_int_equal(p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session, &found, 1, &count), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(count, 1);
    return found;
}

CK_OBJECT_HANDLE create_key(CK_SESSION_HANDLE session, bool extractable)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL may = extractable ? CK_TRUE : CK_FALSE;
    volatile unsigned char value[KEY_SIZE];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_EXTRACTABLE, &may, 1},
                               {CKA_VALUE, (void *)(uintptr_t)value, KEY_SIZE}};
    CK_OBJECT_HANDLE key;

    for (size_t i = 0; i < KEY_SIZE; i++) {
        value[i] = raw(i);
    }
    assert_int_equal(p11->C_CreateObject(session, template, 4, &key), CKR_OK);
    for (size_t i = 0; i < KEY_SIZE; i++) {
        value[i] = 0;
    }
    return key;
}

void wrap_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    blob_size = sizeof blob;
    assert_int_equal(p11->C_WrapKey(session, &oaep, kek(session, CKO_PUBLIC_KEY), key, blob, &blob_size),
                     CKR_OK);
}

static void make_blob_here(void)
{
    CK_SESSION_HANDLE session;

    begin_module();
    session = open_session();
    wrap_key(session, create_key(session, true));
}

int make_blob(void **state)
{
    int fds[2], status = -1;

    (void)state;
    make_window();
    if (window == NULL || pipe(fds) != 0) {
        return -1;
    }
    for (size_t i = 0; i < KEY_SIZE; i++) {
        masked_key[i] = (unsigned char)((unsigned)getpid() * 31 + i * i * 97 + i * 13 + 7);
    }
    pid_t child = fork();

    if (child == 0) {
        make_blob_here();
        _exit(write(fds[1], blob, blob_size) == 256 ? 0 : 1);
    }
    close(fds[1]);
    blob_size = (CK_ULONG)read(fds[0], blob, sizeof blob);
    close(fds[0]);
    return waitpid(child, &status, 0) == child && status == 0 && blob_size == 256 ? 0 : -1;
}
