/*
 * One HTTPS request, one reply (RFC 9112): TLS 1.2 or newer against the one CA store, a deadline, limits of
 * size, a pool of connections that stay open. No redirects, no cookies, no other protocol. When to ask again
 * is retry.c's. All threads; no lock is held while a request is on its way.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_HTTP_H
#define BYOK_BACKENDS_KEYVAULT_HTTP_H

#include "backends/base/buffer.h"
#include "backends/base/deadline.h"

enum { HTTP_LISTING_LIMIT = 1024 * 1024, HTTP_ANSWER_LIMIT = 64 * 1024, HTTP_ID_SIZE = 65 };

struct http_client;
struct http_tls;

struct http_options {
    const char *about;   /* for the log; copied, as all texts are */
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* URL, with a password perhaps; "": never one; NULL: what the environment says */
    int64_t connect_timeout; /* milliseconds */
    int64_t connection_age;  /* the same */
};

/* No network, no file, nothing of libcurl yet. CKR_HOST_MEMORY. */
MUST_USE CK_RV http_client_new(const struct http_options *options, struct http_client **ret_client);
/* No request may be on its way. NULL is allowed. */
void http_client_free(struct http_client *client);
/* In a forked child: the parent's clients are left alone, though reachable. One thread alone. */
void http_after_fork(void);

struct http_request {
    const char *url;
    const char *content_type; /* NULL: GET, else POST of `body` */
    struct bytes body;
    bool body_is_secret;   /* it holds a key or a client secret: no copy is to stay in libcurl's buffers */
    const char *bearer;    /* token for the Authorization header, NULL: none */
    const char *client_id; /* x-ms-client-request-id, NULL: none */
    const char *const *headers; /* more lines, ended by NULL; NULL: none */
    bool machine; /* a service of this machine itself: plain http is allowed, and no proxy is asked */
    size_t limit; /* bytes of the reply's body */
    bool fresh;   /* over a new connection */
    bool once;    /* close the connection afterwards: nothing more will be asked there for long */
    struct http_tls *tls; /* what is told of it is noted here; NULL: not wanted */
};

enum http_failure {
    HTTP_ANSWERED,   /* a whole reply is here */
    HTTP_NO_CONNECT, /* nobody there: no name, no route, refused; or TLS broke off */
    HTTP_REFUSED,    /* a proxy refuses to go there, or the other side speaks no TLS of ours */
    HTTP_UNTRUSTED,  /* the certificate is not for this host, or by nobody we trust */
    HTTP_BROKEN,     /* the connection broke before the reply was whole */
    HTTP_TIMED_OUT,
    HTTP_TOO_LARGE, /* more than the limit, or no HTTP */
    HTTP_UNUSABLE,  /* it is us: no memory, no CA file, libcurl not usable */
    HTTP_NOT_ASKED  /* by endpoint.c: nothing was sent; status is that of the answer that is the reason */
};

struct http_reply {
    enum http_failure failure;
    unsigned status; /* 0: no whole reply; but see HTTP_NOT_ASKED */
    struct buffer body;
    bool reused;                   /* it went over a connection that was open before */
    bool began;                    /* some bytes of a reply came */
    int64_t date;                  /* seconds since 1970 by the other's clock, 0: not told */
    int64_t retry_after;           /* milliseconds, -1: not told */
    bool retry_after_exact;        /* told by one of the two headers that count milliseconds */
    char request_id[HTTP_ID_SIZE]; /* x-ms-request-id, "": not told */
    char address[64];              /* who it was: an IP address, "" */
    bool proxied;                  /* and that was a proxy */
    struct buffer challenge;       /* the values of WWW-Authenticate, each ended by a newline */
    char cause[288];               /* of a failure, in words */
    const char *advice;            /* what to do about it; constant, never NULL */
};

/* An empty one, to be given to http_exchange(), again and again. */
void http_reply_init(struct http_reply *reply);
void http_reply_done(struct http_reply *reply);
/* Empties it into a failure: in words, and what to do about it. */
void http_reply_fail(struct http_reply *reply, enum http_failure failure, const char *advice,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Notes what one header line, with or without its end, says. */
void http_reply_read_header(struct http_reply *reply, struct bytes line);

/* Never fails otherwise than in reply->failure. What the reply held is wiped. */
void http_exchange(struct http_client *client, const struct http_request *request, struct deadline deadline,
                   struct http_reply *reply);

#endif
