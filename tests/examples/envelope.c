/*
 * Envelope encryption with a key that its owner keeps in an HSM or in a key vault:
 *
 *     envelope seal --kek PKCS11-URI FILE      writes FILE.sealed and FILE.wrapped
 *     envelope open --kek PKCS11-URI FILE      reads them again and writes FILE.opened
 *
 * The token makes a data key, encrypts the file with it (AES-256-GCM) and wraps it under the key-encryption
 * key that the URI (RFC 7512) names. FILE.sealed is IV, ciphertext and tag; FILE.wrapped is the wrapped data
 * key and nothing else. Neither key is ever seen here, and nothing below knows whether the token is an HSM or
 * a vault. The module is the URI's module-path, or $MODULE, or all that p11-kit is configured to load.
 *
 * Build: cc envelope.c $(pkg-config --cflags --libs p11-kit-1)
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1
#include <p11-kit/iter.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

enum { IV_SIZE = 12, TAG_SIZE = 16, LARGEST_FILE = 64 << 20 };

static unsigned char plain[IV_SIZE + LARGEST_FILE + TAG_SIZE], sealed[sizeof plain], blob[1024];
static CK_FUNCTION_LIST *p11; /* the module, a session of the token, and the keys in it */
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE kek, data_key;

/* The data key's value cannot be read (sensitive); it can be wrapped (extractable), but only to seal. */
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE, sealing;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_ULONG key_size = 32;
#define ALL_OF(value) &(value), sizeof(value)
static CK_ATTRIBUTE data_key_is[] = {
    {CKA_CLASS, ALL_OF(secret_key)},    {CKA_KEY_TYPE, ALL_OF(aes)},      {CKA_TOKEN, ALL_OF(no)},
    {CKA_SENSITIVE, ALL_OF(yes)},       {CKA_ENCRYPT, ALL_OF(yes)},       {CKA_DECRYPT, ALL_OF(yes)},
    {CKA_EXTRACTABLE, ALL_OF(sealing)}, {CKA_VALUE_LEN, ALL_OF(key_size)}};
enum { GENERATED = 8, UNWRAPPED = 7 }; /* how many of them: a wrapped key brings its own length */

/* SHA-1, because SoftHSM has no other here; OAEP does not need its hash to resist collisions. */
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_GCM_PARAMS iv_and_tag = {sealed, IV_SIZE, 8 * IV_SIZE, NULL, 0, 8 * TAG_SIZE};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, ALL_OF(sha1)}, generate = {CKM_AES_KEY_GEN, NULL, 0},
                    gcm = {CKM_AES_GCM, ALL_OF(iv_and_tag)};

static void must(CK_RV rv, const char *function)
{
    if (rv != CKR_OK) {
        errx(1, "%s: CK_RV 0x%lx (%s)", function, rv, p11_kit_strerror(rv));
    }
}

static FILE *open_file(const char *name, const char *ending, const char *mode)
{
    char path[4096];

    snprintf(path, sizeof path, "%s%s", name, ending);
    FILE *file = fopen(path, mode);
    return file != NULL ? file : (err(1, "%s", path), NULL);
}

static size_t read_file(const char *name, const char *ending, unsigned char *data, size_t most)
{
    FILE *file = open_file(name, ending, "rbe");
    size_t size = fread(data, 1, most, file);

    if (ferror(file) || getc(file) != EOF) {
        errx(1, "%s%s: cannot be read, or is larger than %zu bytes", name, ending, most);
    }
    fclose(file);
    return size;
}

static void write_file(const char *name, const char *ending, const unsigned char *data, size_t size)
{
    FILE *file = open_file(name, ending, "wbe");

    if (fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        err(1, "%s%s", name, ending);
    }
}

static CK_FUNCTION_LIST **modules_of(P11KitUri *uri)
{
    static CK_FUNCTION_LIST *named[2];
    const char *path = p11_kit_uri_get_module_path(uri);

    if (path == NULL && (path = getenv("MODULE")) == NULL) {
        return p11_kit_modules_load_and_initialize(0);
    }
    if ((named[0] = p11_kit_module_load(path, 0)) == NULL) {
        errx(1, "%s: %s", path, p11_kit_message());
    }
    must(p11_kit_module_initialize(named[0]), "C_Initialize");
    return named;
}

/* A session of our own, in which the URI's PIN, if it has one, opens the token for all sessions. */
static void open_token(P11KitIter *at, P11KitUri *uri)
{
    char *pin = p11_kit_uri_get_pin_value(uri) == NULL ? NULL : strdup(p11_kit_uri_get_pin_value(uri));

    p11 = p11_kit_iter_get_module(at);
    must(p11->C_OpenSession(p11_kit_iter_get_slot(at), CKF_SERIAL_SESSION, NULL, NULL, &session),
         "C_OpenSession");
    if (pin != NULL) {
        must(p11->C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin)), "C_Login");
    }
}

/* The key that the URI fits, public to seal, private to open. First come tokens, then the keys in each. */
static void find_kek(const char *text)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_OBJECT_CLASS class = sealing ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
    CK_ATTRIBUTE of_class = {CKA_CLASS, ALL_OF(class)};
    CK_RV rv;

    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK) {
        errx(1, "this is not a PKCS#11 URI (RFC 7512)");
    }
    p11_kit_uri_set_attribute(uri, &of_class);
    P11KitIter *at = p11_kit_iter_new(uri, P11_KIT_ITER_WITH_TOKENS);
    p11_kit_iter_begin(at, modules_of(uri));
    while ((rv = p11_kit_iter_next(at)) == CKR_OK && p11_kit_iter_get_kind(at) == P11_KIT_ITER_KIND_TOKEN) {
        open_token(at, uri);
    }
    if (rv == CKR_CANCEL) {
        errx(1, p11 == NULL ? "there is no token that the URI fits" : "the token has no such %s key",
             sealing ? "public" : "private");
    }
    must(rv, "the search for the key");
    kek = p11_kit_iter_get_object(at);
    p11_kit_iter_free(at);
    p11_kit_uri_free(uri);
}

static void seal(const char *name)
{
    CK_ULONG plain_size = read_file(name, "", plain, LARGEST_FILE);
    CK_ULONG size = plain_size + TAG_SIZE, blob_size = sizeof blob;

    must(p11->C_GenerateKey(session, &generate, data_key_is, GENERATED, &data_key), "C_GenerateKey");
    must(p11->C_WrapKey(session, &oaep, kek, data_key, blob, &blob_size), "C_WrapKey");
    must(p11->C_GenerateRandom(session, sealed, IV_SIZE), "C_GenerateRandom");
    must(p11->C_EncryptInit(session, &gcm, data_key), "C_EncryptInit");
    must(p11->C_Encrypt(session, plain, plain_size, sealed + IV_SIZE, &size), "C_Encrypt");
    write_file(name, ".wrapped", blob, blob_size);
    write_file(name, ".sealed", sealed, IV_SIZE + size);
    explicit_bzero(plain, plain_size);
}

static void open_sealed(const char *name)
{
    CK_ULONG blob_size = read_file(name, ".wrapped", blob, sizeof blob);
    CK_ULONG sealed_size = read_file(name, ".sealed", sealed, sizeof sealed), size = sizeof plain;

    if (sealed_size < IV_SIZE + TAG_SIZE) {
        errx(1, "%s.sealed is too short", name);
    }
    must(p11->C_UnwrapKey(session, &oaep, kek, blob, blob_size, data_key_is, UNWRAPPED, &data_key),
         "C_UnwrapKey");
    must(p11->C_DecryptInit(session, &gcm, data_key), "C_DecryptInit");
    must(p11->C_Decrypt(session, sealed + IV_SIZE, sealed_size - IV_SIZE, plain, &size), "C_Decrypt");
    write_file(name, ".opened", plain, size);
    explicit_bzero(plain, size);
}

int main(int count, char **words)
{
    sealing = count == 5 && strcmp(words[1], "seal") == 0;
    if (count != 5 || strcmp(words[2], "--kek") != 0 || (!sealing && strcmp(words[1], "open") != 0)) {
        fprintf(stderr, "usage: envelope seal|open --kek PKCS11-URI FILE\n");
        return 2;
    }
    umask(077);
    find_kek(words[3]);
    sealing ? seal(words[4]) : open_sealed(words[4]);
    must(p11->C_DestroyObject(session, data_key), "C_DestroyObject");
    return 0;
}
