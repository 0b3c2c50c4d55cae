/*
 * Opens what the service has sealed, with its root key and libcrypto alone; no PKCS#11:
 *
 *     without_module FOLDER NAME <KEY      the root key, 32 bytes
 *
 * Prints the text. For who has the wrapped root key opened elsewhere: at the vault's REST interface, by the
 * owner of the key.
 */
#include <err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { KEY_SIZE = 32, IV_SIZE = 12, TAG_SIZE = 16, DATA_MOST = 65536 };

static unsigned char sealed[DATA_MOST], plain[DATA_MOST];

static size_t read_all(FILE *file, unsigned char *data, size_t most)
{
    size_t size = file == NULL ? 0 : fread(data, 1, most, file);

    if (file == NULL || ferror(file)) {
        err(1, "it cannot be read");
    }
    return size;
}

/* The size of the text; -1: another key, or another name. */
static int unseal(const unsigned char *key, const char *name, int size)
{
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int part = 0, rest = 0, text = size - IV_SIZE - TAG_SIZE;
    bool good = gcm != NULL && EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
                EVP_DecryptUpdate(gcm, NULL, &part, (const unsigned char *)name, (int)strlen(name)) == 1 &&
                EVP_DecryptUpdate(gcm, plain, &part, sealed + IV_SIZE, text) == 1 &&
                EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, sealed + size - TAG_SIZE) == 1 &&
                EVP_DecryptFinal_ex(gcm, plain + part, &rest) == 1;

    EVP_CIPHER_CTX_free(gcm);
    return good ? text : -1;
}

int main(int count, char **words)
{
    unsigned char key[KEY_SIZE];
    char path[4096];
    int size;

    if (count != 3 || read_all(stdin, key, sizeof key) != sizeof key) {
        errx(2, "usage: without_module FOLDER NAME <KEY");
    }
    snprintf(path, sizeof path, "%s/%s.sealed", words[1], words[2]);
    FILE *file = fopen(path, "rbe");
    size = (int)read_all(file, sealed, sizeof sealed);
    fclose(file);
    size = size < IV_SIZE + TAG_SIZE ? -1 : unseal(key, words[2], size);
    if (size < 0) {
        errx(1, "the key does not open it");
    }
    printf("%.*s\n", size, (const char *)plain);
    return 0;
}
