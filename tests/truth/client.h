/* Our client, as a configuration opens it: a key service of one vault. */
#ifndef TRUTH_CLIENT_H
#define TRUTH_CLIENT_H

#include "backends/key_service.h"

struct client {
    struct settings_file *file;
    struct key_service *service;
};

/* A word of the configuration and its value; ended by a NULL word. */
struct client_word {
    const char *word, *value;
};

/* `path`: of the file to be written. Fails the test where the configuration is not good. */
struct client client_open(const char *path, const struct client_word *words);
void client_close(struct client *client);

#endif
