/*
 * No secret is in a log or on stderr, at the most talkative level: with each identity, each kind of call is
 * made while all is well and while it fails in many ways; then what the stand-in was sent is looked for.
 */
#include "tests/failures/failures.h"
#include "tests/failures/needles.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 8 << 20 };

/* The last two meet a token endpoint; the others the vault, which makes each call fail in another place. */
static const char *const faults[] = {
    "",
    "{\"status\":401,\"match\":{\"server\":\"vault\"}}",
    "{\"status\":403,\"inner\":\"ForbiddenByRbac\",\"match\":{\"server\":\"vault\"}}",
    "{\"status\":429,\"retry_after\":\"60\",\"match\":{\"server\":\"vault\"}}",
    "{\"html\":true,\"status\":200,\"match\":{\"server\":\"vault\"}}",
    "{\"truncated\":true,\"times\":2,\"match\":{\"server\":\"vault\"}}",
    "{\"cut\":true,\"times\":2,\"match\":{\"server\":\"vault\"}}",
    "{\"stall\":true,\"times\":1,\"match\":{\"server\":\"vault\"}}",
    "{\"status\":400,\"match\":{\"op\":\"token\"}}",
    "{\"truncated\":true,\"match\":{\"op\":\"token\"}}",
};

static char log_path[4096], stderr_path[4096];

/* From malloc, with a zero behind it. */
static char *content_of(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(LARGEST);

    assert_non_null(file);
    assert_non_null(text);
    *ret_size = fread(text, 1, LARGEST - 1, file);
    assert_true(*ret_size < LARGEST - 1);
    text[*ret_size] = 0;
    fclose(file);
    return text;
}

static char *requests(void)
{
    char command[1024], path[256];
    size_t size;

    snprintf(path, sizeof path, "%s/requests.json", getenv("TOKENS_DIR"));
    snprintf(command, sizeof command, "curl -sS --noproxy '*' %s/requests >%s", getenv("CONTROL_URL"), path);
    assert_int_equal(system(command), 0);
    return content_of(path, &size);
}

static void add_file(struct needles *needles, const char *what, const char *variable)
{
    size_t size;
    char *text = content_of(getenv(variable), &size);

    while (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    needles_add(needles, what, text, size);
    free(text);
}

/* Of the private key, which comes first or last, each line of its base64 would do: the second one. */
static void add_private_key(struct needles *needles)
{
    size_t size;
    char *text = content_of(getenv("CLIENT_CERTIFICATE_FILE"), &size), *line;

    line = strstr(text, "PRIVATE KEY-----\n");
    assert_non_null(line);
    line += strlen("PRIVATE KEY-----\n") + 65;
    needles_add(needles, "private key", line, 64);
    free(text);
}

/* --- Calls --- */

/* The store that is used, and its key: the vault, or where keys are symmetric its Managed HSM. */
static bool symmetric;

/* Configuration of the store alone, with this identity. */
static CK_RV start_as(const char *identity)
{
    char content[8192];

    snprintf(
        content, sizeof content,
        "log = \"debug file:%s\"\ntoken \"vault\" {\nbackend = keyvault\nvault = \"%s\"\nca-file = \"%s\"\n"
        "keys = {\"%s\"}\ntimeout = 1s\nwrap = service\n%s}\n",
        log_path, getenv(symmetric ? "MHSM_URL" : "VAULT_URL"), getenv("VAULT_CA"),
        symmetric ? "octets" : "kek", identity);
    return start_with_file(content);
}

static void find_all(void)
{
    CK_OBJECT_HANDLE found[32];
    CK_SESSION_HANDLE session;
    CK_ULONG count;

    assert_rv(open_session(0, &session), CKR_OK);
    (void)p11->C_FindObjectsInit(session, NULL, 0);
    (void)p11->C_FindObjects(session, found, 32, &count);
    (void)p11->C_FindObjectsFinal(session);
    p11->C_CloseSession(session);
}

static CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    (void)p11->C_FindObjectsInit(session, &template, 1);
    (void)p11->C_FindObjects(session, &found, 1, &count);
    (void)p11->C_FindObjectsFinal(session);
    return found;
}

static CK_BYTE message[32] = "what is signed and encrypted 123";

/* With an RSA key: wrapped and opened, encrypted, signed. */
static void use_pair(void)
{
    static CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0}, rs256 = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE blob[BLOB_MOST];
    CK_ULONG size = 256;
    CK_SESSION_HANDLE session;

    memset(blob, 7, sizeof blob);
    if (seal_in(0, blob, &size) != CKR_OK) {
        size = 256;
    }
    (void)open_in(0, blob, size);
    assert_rv(open_session(0, &session), CKR_OK);
    if (p11->C_EncryptInit(session, &pkcs1, find_one(session, CKO_PUBLIC_KEY)) == CKR_OK) {
        size = sizeof blob;
        (void)p11->C_Encrypt(session, message, sizeof message, blob, &size);
    }
    if (p11->C_SignInit(session, &rs256, find_one(session, CKO_PRIVATE_KEY)) == CKR_OK) {
        size = sizeof blob;
        (void)p11->C_Sign(session, message, sizeof message, blob, &size);
    }
    p11->C_CloseSession(session);
}

static void wrap_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE kek)
{
    static CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0}, wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_KEY_TYPE type = CKK_AES;
    static CK_ULONG length = 32;
    static CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE made[] = {{CKA_VALUE_LEN, &length, sizeof length}, {CKA_EXTRACTABLE, &yes, sizeof yes}};
    CK_ATTRIBUTE opened[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_BYTE blob[40] = {7};
    CK_ULONG size = sizeof blob;
    CK_OBJECT_HANDLE key;

    assert_rv(p11->C_GenerateKey(session, &generate, made, 2, &key), CKR_OK);
    (void)p11->C_WrapKey(session, &wrap, kek, key, blob, &size);
    (void)p11->C_UnwrapKey(session, &wrap, kek, blob, sizeof blob, opened, 2, &key);
}

/* With a symmetric key: wrapped and opened, encrypted and decrypted. */
static void use_symmetric(void)
{
    CK_BYTE iv[16] = {1}, sealed[64] = {7}, opened[64];
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
    CK_ULONG size = sizeof sealed, opened_size = sizeof opened;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE kek;

    assert_rv(open_session(0, &session), CKR_OK);
    kek = find_one(session, CKO_SECRET_KEY);
    wrap_with(session, kek);
    if (p11->C_EncryptInit(session, &cbc, kek) == CKR_OK) {
        (void)p11->C_Encrypt(session, message, sizeof message, sealed, &size);
    }
    if (p11->C_DecryptInit(session, &cbc, kek) == CKR_OK) {
        (void)p11->C_Decrypt(session, sealed, 32, opened, &opened_size);
    }
    p11->C_CloseSession(session);
}

static void call_all(const char *identity, const char *fault)
{
    char list[512], *server;

    snprintf(list, sizeof list, "[%s]", fault);
    server = strstr(list, "\"vault\"");
    if (symmetric && server != NULL) {
        memmove(server + 6, server + 7, strlen(server + 7) + 1);
        memcpy(server, "\"mhsm\"", 6);
    }
    control("PUT", "/faults", list);
    assert_rv(start_as(identity), CKR_OK);
    if (symmetric) {
        use_symmetric();
    } else {
        use_pair();
    }
    find_all();
    p11->C_Finalize(NULL);
}

/* --- The check --- */

/* What libraries say on stderr counts, too. Returns the old one. */
static int redirect_stderr(void)
{
    int old = dup(2), file = open(stderr_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(old >= 0 && file >= 0 && dup2(file, 2) == 2);
    close(file);
    return old;
}

static void check_file(const struct needles *needles, const char *path)
{
    size_t size;
    char *text = content_of(path, &size);
    const char *found = needles_in(needles, text, size);

    if (found != NULL) {
        fail_msg("%s holds a secret: %s", path, found);
    }
    assert_null(memmem(text, size, "eyJ", 3)); /* how every token begins */
    free(text);
}

static struct needles *collect(void)
{
    struct needles *needles = needles_new();
    char *json = requests();

    assert_true(needles_add_requests(needles, json));
    free(json);
    add_file(needles, "client secret", "CLIENT_SECRET_FILE");
    add_file(needles, "federated token", "FEDERATED_TOKEN_FILE");
    add_private_key(needles);
    return needles;
}

/* `proof` is what its requests must have shown, so that it was looked for; NULL: none that is seen. */
static void check_identity(const char *identity, const char *proof)
{
    struct needles *needles;
    size_t size;
    char *log;
    int old;

    snprintf(log_path, sizeof log_path, "%s/secrets.log", getenv("TOKENS_DIR"));
    snprintf(stderr_path, sizeof stderr_path, "%s/secrets.stderr", getenv("TOKENS_DIR"));
    unlink(log_path);
    old = redirect_stderr();
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        call_all(identity, faults[i]);
    }
    dup2(old, 2);
    close(old);
    needles = collect();
    assert_true(needles_count(needles, "token") >= 1);
    assert_true(needles_count(needles, "key") >= 2); /* what was wrapped, and what was encrypted */
    assert_true(symmetric || needles_count(needles, "digest") >= 1);
    assert_true(proof == NULL || needles_count(needles, proof) >= 1);
    log = content_of(log_path, &size);
    assert_non_null(strstr(log, " debug "));
    free(log);
    check_file(needles, log_path);
    check_file(needles, stderr_path);
    needles_free(needles);
}

/* --- The identities --- */

static const char *as(const char *identity, const char *name, const char *variable)
{
    static char lines[2048];

    snprintf(lines, sizeof lines,
             "identity = %s\nauthority = \"%s\"\ntenant = \"%s\"\nclient-id = \"%s\"\n%s = \"%s\"\n",
             identity, getenv("IDENTITY_URL"), getenv("TENANT_ID"), getenv("CLIENT_ID"), name,
             getenv(variable));
    return lines;
}

static void test_client_secret(void **state)
{
    (void)state;
    check_identity(as("client-secret", "client-secret-file", "CLIENT_SECRET_FILE"), "client_secret=");
}

/* The vault tells its tenant, and wants claims besides. */
static void test_client_secret_with_challenges(void **state)
{
    char lines[2048], path[256];

    (void)state;
    snprintf(path, sizeof path, "/callers/%s/claims", getenv("CLIENT_ID"));
    control("PUT", path, "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1\"}}}");
    snprintf(lines, sizeof lines,
             "identity = client-secret\nauthority = \"%s\"\nclient-id = \"%s\"\nclient-secret-file = \"%s\"\n"
             "verify-challenge = no\n",
             getenv("IDENTITY_URL"), getenv("CLIENT_ID"), getenv("CLIENT_SECRET_FILE"));
    check_identity(lines, "client_secret=");
    control("PUT", path, "null");
}

static void test_client_certificate(void **state)
{
    (void)state;
    check_identity(as("client-certificate", "client-certificate-file", "CLIENT_CERTIFICATE_FILE"),
                   "client_assertion=");
}

static void test_client_certificate_p12(void **state)
{
    (void)state;
    check_identity(as("client-certificate", "client-certificate-file", "CLIENT_CERTIFICATE_P12"),
                   "client_assertion=");
}

static void test_workload_identity(void **state)
{
    (void)state;
    check_identity(as("workload-identity", "federated-token-file", "FEDERATED_TOKEN_FILE"),
                   "client_assertion=");
}

static void test_symmetric_keys(void **state)
{
    char lines[2048];

    (void)state;
    control("PUT", "/mhsm/keys/octets", "{\"kty\":\"oct-HSM\",\"size\":256}");
    snprintf(lines, sizeof lines, "%saudience = \"https://managedhsm.azure.net\"\n",
             as("client-secret", "client-secret-file", "CLIENT_SECRET_FILE"));
    symmetric = true;
    check_identity(lines, "client_secret=");
    symmetric = false;
}

static void test_environment(void **state)
{
    size_t size;
    char *secret = content_of(getenv("CLIENT_SECRET_FILE"), &size);

    (void)state;
    secret[strcspn(secret, "\n")] = 0;
    setenv("AZURE_TENANT_ID", getenv("TENANT_ID"), 1);
    setenv("AZURE_CLIENT_ID", getenv("CLIENT_ID"), 1);
    setenv("AZURE_AUTHORITY_HOST", getenv("IDENTITY_URL"), 1);
    setenv("AZURE_CLIENT_SECRET", secret, 1);
    check_identity("identity = environment\n", "client_secret=");
    unsetenv("AZURE_TENANT_ID");
    unsetenv("AZURE_CLIENT_ID");
    unsetenv("AZURE_AUTHORITY_HOST");
    unsetenv("AZURE_CLIENT_SECRET");
    free(secret);
}

static void test_metadata_service(void **state)
{
    (void)state;
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", getenv("IMDS_URL"), 1);
    check_identity("identity = managed-identity\n", NULL);
    unsetenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
}

static void test_app_service(void **state)
{
    (void)state;
    setenv("IDENTITY_ENDPOINT", getenv("APP_SERVICE_ENDPOINT"), 1);
    setenv("IDENTITY_HEADER", getenv("APP_SERVICE_HEADER"), 1);
    check_identity("identity = managed-identity\n", "header");
    unsetenv("IDENTITY_ENDPOINT");
    unsetenv("IDENTITY_HEADER");
}

/* A token as another program gets it, in a file of its own. */
static void fetch_token(char *ret_path, size_t room)
{
    char command[1024];

    snprintf(ret_path, room, "%s/access-token", getenv("TOKENS_DIR"));
    snprintf(
        command, sizeof command,
        "umask 077; curl -sS --noproxy '*' -H 'Metadata: true' "
        "'%s/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%%3A%%2F%%2Fvault.azure.net' | "
        "sed -n 's/.*\"access_token\": *\"\\([^\"]*\\)\".*/\\1/p' >%s",
        getenv("IMDS_URL"), ret_path);
    assert_int_equal(system(command), 0);
}

static void test_token_file(void **state)
{
    char path[512], lines[640];

    (void)state;
    fetch_token(path, sizeof path);
    snprintf(lines, sizeof lines, "identity = token-file\ntoken-file = \"%s\"\n", path);
    check_identity(lines, NULL);
}

/* A program az of the test's own, which says what it says on stderr, too. */
static void test_azure_cli(void **state)
{
    char token[256], folder[256], path[4096], command[4096];
    const char *old = getenv("PATH");

    (void)state;
    fetch_token(token, sizeof token);
    snprintf(folder, sizeof folder, "%s/az-bin", getenv("TOKENS_DIR"));
    snprintf(
        command, sizeof command,
        "mkdir -p %s && cat >%s/az <<'END' && chmod 755 %s %s/az\n#!/bin/sh\ncat %s >&2\n"
        "printf '{\"accessToken\":\"%%s\",\"expires_on\":%%s}' \"$(cat %s)\" $(($(date +%%s) + 3000))\nEND\n",
        folder, folder, folder, folder, token, token);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s:%s", folder, old);
    snprintf(command, sizeof command, "%s", old);
    setenv("PATH", path, 1);
    check_identity("identity = azure-cli\n", NULL);
    setenv("PATH", command, 1);
}

/* What looks for secrets finds them, in each of their forms. */
static void test_a_secret_in_a_text_is_found(void **state)
{
    static const char *const texts[] = {"x s3cr3t-s3cr3t", "x czNjcjN0LXMzY3IzdA==", "733363723374",
                                        "7333637233742D7333637233740A"};
    struct needles *needles = needles_new();

    (void)state;
    needles_add(needles, "it", "s3cr3t-s3cr3t", 13);
    assert_non_null(needles_in(needles, texts[0], strlen(texts[0])));
    assert_non_null(needles_in(needles, texts[1], strlen(texts[1])));
    assert_null(needles_in(needles, texts[2], strlen(texts[2])));
    assert_non_null(needles_in(needles, texts[3], strlen(texts[3])));
    assert_null(needles_in(needles, "s3cr3t", 6));
    needles_free(needles);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_secret_in_a_text_is_found),
    with_module(test_client_secret),
    with_module(test_client_secret_with_challenges),
    with_module(test_symmetric_keys),
    with_module(test_client_certificate),
    with_module(test_client_certificate_p12),
    with_module(test_workload_identity),
    with_module(test_environment),
    with_module(test_metadata_service),
    with_module(test_app_service),
    with_module(test_token_file),
    with_module(test_azure_cli),
};

const struct room secret_room = ROOM(tests);
