/* What the rooms share: configurations, faults, one wrap and one unwrap, the log; and main. */
#include "tests/failures/failures.h"
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

CK_FUNCTION_LIST *p11;
char configuration_path[4096];

static char base[16384], log_path[4096];
static char answer[65536];
static struct timespec began;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t got = file == NULL ? 0 : fread(text, 1, size - 1, file);

    text[got] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void assert_rv_at(CK_RV got, CK_RV expected, const char *call, const char *file, int line)
{
    if (got != expected) {
        char log[8192];

        read_file(log_path, log, sizeof log);
        print_error("# %s\n# is 0x%lx instead of 0x%lx; the log:\n# %s\n", call, got, expected, log);
        _fail(file, line);
    }
}

/* --- Configurations --- */

/* Lent until the eighth call after this one. */
static const char *replaced(const char *section, size_t size, const char *from, const char *to)
{
    static char texts[8][8192];
    static unsigned calls;
    char *text = texts[calls++ % 8];
    const char *at = from == NULL ? section : memmem(section, size, from, strlen(from));

    assert_non_null(at);
    const char *rest = at + (from == NULL ? 0 : strlen(from));
    int wrote = snprintf(text, sizeof texts[0], "%.*s%s%.*s", (int)(at - section), section,
                         to == NULL ? "" : to, (int)(section + size - rest), rest);
    assert_in_range(wrote, 1, sizeof texts[0] - 1);
    return text;
}

const char *hsm_section(const char *from, const char *to)
{
    const char *begin = strstr(base, "token \"hsm\""), *end = strstr(base, "token \"vault\"");

    return replaced(begin, (size_t)(end - begin), from, to);
}

const char *vault_section(const char *from, const char *to)
{
    const char *begin = strstr(base, "token \"vault\"");

    return replaced(begin, strlen(begin), from, to);
}

CK_RV start_with_file(const char *content)
{
    write_file(configuration_path, content);
    setenv("BYOK_PKCS11_CONF", configuration_path, 1);
    return p11->C_Initialize(NULL);
}

CK_RV start(const char *hsm, const char *vault)
{
    char content[32768];

    snprintf(content, sizeof content, "log = \"warning file:%s\"\n%s%s", log_path, hsm == NULL ? "" : hsm,
             vault == NULL ? "" : vault);
    return start_with_file(content);
}

void start_well(const char *hsm, const char *vault)
{
    assert_rv(start(hsm, vault), CKR_OK);
}

/* --- The stand-in's control port --- */

const char *control(const char *method, const char *path, const char *body)
{
    char command[8192];

    snprintf(command, sizeof command, "curl -sS -f -X %s '%s%s' %s%s%s", method, getenv("CONTROL_URL"), path,
             body == NULL ? "" : "-d '", body == NULL ? "" : body, body == NULL ? "" : "'");
    FILE *curl = popen(command, "re");
    assert_non_null(curl);
    size_t got = fread(answer, 1, sizeof answer - 1, curl);
    answer[got] = '\0';
    assert_int_equal(pclose(curl), 0);
    return answer;
}

long counted(const char *name)
{
    char word[64];

    snprintf(word, sizeof word, "\"%s\":", name);
    const char *at = strstr(control("GET", "/counts", NULL), word);
    assert_non_null(at);
    return strtol(at + strlen(word), NULL, 10);
}

/* --- The log --- */

int complaints(void)
{
    char log[32768];
    int lines = 0;

    read_file(log_path, log, sizeof log);
    for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    return lines;
}

bool log_has(const char *words)
{
    char log[32768];

    read_file(log_path, log, sizeof log);
    return strstr(log, words) != NULL;
}

void forget_log(void)
{
    unlink(log_path);
}

void assert_one_complaint(const char *words)
{
    char log[32768];

    read_file(log_path, log, sizeof log);
    if (complaints() != 1 || strstr(log, words) == NULL) {
        fail_msg("one line with \"%s\" was wanted, not: %s", words, log);
    }
}

/* --- The work --- */

CK_RV open_session(CK_SLOT_ID slot, CK_SESSION_HANDLE *ret_session)
{
    return p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, ret_session);
}

static CK_RV find_kek(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_ULONG count = 0;
    CK_RV rv = p11->C_FindObjectsInit(session, template, 2);

    if (rv == CKR_OK) {
        rv = p11->C_FindObjects(session, ret_key, 1, &count);
        p11->C_FindObjectsFinal(session);
    }
    return rv == CKR_OK && count == 0 ? CKR_KEY_HANDLE_INVALID : rv;
}

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};

CK_RV seal_in(CK_SLOT_ID slot, CK_BYTE *ret_blob, CK_ULONG *ret_size)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG key_size = 32;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, sizeof no},
                               {CKA_VALUE_LEN, &key_size, sizeof key_size},
                               {CKA_EXTRACTABLE, &yes, sizeof yes}};
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE kek, key;
    CK_RV rv = open_session(slot, &session);

    if (rv != CKR_OK) {
        return rv;
    }
    *ret_size = BLOB_MOST;
    rv = find_kek(session, CKO_PUBLIC_KEY, &kek);
    rv = rv != CKR_OK ? rv : p11->C_GenerateKey(session, &generate, template, 3, &key);
    rv = rv != CKR_OK ? rv : p11->C_WrapKey(session, &oaep, kek, key, ret_blob, ret_size);
    p11->C_CloseSession(session);
    return rv;
}

CK_RV open_in(CK_SLOT_ID slot, CK_BYTE *blob, CK_ULONG size)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &no, sizeof no}};
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE kek, key;
    CK_RV rv = open_session(slot, &session);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = find_kek(session, CKO_PRIVATE_KEY, &kek);
    rv = rv != CKR_OK ? rv : p11->C_UnwrapKey(session, &oaep, kek, blob, size, template, 3, &key);
    p11->C_CloseSession(session);
    return rv;
}

void assert_works(CK_SLOT_ID slot)
{
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size;

    assert_rv(seal_in(slot, blob, &size), CKR_OK);
    assert_rv(open_in(slot, blob, size), CKR_OK);
}

CK_ULONG blob_of_vault(CK_BYTE *ret_blob)
{
    CK_ULONG size;

    start_well(NULL, vault_section(NULL, NULL));
    assert_rv(seal_in(0, ret_blob, &size), CKR_OK);
    assert_rv(p11->C_Finalize(NULL), CKR_OK);
    forget_log();
    control("DELETE", "/counts", NULL);
    clock_gettime(CLOCK_MONOTONIC, &began);
    return size;
}

/* --- Each test, and all of them --- */

long elapsed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000;
}

int in(void **state)
{
    (void)state;
    control("DELETE", "/faults", NULL);
    control("DELETE", "/counts", NULL);
    control("PUT", "/keys/kek", "{\"enabled\":true}");
    forget_log();
    clock_gettime(CLOCK_MONOTONIC, &began);
    return 0;
}

int out(void **state)
{
    (void)state;
    p11->C_Finalize(NULL);
    return 0;
}

int main(void)
{
    const struct room *const rooms[] = {&configuration_room, &hsm_room, &vault_room, &request_room,
                                        &secret_room};
    const char *dir = getenv("TOKENS_DIR");

    p11 = module_functions();
    if (p11 == NULL || dir == NULL) {
        fprintf(stderr, "usage: tests/with-tokens failures\n");
        return 99;
    }
    read_file(getenv("BYOK_PKCS11_CONF"), base, sizeof base);
    snprintf(configuration_path, sizeof configuration_path, "%s/failures.conf", dir);
    snprintf(log_path, sizeof log_path, "%s/failures.log", dir);
    return run_rooms("failures", rooms, sizeof rooms / sizeof rooms[0]);
}
