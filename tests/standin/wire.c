/* Answers by hand. */
#include "tests/standin/wire.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SEND_MS = 10 * 1000, FLOOD_LINE = 4000 };

/* --- Octets --- */

struct line {
    int socket;
    gnutls_session_t tls; /* NULL: plain */
};

static struct line line_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct line line = {.socket = info->connect_fd};

    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    line.tls = info == NULL ? NULL : (gnutls_session_t)info->tls_session;
    return line;
}

/* How many were taken; 0: none yet; below 0: it is broken. */
static ssize_t push(const struct line *line, const char *data, size_t size)
{
    ssize_t sent;

    if (line->tls != NULL) {
        sent = gnutls_record_send(line->tls, data, size);
        return sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED ? 0 : sent;
    }
    sent = send(line->socket, data, size, MSG_NOSIGNAL);
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

static bool send_all(const struct line *line, const char *data, size_t size)
{
    int64_t end = now_ms() + SEND_MS;

    while (size > 0 && now_ms() < end) {
        struct pollfd watched = {.fd = line->socket, .events = POLLOUT};
        ssize_t sent = push(line, data, size);

        if (sent < 0) {
            return false;
        }
        if (sent == 0) {
            poll(&watched, 1, 100);
        }
        data += sent;
        size -= (size_t)sent;
    }
    return size == 0;
}

static bool send_text(const struct line *line, const char *words)
{
    return send_all(line, words, strlen(words));
}

/* --- The head --- */

static char *date_now(void)
{
    time_t now = time(NULL);
    struct tm utc;
    char date[64];

    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    return text("%s", date);
}

/* Without the empty line at its end. */
static char *head_of(const struct answer *answer)
{
    char *date OWNED(owned_free) = date_now();
    char *head = text("HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
                      answer->status, MHD_get_reason_phrase_for(answer->status), date, answer->size);

    for (unsigned i = 0; i < answer->headers; i++) {
        char *longer = text("%s%s: %s\r\n", head, answer->names[i], answer->values[i]);

        free(head);
        head = longer;
    }
    return head;
}

static bool send_flood(const struct line *line, size_t size)
{
    char filler[FLOOD_LINE + 1];

    memset(filler, 'a', FLOOD_LINE);
    filler[FLOOD_LINE] = '\0';
    for (size_t sent = 0; sent < size; sent += FLOOD_LINE) {
        char *header OWNED(owned_free) = text("x-flood-%zu: %s\r\n", sent, filler);

        if (!send_text(line, header)) {
            return false;
        }
    }
    return true;
}

/* --- All of it --- */

bool wire_is_needed(const struct answer *answer)
{
    return answer->wire.part != WIRE_ALL || answer->wire.drip_ms != 0 || answer->wire.flood != 0;
}

static bool send_nonsense(const struct line *line)
{
    return send_text(line, "\x16\x03 this is no HTTP at all \r\n\r\n\x7f\x01\x02\r\n");
}

static bool send_body(const struct line *line, const struct answer *answer,
                      bool (*wait)(void *argument, int milliseconds), void *argument)
{
    size_t size = answer->wire.part == WIRE_HALF_BODY ? answer->size / 2 : answer->size;

    if (answer->wire.drip_ms == 0) {
        return send_all(line, answer->body, size);
    }
    for (size_t i = 0; i < size; i++) {
        if (!send_all(line, answer->body + i, 1) || !wait(argument, answer->wire.drip_ms)) {
            return false;
        }
    }
    return true;
}

static bool send_parts(const struct line *line, const struct answer *answer,
                       bool (*wait)(void *argument, int milliseconds), void *argument)
{
    char *head OWNED(owned_free) = head_of(answer);

    if (answer->wire.part == WIRE_NONSENSE) {
        return send_nonsense(line);
    }
    if (answer->wire.part == WIRE_HALF_HEADERS) {
        return send_all(line, head, strlen(head) / 2);
    }
    return send_text(line, head) && send_flood(line, answer->wire.flood) && send_text(line, "\r\n") &&
           send_body(line, answer, wait, argument);
}

void wire_send(struct MHD_Connection *connection, const struct answer *answer,
               bool (*wait)(void *argument, int milliseconds), void *argument)
{
    struct line line = line_of(connection);

    if (send_parts(&line, answer, wait, argument) && answer->wire.stalls) {
        wait(argument, -1);
    }
}
