/* Certificates of the key service in memory. */
#include "tests/fake_private.h"
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_RV fake_each_certificate(struct key_service *service, struct deadline deadline,
                            certificate_name_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, FAKE_LIST_CERTIFICATES, deadline, ret_answer);

    for (size_t i = 0; rv == CKR_OK && i < fake->certificate_count; i++) {
        if (!visit(arg, fake->certificate[i].name)) {
            break;
        }
    }
    return rv;
}

CK_RV fake_certificate(struct key_service *service, const char *name, struct deadline deadline,
                       certificate_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    struct fake *fake = fake_of(service);
    CK_RV rv = fake_begin(fake, FAKE_GET_CERTIFICATE, deadline, ret_answer);
    struct certificate_info info;

    for (size_t i = 0; rv == CKR_OK && i < fake->certificate_count; i++) {
        if (strcmp(fake->certificate[i].name, name) == 0) {
            snprintf(info.name, sizeof info.name, "%s", name);
            snprintf(info.key_name, sizeof info.key_name, "%s", fake->certificate[i].key_name);
            info.der = bytes_of(fake->certificate[i].der, fake->certificate[i].size);
            return visit(arg, &info);
        }
    }
    return rv == CKR_OK ? fake_refuse(ret_answer, VERDICT_GONE, 404, CKR_OBJECT_HANDLE_INVALID) : rv;
}

void fake_add_certificate(struct key_service *service, const char *name, const char *key_name,
                          struct bytes der)
{
    struct fake *fake = fake_of(service);
    struct held_certificate *held = fake->certificate;

    while (held < fake->certificate + fake->certificate_count && strcmp(held->name, name) != 0) {
        held++;
    }
    if (held == fake->certificate + MOST_CERTIFICATES || der.size > MOST_DER) {
        abort();
    }
    fake->certificate_count += held == fake->certificate + fake->certificate_count;
    snprintf(held->name, sizeof held->name, "%s", name);
    snprintf(held->key_name, sizeof held->key_name, "%s", key_name == NULL ? "" : key_name);
    memcpy(held->der, der.data, der.size);
    held->size = der.size;
}

void fake_certify(struct key_service *service, const char *key_name)
{
    EVP_PKEY *pair = fake_pair(service, key_name);
    X509 *x509 = X509_new();
    unsigned char *der = NULL;
    int size;

    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)key_name, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    if (X509_set_pubkey(x509, pair) != 1 || X509_sign(x509, pair, EVP_sha256()) == 0) {
        abort();
    }
    size = i2d_X509(x509, &der);
    fake_add_certificate(service, key_name, key_name, bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    X509_free(x509);
}
