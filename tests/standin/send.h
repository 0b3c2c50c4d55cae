/* Answers that a web server can send: all but those of wire.h. */
#ifndef STANDIN_SEND_H
#define STANDIN_SEND_H

#include "tests/standin/answer.h"

/* May take its body. False: the connection is to be closed. */
bool send_answer(struct MHD_Connection *connection, struct answer *answer);

#endif
