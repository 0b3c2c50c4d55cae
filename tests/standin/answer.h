/* A request as the services see it, and an answer before it is sent. */
#ifndef STANDIN_ANSWER_H
#define STANDIN_ANSWER_H

#include "tests/standin/text.h"
#include <cjson/cJSON.h>

struct MHD_Connection;

struct request {
    struct MHD_Connection *connection;
    const char *method;
    const char *path; /* without the query, percent signs resolved */
    const char *body; /* ends in a zero, maybe "" */
    size_t size;
};

/* NULL: not there. */
const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);
/* https://HOST[:PORT] as the client named us, without a final slash. From malloc. */
char *request_base(const struct request *request, const char *fallback);

enum { ANSWER_HEADERS = 24 };

/* How an answer goes out; all zero: as it should. */
struct wire {
    enum { WIRE_ALL, WIRE_HALF_HEADERS, WIRE_HALF_BODY, WIRE_NONSENSE } part;
    bool stalls;  /* after that part; else the connection ends there */
    int drip_ms;  /* the pause after each octet of the body */
    size_t flood; /* octets of headers that nobody asked for */
};

struct answer {
    unsigned status;
    char *body; /* from malloc; NULL: none */
    size_t size;
    size_t padding; /* spaces that follow the body */
    bool unframed;  /* no Content-Length: the body comes in chunks */
    struct wire wire;
    unsigned headers;
    char *names[ANSWER_HEADERS];
    char *values[ANSWER_HEADERS];
};

void answer_done(struct answer *answer);

/* Replaces the header of that name. */
void answer_header(struct answer *answer, const char *name, const char *value);
/* What it is so far; NULL: not there. */
const char *answer_header_of(const struct answer *answer, const char *name);
void answer_headers_clear(struct answer *answer);
/* Takes the body. */
void answer_body(struct answer *answer, unsigned status, char *body, const char *content_type);
/* Takes the JSON. */
void answer_json(struct answer *answer, unsigned status, cJSON *json);
/* {"error":{code,message,innererror}} as the vault says it; inner: NULL for none. Takes the message. */
void answer_error(struct answer *answer, unsigned status, const char *code, const char *inner, char *message);
/* A page of a web server that stands before the service. */
void answer_html(struct answer *answer, unsigned status);

#endif
