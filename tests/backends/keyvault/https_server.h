/*
 * A small HTTPS server on the loopback for the tests of this folder, that does to its clients what servers in
 * the field do: answer, stall, break off, talk nonsense. Its certificate is made on the spot, signed by a CA
 * of its own.
 */
#ifndef BYOK_TESTS_HTTPS_SERVER_H
#define BYOK_TESTS_HTTPS_SERVER_H

#include "backends/base/buffer.h"

struct https_request {
    unsigned number;     /* of all, from 1 */
    unsigned connection; /* on which, from 1 */
    const char *method, *path;
    const char *headers; /* all lines, as sent */
    struct bytes body;
};

enum https_act {
    HTTPS_ANSWER, /* status, headers, body */
    HTTPS_STALL,  /* nothing, until the server stops */
    HTTPS_CUT,    /* the connection is closed without an answer */
    HTTPS_HALF,   /* headers and half of the body, then closed */
    HTTPS_CLOSE,  /* an answer, and the connection is closed behind it without a word of it */
    HTTPS_RAW     /* `body` alone is all that is sent; then closed */
};

struct https_reply {
    enum https_act act;
    unsigned status;     /* 200 */
    const char *headers; /* further lines, each with \r\n; NULL */
    struct buffer body;
};

/* Called by the server's threads, one at a time. The reply is preset: HTTPS_ANSWER, 200, empty. */
typedef void https_handler(void *arg, const struct https_request *request, struct https_reply *reply);

struct https_server;

/* `host` is the name or address in the certificate. NULL where it cannot be started. */
struct https_server *https_server_start(const char *host, https_handler *handler, void *arg);
/* Another handler from now on, with the same arg. */
void https_server_handle(struct https_server *server, https_handler *handler);
void https_server_stop(struct https_server *server);

unsigned https_server_port(const struct https_server *server);
const char *https_server_url(const struct https_server *server); /* https://127.0.0.1:PORT */
const char *https_server_ca(const struct https_server *server);  /* path of its CA's PEM file */
unsigned https_server_requests(struct https_server *server);
unsigned https_server_connections(struct https_server *server);
/* Closes what is open from this side, as an idle server does. */
void https_server_hang_up(struct https_server *server);

/* A reply in short. */
void https_say(struct https_reply *reply, unsigned status, const char *headers, const char *body);
/* True where the request carries this header line. */
bool https_has_header(const struct https_request *request, const char *line);

/* A folder of this test's own, removed when the last program's last test is over; made at the first call. */
const char *test_folder(void);
void test_folder_remove(void);
/* Writes FOLDER/name; its path, in one of a few static buffers. */
const char *test_file(const char *name, const char *content);

#endif
