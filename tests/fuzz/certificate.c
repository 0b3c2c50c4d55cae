/* A certificate of the service, or a file of a directory of certificates. */
#include "pkcs11/soft/certificate.h"
#include "pkcs11/soft/pem.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_der(struct bytes der)
{
    struct certificate *certificate = NULL;

    if (certificate_new(der, &certificate) != CKR_OK) {
        if (certificate != NULL) {
            abort();
        }
        return;
    }
    if (!bytes_equal(buffer_bytes(&certificate->der), der) || certificate->subject.size < 2 ||
        certificate->issuer.size < 2 || certificate->serial.size < 2 || certificate->info.size < 2) {
        abort();
    }
    certificate_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer der = BUFFER_INIT(LONGEST_CERTIFICATE);

    read_der(bytes_of(data, size));
    if (pem_read(bytes_of(data, size), "CERTIFICATE", &der) == CKR_OK) {
        read_der(buffer_bytes(&der));
    }
    buffer_free(&der);
    return 0;
}
