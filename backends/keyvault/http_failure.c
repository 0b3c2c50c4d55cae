/* Failures in words. */
#include "backends/keyvault/http_failure.h"
#include <stdio.h>
#include <string.h>

#define PROXY_USER "name user and password in `proxy`: http://USER:PASSWORD@HOST:PORT"

static const struct {
    CURLcode code;
    enum http_failure failure;
    const char *words; /* NULL: libcurl's own */
    const char *advice;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_CONNECT, "its name does not resolve",
     "check the name, DNS and, for a private endpoint, its zone"},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_NO_CONNECT, "the proxy's name does not resolve",
     "check `proxy`, or https_proxy in the environment"},
    {CURLE_PROXY, HTTP_NO_CONNECT, NULL, "check `proxy`, or https_proxy in the environment"},
    {CURLE_COULDNT_CONNECT, HTTP_NO_CONNECT, NULL, "check network, firewall and proxy"},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_UNTRUSTED, NULL,
     "name the CA that signed its certificate with ca-file, and its own name in the address"},
    {CURLE_SSL_CACERT_BADFILE, HTTP_UNUSABLE, "no CA certificates", "see the line before"},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT, NULL,
     "check network, firewall and proxy, or allow more `timeout`"},
    {CURLE_SEND_ERROR, HTTP_BROKEN, NULL, "check network and proxy"},
    {CURLE_RECV_ERROR, HTTP_BROKEN, NULL, "check network and proxy"},
    {CURLE_GOT_NOTHING, HTTP_BROKEN, NULL, "check network and proxy"},
    {CURLE_PARTIAL_FILE, HTTP_BROKEN, NULL, "check network and proxy"},
    {CURLE_SEND_FAIL_REWIND, HTTP_BROKEN, NULL, "check network and proxy"},
    {CURLE_WEIRD_SERVER_REPLY, HTTP_TOO_LARGE, "the answer is no HTTP", "check the address"},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_TOO_LARGE, "the answer is no HTTP", "check the address"},
    {CURLE_OUT_OF_MEMORY, HTTP_UNUSABLE, "no memory", "free some"},
};

void http_failure_set(struct http_reply *reply, enum http_failure failure, const char *words,
                      const char *advice)
{
    reply->failure = failure;
    reply->status = 0;
    buffer_clear(&reply->body);
    reply->advice = advice;
    snprintf(reply->cause, sizeof reply->cause, "%s", words);
}

/* A proxy answered, and not with a way. Its own troubles pass; its rules do not. */
static void explain_proxy(struct http_reply *reply, long status)
{
    char words[64];

    snprintf(words, sizeof words, "the proxy answers %ld", status);
    if (status == 407) {
        http_failure_set(reply, HTTP_REFUSED, "the proxy wants to know who asks (407)", PROXY_USER);
    } else if (status == 403) {
        http_failure_set(reply, HTTP_REFUSED, "the proxy's rules forbid this address (403)",
                         "allow this host and port in the proxy");
    } else if (status >= 500) {
        http_failure_set(reply, HTTP_NO_CONNECT, words,
                         "the proxy does not reach it: check DNS and routes there");
    } else {
        http_failure_set(reply, HTTP_REFUSED, words, "check that `proxy` or https_proxy names a proxy");
    }
}

/* What OpenSSL objects to will be there the next time, too; a connection that broke meanwhile need not. */
static void explain_tls(struct http_reply *reply, const char *words)
{
    bool objects = strstr(words, "SSL routines") != NULL && strstr(words, "unexpected eof") == NULL;

    http_failure_set(reply, objects ? HTTP_REFUSED : HTTP_NO_CONNECT, words,
                     "TLS 1.2 with ECDHE or newer is needed, without inspection");
}

/* libcurl repeats a proxy's address, password and all, where it does not understand it. */
static const char *without_secrets(const char *own, CURLcode code)
{
    return own[0] == 0 || strstr(own, "roxy sch") != NULL || strstr(own, "roxy syn") != NULL ||
                   strchr(own, '@') != NULL
               ? curl_easy_strerror(code)
               : own;
}

void http_failure_explain(struct http_reply *reply, CURLcode code, const char *own, long proxy_status)
{
    const char *words = without_secrets(own, code);

    if (proxy_status >= 300) {
        explain_proxy(reply, proxy_status);
        return;
    }
    if (code == CURLE_SSL_CONNECT_ERROR) {
        explain_tls(reply, words);
        return;
    }
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].code == code) {
            http_failure_set(reply, failures[i].failure,
                             failures[i].words == NULL ? words : failures[i].words, failures[i].advice);
            return;
        }
    }
    http_failure_set(reply, HTTP_BROKEN, words, "check network and proxy");
}
