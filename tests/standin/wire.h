/*
 * Answers that go out by hand, since no web server sends what is wrong: past libmicrohttpd, on its
 * connection.
 */
#ifndef STANDIN_WIRE_H
#define STANDIN_WIRE_H

#include "tests/standin/answer.h"

/* It cannot be left to libmicrohttpd. */
bool wire_is_needed(const struct answer *answer);

/* Sends as much of it as answer->wire says. wait: the given milliseconds, below 0 for ever; false: the client
 * went away. The connection must end afterwards. */
void wire_send(struct MHD_Connection *connection, const struct answer *answer,
               bool (*wait)(void *argument, int milliseconds), void *argument);

#endif
