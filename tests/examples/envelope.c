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

enum { IV_SIZE = 12, TAG_SIZE = 16, KEY_SIZE = 32, LARGEST_BLOB = 1024, LARGEST_FILE = 64 << 20 };

struct content {
    unsigned char *data;
    size_t size;
};

static CK_FUNCTION_LIST *p11; /* the module, a session of the token, and the key-encryption key in it */
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE kek;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void must(CK_RV rv, const char *function)
{
    if (rv != CKR_OK) {
        errx(1, "%s: CK_RV 0x%lx (%s)", function, rv, p11_kit_strerror(rv));
    }
}

static struct content new_content(size_t size)
{
    struct content content = {malloc(size + 1), size};

    return content.data != NULL ? content : (err(1, "memory"), content);
}

static void wipe(struct content content)
{
    explicit_bzero(content.data, content.size);
    free(content.data);
}

static struct content read_file(const char *name, const char *ending)
{
    char path[4096];
    struct stat about;

    snprintf(path, sizeof path, "%s%s", name, ending);
    FILE *file = fopen(path, "rbe");
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        err(1, "%s", path);
    }
    if (!S_ISREG(about.st_mode) || about.st_size > LARGEST_FILE) {
        errx(1, "%s: not a file of at most %d bytes", path, LARGEST_FILE);
    }
    struct content content = new_content((size_t)about.st_size);
    if (fread(content.data, 1, content.size, file) != content.size) {
        err(1, "%s", path);
    }
    fclose(file);
    return content;
}

static void write_file(const char *name, const char *ending, const unsigned char *data, size_t size)
{
    char path[4096];

    snprintf(path, sizeof path, "%s%s", name, ending);
    FILE *file = fopen(path, "wbe");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        err(1, "%s", path);
    }
}

/* The first token that the URI fits. */
static void open_token(P11KitUri *uri)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    CK_FUNCTION_LIST *named[] = {NULL, NULL}, **modules = named;

    path = path != NULL ? path : getenv("MODULE");
    if (path == NULL) {
        modules = p11_kit_modules_load_and_initialize(0);
    } else if ((named[0] = p11_kit_module_load(path, 0)) == NULL) {
        errx(1, "%s: %s", path, p11_kit_message());
    } else {
        must(p11_kit_module_initialize(named[0]), "C_Initialize");
    }
    P11KitIter *tokens = p11_kit_iter_new(uri, P11_KIT_ITER_WITH_TOKENS | P11_KIT_ITER_WITHOUT_OBJECTS);
    p11_kit_iter_begin(tokens, modules);
    if (p11_kit_iter_next(tokens) != CKR_OK) {
        errx(1, "there is no token that the URI fits");
    }
    p11 = p11_kit_iter_get_module(tokens);
    must(p11->C_OpenSession(p11_kit_iter_get_slot(tokens), CKF_SERIAL_SESSION, NULL, NULL, &session),
         "C_OpenSession");
    if (p11_kit_uri_get_pin_value(uri) != NULL) {
        char pin[256];
        snprintf(pin, sizeof pin, "%s", p11_kit_uri_get_pin_value(uri));
        CK_RV rv = p11->C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin));
        explicit_bzero(pin, sizeof pin);
        must(rv, "C_Login");
    }
    p11_kit_iter_free(tokens);
}

/* The key of this class that the URI names, in its token. */
static void find_kek(const char *text, CK_OBJECT_CLASS class)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_ATTRIBUTE of_class = {CKA_CLASS, &class, sizeof class};
    CK_ULONG count, found;

    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK) {
        errx(1, "this is not a PKCS#11 URI (RFC 7512)");
    }
    p11_kit_uri_set_attribute(uri, &of_class);
    open_token(uri);
    CK_ATTRIBUTE *wanted = p11_kit_uri_get_attributes(uri, &count);
    must(p11->C_FindObjectsInit(session, wanted, count), "C_FindObjectsInit");
    must(p11->C_FindObjects(session, &kek, 1, &found), "C_FindObjects");
    must(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (found == 0) {
        errx(1, "the token has no such %s key", class == CKO_PUBLIC_KEY ? "public" : "private");
    }
    p11_kit_uri_free(uri);
}

/* SHA-1, because SoftHSM has no other here; OAEP does not need its hash to resist collisions. */
static CK_RSA_PKCS_OAEP_PARAMS oaep_parameters = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, &oaep_parameters, sizeof oaep_parameters};

static void seal(const char *name)
{
    struct content plain = read_file(name, ""), sealed = new_content(IV_SIZE + plain.size + TAG_SIZE);
    CK_GCM_PARAMS gcm = {sealed.data, IV_SIZE, 8 * IV_SIZE, NULL, 0, 8 * TAG_SIZE};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0}, encrypt = {CKM_AES_GCM, &gcm, sizeof gcm};
    CK_ULONG key_size = KEY_SIZE, size = plain.size + TAG_SIZE, blob_size = LARGEST_BLOB;
    CK_ATTRIBUTE data_key_is[] = {{CKA_TOKEN, &no, sizeof no},
                                  {CKA_VALUE_LEN, &key_size, sizeof key_size},
                                  {CKA_ENCRYPT, &yes, sizeof yes},
                                  {CKA_SENSITIVE, &yes, sizeof yes},
                                  {CKA_EXTRACTABLE, &yes, sizeof yes}}; /* under a KEK: it stays sensitive */
    CK_OBJECT_HANDLE data_key;
    unsigned char blob[LARGEST_BLOB];

    must(p11->C_GenerateKey(session, &generate, data_key_is, 5, &data_key), "C_GenerateKey");
    must(p11->C_WrapKey(session, &oaep, kek, data_key, blob, &blob_size), "C_WrapKey");
    must(p11->C_GenerateRandom(session, sealed.data, IV_SIZE), "C_GenerateRandom");
    must(p11->C_EncryptInit(session, &encrypt, data_key), "C_EncryptInit");
    must(p11->C_Encrypt(session, plain.data, plain.size, sealed.data + IV_SIZE, &size), "C_Encrypt");
    must(p11->C_DestroyObject(session, data_key), "C_DestroyObject");
    write_file(name, ".wrapped", blob, blob_size);
    write_file(name, ".sealed", sealed.data, IV_SIZE + size);
    wipe(plain);
    wipe(sealed);
}

static void open_sealed(const char *name)
{
    struct content blob = read_file(name, ".wrapped"), sealed = read_file(name, ".sealed");
    struct content plain = new_content(sealed.size);
    CK_GCM_PARAMS gcm = {sealed.data, IV_SIZE, 8 * IV_SIZE, NULL, 0, 8 * TAG_SIZE};
    CK_MECHANISM decrypt = {CKM_AES_GCM, &gcm, sizeof gcm};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG size = plain.size;
    CK_ATTRIBUTE data_key_is[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
                                  {CKA_TOKEN, &no, sizeof no},       {CKA_DECRYPT, &yes, sizeof yes},
                                  {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no}};
    CK_OBJECT_HANDLE data_key;

    if (sealed.size < IV_SIZE + TAG_SIZE) {
        errx(1, "%s.sealed is too short", name);
    }
    must(p11->C_UnwrapKey(session, &oaep, kek, blob.data, blob.size, data_key_is, 6, &data_key),
         "C_UnwrapKey");
    must(p11->C_DecryptInit(session, &decrypt, data_key), "C_DecryptInit");
    must(p11->C_Decrypt(session, sealed.data + IV_SIZE, sealed.size - IV_SIZE, plain.data, &size),
         "C_Decrypt");
    must(p11->C_DestroyObject(session, data_key), "C_DestroyObject");
    write_file(name, ".opened", plain.data, size);
    wipe(blob);
    wipe(sealed);
    wipe(plain);
}

int main(int count, char **words)
{
    int sealing = count == 5 && strcmp(words[1], "seal") == 0;

    if (count != 5 || strcmp(words[2], "--kek") != 0 || (!sealing && strcmp(words[1], "open") != 0)) {
        fprintf(stderr, "usage: envelope seal|open --kek PKCS11-URI FILE\n");
        return 2;
    }
    umask(077);
    find_kek(words[3], sealing ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY);
    sealing ? seal(words[4]) : open_sealed(words[4]);
    return 0;
}
