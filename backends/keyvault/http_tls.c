/* A look at the certificates of a connection. */
#include "backends/keyvault/http_tls.h"
#include "backends/base/buffer.h"
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

/* What people call it: its common name, or else its organisation. */
static void name_text(const X509_NAME *name, char *ret_text, size_t room)
{
    static const int kinds[] = {NID_commonName, NID_organizationalUnitName, NID_organizationName};
    int at = -1;

    for (size_t i = 0; at < 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        at = X509_NAME_get_index_by_NID(name, kinds[i], -1);
    }
    if (at >= 0) {
        const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

        text_copy(bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)), ret_text, room);
    }
}

static int64_t end_of(const X509 *certificate)
{
    struct tm end;

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 ? (int64_t)timegm(&end) : 0;
}

void http_tls_note(CURL *easy, struct http_tls *ret_tls)
{
    const struct curl_tlssessioninfo *session = NULL;
    const STACK_OF(X509) * chain;
    const SSL *ssl;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL) {
        return;
    }
    ssl = session->internals;
    chain = SSL_get0_verified_chain(ssl);
    memset(ret_tls, 0, sizeof *ret_tls);
    text_copy(bytes_of_text(SSL_get_version(ssl)), ret_tls->version, sizeof ret_tls->version);
    if (sk_X509_num(chain) > 0) {
        const X509 *leaf = sk_X509_value(chain, 0), *anchor = sk_X509_value(chain, sk_X509_num(chain) - 1);

        name_text(X509_get_issuer_name(leaf), ret_tls->issuer, sizeof ret_tls->issuer);
        name_text(X509_get_subject_name(anchor), ret_tls->anchor, sizeof ret_tls->anchor);
        ret_tls->ends = end_of(leaf);
    }
}
