/* What is told of the TLS of a connection: for whoever examines the way, not for each request. */
#ifndef BYOK_BACKENDS_KEYVAULT_HTTP_TLS_H
#define BYOK_BACKENDS_KEYVAULT_HTTP_TLS_H

#include <curl/curl.h>
#include <stdint.h>

struct http_tls {
    char version[16];              /* "TLSv1.3"; "": nothing was learned */
    char issuer[128], anchor[128]; /* who signed the other's certificate, and the CA that is trusted for it */
    int64_t ends;                  /* the certificate, seconds since 1970; 0: not told */
};

/* To be called while a reply comes in over the connection, inside libcurl_enter(). */
void http_tls_note(CURL *easy, struct http_tls *ret_tls);

#endif
