/* CA certificates by the hash of their subject, as OpenSSL's own hashed directories have them. */
#include "backends/keyvault/ca_bundle.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { LARGEST_BUNDLE = 8 * 1024 * 1024 };

struct item {
    unsigned long hash;
    size_t at, size; /* in `der` */
};

struct bundle {
    X509_LOOKUP_METHOD *method;
    struct buffer der; /* all of them, one behind the other */
    struct item *items;
    size_t count, room;
};

static void bundle_free(struct bundle *bundle)
{
    if (bundle != NULL) {
        X509_LOOKUP_meth_free(bundle->method);
        buffer_free(&bundle->der);
        free(bundle->items);
        free(bundle);
    }
}
DEFINE_SCOPED(struct bundle, bundle_free)
DEFINE_SCOPED(BIO, BIO_free_all)
DEFINE_SCOPED(X509_NAME, X509_NAME_free)
DEFINE_SCOPED(X509, X509_free)

/* --- The subject of a certificate (RFC 5280, 4.1), without parsing the rest --- */

/* Into the next element, which must be constructed, or over it. */
static bool pass(struct bytes *der, bool into)
{
    const unsigned char *at = der->data;
    int tag, class;
    long size;
    int form = der->size == 0 ? 0x80 : ASN1_get_object(&at, &size, &tag, &class, (long)der->size);

    if ((form & 0x80) != 0 || (form & 1) != 0) {
        return false; /* no element, or one without a length, which DER has not */
    }
    if (into) {
        *der = bytes_of(at, (size_t)size);
        return (form & V_ASN1_CONSTRUCTED) != 0;
    }
    *der = bytes_of(at + size, der->size - (size_t)(at + size - der->data));
    return true;
}

static X509_NAME *subject_of(struct bytes der)
{
    enum { VERSION = 0xa0, FIELDS_BEFORE = 4 /* serial number, algorithm, issuer, validity */ };
    const unsigned char *at;

    if (!pass(&der, true) || !pass(&der, true) || der.size == 0) {
        return NULL;
    }
    if (der.data[0] == VERSION && !pass(&der, false)) {
        return NULL;
    }
    for (unsigned i = 0; i < FIELDS_BEFORE; i++) {
        if (!pass(&der, false)) {
            return NULL;
        }
    }
    at = der.data;
    return d2i_X509_NAME(NULL, &at, (long)der.size);
}

/* Equal for names that are the same, in whatever encoding. False: it cannot be computed. */
static bool hash_name(const X509_NAME *name, unsigned long *ret_hash)
{
    int good = 0;

    *ret_hash = X509_NAME_hash_ex(name, libcrypto_context(), NULL, &good);
    return good == 1;
}

/* --- Reading --- */

static CK_RV make_room(struct bundle *bundle)
{
    size_t room = bundle->room == 0 ? 16 : bundle->room * 2;
    struct item *items;

    if (bundle->count < bundle->room) {
        return CKR_OK;
    }
    items = realloc(bundle->items, room * sizeof *items);
    if (items == NULL) {
        return CKR_HOST_MEMORY;
    }
    bundle->items = items;
    bundle->room = room;
    return CKR_OK;
}

/* One without a readable subject is left out: nobody could look for it. */
static CK_RV add_item(struct bundle *bundle, struct bytes der)
{
    X509_NAME *subject SCOPED(X509_NAME_free_scoped) = subject_of(der);
    struct item item = {.at = bundle->der.size, .size = der.size};
    CK_RV rv;

    if (subject == NULL || !hash_name(subject, &item.hash)) {
        return CKR_OK;
    }
    rv = make_room(bundle);
    if (rv == CKR_OK) {
        rv = buffer_append(&bundle->der, der.data, der.size);
    }
    if (rv == CKR_OK) {
        bundle->items[bundle->count++] = item;
    }
    return rv;
}

/* Never ask a terminal: certificates have no password. */
static int no_password(char *to, int size, int writing, void *arg)
{
    (void)to, (void)size, (void)writing, (void)arg;
    return -1;
}

static CK_RV read_all(struct bundle *bundle, struct bytes pem)
{
    BIO *from SCOPED(BIO_free_all_scoped) = BIO_new_mem_buf(pem.data, (int)pem.size);
    unsigned char *der;
    CK_RV rv = from == NULL ? CKR_HOST_MEMORY : CKR_OK;
    long size;

    while (rv == CKR_OK &&
           PEM_bytes_read_bio(&der, &size, NULL, PEM_STRING_X509, from, no_password, NULL) == 1) {
        rv = add_item(bundle, bytes_of(der, (size_t)size));
        OPENSSL_free(der);
    }
    ERR_clear_error(); /* the end of the file is one */
    return rv;
}

/* --- Looking --- */

static const struct bundle *bundle_of(const X509_LOOKUP *lookup)
{
    return X509_LOOKUP_get_method_data(lookup);
}

/* Into the store, where whoever looks for it next finds it; several may have the same name. */
static void parse_into(X509_STORE *store, const struct bundle *bundle, unsigned long hash)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct item *item = &bundle->items[i];
        const unsigned char *at = bundle->der.data + item->at;
        X509 *certificate SCOPED(X509_free_scoped) =
            item->hash == hash ? X509_new_ex(libcrypto_context(), NULL) : NULL;

        if (certificate != NULL && d2i_X509(&certificate, &at, (long)item->size) != NULL) {
            X509_check_purpose(certificate, -1, 0); /* what a first use notes in it, before others see it */
            X509_STORE_add_cert(store, certificate);
        }
    }
}

/*
 * The caller of a lookup takes a reference of its own, so the result has none: it is the store's, as with OpenSSL's
 * own lookups.
 */
static int look(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *ret_object)
{
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    const X509_OBJECT *found;
    X509 *certificate;
    unsigned long hash;

    if (type != X509_LU_X509 || !hash_name(name, &hash)) {
        return 0;
    }
    parse_into(store, bundle_of(lookup), hash);
    X509_STORE_lock(store);
    found = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
    certificate = found == NULL ? NULL : X509_OBJECT_get0_X509(found);
    if (certificate != NULL && X509_OBJECT_set1_X509(ret_object, certificate) == 1) {
        X509_free(certificate);
    }
    X509_STORE_unlock(store);
    return certificate != NULL;
}

static void forget(X509_LOOKUP *lookup)
{
    bundle_free(X509_LOOKUP_get_method_data(lookup));
}

static bool make_method(struct bundle *bundle)
{
    bundle->method = X509_LOOKUP_meth_new("certificates of a bundle");
    return bundle->method != NULL && X509_LOOKUP_meth_set_get_by_subject(bundle->method, look) == 1 &&
           X509_LOOKUP_meth_set_free(bundle->method, forget) == 1;
}

CK_RV ca_bundle_add(X509_STORE *store, struct bytes pem, size_t *ret_count)
{
    struct bundle *bundle SCOPED(bundle_free_scoped) = calloc(1, sizeof *bundle);
    X509_LOOKUP *lookup;
    CK_RV rv;

    if (bundle == NULL || !make_method(bundle)) {
        return CKR_HOST_MEMORY;
    }
    bundle->der.limit = LARGEST_BUNDLE;
    rv = read_all(bundle, pem);
    if (rv != CKR_OK) {
        return rv;
    }
    lookup = X509_STORE_add_lookup(store, bundle->method);
    if (lookup == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_count = bundle->count;
    X509_LOOKUP_set_method_data(lookup, take(bundle)); /* whose free() it is now */
    return CKR_OK;
}
