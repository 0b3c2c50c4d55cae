/* One X.509 certificate. */
#include "pkcs11/soft/certificate.h"
#include "backends/base/libcrypto.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/scope.h"
#include <openssl/x509.h>

static void x509_free(X509 **x509)
{
    X509_free(*x509);
}

/* What i2d_... made, which is then freed. `size` below 0: it failed. */
static CK_RV keep(unsigned char *der, int size, struct buffer *to)
{
    CK_RV rv = size < 0 ? CKR_DATA_INVALID : buffer_append(to, der, (size_t)size);

    OPENSSL_free(der);
    return rv;
}

static CK_RV read_parts(const X509 *x509, struct certificate *to)
{
    unsigned char *subject = NULL, *issuer = NULL, *serial = NULL, *info = NULL;
    int subject_size = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
    int issuer_size = i2d_X509_NAME(X509_get_issuer_name(x509), &issuer);
    int serial_size = i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &serial);
    int info_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &info);
    CK_RV rv[] = {keep(subject, subject_size, &to->subject), keep(issuer, issuer_size, &to->issuer),
                  keep(serial, serial_size, &to->serial), keep(info, info_size, &to->info)};

    for (size_t i = 0; i < sizeof rv / sizeof rv[0]; i++) {
        if (rv[i] != CKR_OK) {
            return rv[i];
        }
    }
    return CKR_OK;
}

static CK_RV read(struct bytes der, struct certificate *to)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("reading a certificate");
    X509 *x509 SCOPED(x509_free) = NULL;
    OSSL_LIB_CTX *library = libcrypto_context();
    const unsigned char *from = der.data;

    if (library == NULL) {
        return CKR_HOST_MEMORY;
    }
    x509 = X509_new_ex(library, NULL);
    if (x509 == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (der.size == 0 || der.size > LONGEST_CERTIFICATE || d2i_X509(&x509, &from, (long)der.size) == NULL ||
        from != der.data + der.size) {
        return CKR_DATA_INVALID;
    }
    return read_parts(x509, to);
}

CK_RV certificate_new(struct bytes der, struct certificate **ret_certificate)
{
    static const struct buffer empty = BUFFER_INIT(LONGEST_CERTIFICATE);
    struct certificate *certificate SCOPED(certificate_free_scoped) = calloc(1, sizeof *certificate);
    CK_RV rv;

    if (certificate == NULL) {
        return CKR_HOST_MEMORY;
    }
    atomic_init(&certificate->holders, 1);
    certificate->der = certificate->subject = certificate->issuer = certificate->serial = certificate->info =
        empty;
    rv = read(der, certificate);
    if (rv == CKR_OK) {
        rv = buffer_append(&certificate->der, der.data, der.size);
    }
    if (rv == CKR_OK) {
        *ret_certificate = take(certificate);
    }
    return rv;
}

struct certificate *certificate_hold(struct certificate *certificate)
{
    if (certificate != NULL) {
        atomic_fetch_add_explicit(&certificate->holders, 1, memory_order_relaxed);
    }
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL ||
        atomic_fetch_sub_explicit(&certificate->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    buffer_free(&certificate->der);
    buffer_free(&certificate->subject);
    buffer_free(&certificate->issuer);
    buffer_free(&certificate->serial);
    buffer_free(&certificate->info);
    free(certificate);
}
