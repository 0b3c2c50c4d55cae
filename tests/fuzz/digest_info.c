/* What an application gives CKM_RSA_PKCS to sign: one of the DigestInfos that services can sign, or nothing. */
#include "pkcs11/soft/digest_info.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes digest = bytes_of(NULL, 0);
    enum hash hash = HASH_NONE;

    if (digest_info_read(bytes_of(data, size), &hash, &digest) != CKR_OK) {
        if (hash != HASH_NONE || digest.data != NULL) {
            abort();
        }
    } else if (digest.size != hash_size(hash) || digest.data + digest.size != data + size) {
        abort();
    }
    return 0;
}
