/* Blocks of PEM files as DER. */
#include "pkcs11/soft/pem.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <limits.h>
#include <openssl/pem.h>
#include <string.h>

struct block {
    char *label, *header;
    unsigned char *der;
    long size;
};

static void block_done(struct block *block)
{
    OPENSSL_free(block->label);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->der, block->size > 0 ? (size_t)block->size : 0);
    memset(block, 0, sizeof *block);
}

static void bio_free(BIO **bio)
{
    BIO_free(*bio);
}

CK_RV pem_read(struct bytes pem, const char *label, struct buffer *to)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("reading PEM");
    struct block block SCOPED(block_done) = {NULL, NULL, NULL, 0};
    BIO *from SCOPED(bio_free) = NULL;

    if (libcrypto_context() == NULL) {
        return CKR_HOST_MEMORY;
    }
    from = pem.size == 0 || pem.size > INT_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.size);
    while (from != NULL && PEM_read_bio(from, &block.label, &block.header, &block.der, &block.size) == 1) {
        if (strcmp(block.label, label) == 0) {
            return buffer_append(to, block.der, (size_t)block.size);
        }
        block_done(&block);
    }
    return CKR_DATA_INVALID;
}
