/* Answers by libmicrohttpd. */
#include "tests/standin/send.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 << 10 };

/* The answer while it goes out; MHD frees it. */
struct outgoing {
    char *body;
    size_t size, padding;
};

static ssize_t read_outgoing(void *argument, uint64_t position, char *buffer, size_t room)
{
    const struct outgoing *out = argument;
    size_t end = out->size + out->padding, at = (size_t)position, size;

    if (at >= end) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size = end - at < room ? end - at : room;
    if (at >= out->size) {
        memset(buffer, ' ', size);
        return (ssize_t)size;
    }
    size = out->size - at < size ? out->size - at : size;
    memcpy(buffer, out->body + at, size);
    return (ssize_t)size;
}

static void free_outgoing(void *argument)
{
    struct outgoing *out = argument;

    free(out->body);
    free(out);
}

/* Takes the body of the answer. */
static struct MHD_Response *response_of(struct answer *answer)
{
    struct MHD_Response *response;
    struct outgoing *out;

    if (answer->padding == 0 && !answer->unframed) {
        response = MHD_create_response_from_buffer(answer->size, answer->body, MHD_RESPMEM_MUST_COPY);
        return need(response);
    }
    out = need(calloc(1, sizeof *out));
    *out = (struct outgoing){answer->body, answer->size, answer->padding};
    answer->body = NULL;
    response =
        MHD_create_response_from_callback(answer->unframed ? MHD_SIZE_UNKNOWN : out->size + out->padding,
                                          CHUNK, read_outgoing, out, free_outgoing);
    return need(response);
}

bool send_answer(struct MHD_Connection *connection, struct answer *answer)
{
    struct MHD_Response *response = response_of(answer);
    enum MHD_Result result;

    for (unsigned i = 0; i < answer->headers; i++) {
        MHD_add_response_header(response, answer->names[i], answer->values[i]);
    }
    result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result == MHD_YES;
}
