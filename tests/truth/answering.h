/* A service that says what was recorded, and our client before it. */
#ifndef TRUTH_ANSWERING_H
#define TRUTH_ANSWERING_H

#include "tests/backends/keyvault/https_server.h"
#include "tests/truth/client.h"
#include "tests/truth/recorded.h"

/* What it says next, and what it was asked last. */
struct answering {
    struct https_server *server;
    struct client client;
    unsigned status;
    char *headers, *body;
    unsigned asked, tokens; /* requests to the vault, and for tokens, since answering_say() */
    char *method, *path, *sent;
};
extern struct answering world;

/* A service that nobody has asked yet, and a client that remembers nothing and takes it for what it is. */
void answering_begin(bool managed_hsm);
void answering_end(void);
/* `response`: status, headers and body as recorded. Places in it are made ours. */
void answering_say(const cJSON *response);
/* After the last test. */
void answering_forget(void);

#endif
