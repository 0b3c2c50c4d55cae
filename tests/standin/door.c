/* The listening socket. */
#include "tests/standin/door.h"
#include "tests/standin/faults.h"
#include "tests/standin/text.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BACKLOG = 256, MOST_HELD = 4096 };

/* A connection that waits at the door. */
struct held {
    int socket;
    int64_t until; /* milliseconds of CLOCK_MONOTONIC; INT64_MAX: for ever */
    struct sockaddr_in from;
    enum tls_profile profile;
};

struct door {
    struct door_user user;
    int listener, wake;
    pthread_t thread;
    struct held held[MOST_HELD];
    unsigned count;
};

/* --- Who waits --- */

static void release(struct door *door, unsigned index)
{
    door->held[index] = door->held[--door->count];
}

static void let_in_who_is_due(struct door *door)
{
    int64_t now = now_ms();

    for (unsigned i = door->count; i > 0; i--) {
        struct held one = door->held[i - 1];

        if (one.until <= now) {
            release(door, i - 1);
            door->user.enter(door->user.argument, one.socket, &one.from, one.profile);
        }
    }
}

static int next_due(const struct door *door)
{
    int64_t next = INT64_MAX, now = now_ms();

    for (unsigned i = 0; i < door->count; i++) {
        next = door->held[i].until < next ? door->held[i].until : next;
    }
    return next == INT64_MAX ? -1 : next <= now ? 0 : (int)(next - now);
}

static void hold(struct door *door, const struct held *one)
{
    if (door->count == MOST_HELD) {
        close(one->socket);
    } else {
        door->held[door->count++] = *one;
    }
}

/* --- Who comes --- */

/* With a reset, not an end: nothing was said. */
static void slam(int socket)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};

    setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(socket);
}

static void speak_nonsense(int socket)
{
    static const char words[] = "220 mail.example ESMTP at your service\r\n";

    if (send(socket, words, sizeof words - 1, MSG_NOSIGNAL) > 0) {
        shutdown(socket, SHUT_WR);
    }
    close(socket);
}

static void receive(struct door *door, struct held *one)
{
    cJSON *fault OWNED(owned_json) = door->user.fault(door->user.argument);
    int wait = fault_delays_connection(fault);

    one->profile = fault_tls_profile(fault);
    switch (fault_at_door(fault)) {
    case DOOR_STALLS:
        one->until = INT64_MAX;
        hold(door, one);
        break;
    case DOOR_CUTS:
        slam(one->socket);
        break;
    case DOOR_SPEAKS_NONSENSE:
        speak_nonsense(one->socket);
        break;
    case DOOR_OPENS:
        one->until = now_ms() + wait;
        hold(door, one); /* let in at once where it need not wait */
        break;
    }
}

static void receive_next(struct door *door)
{
    struct held one = {0};
    socklen_t size = sizeof one.from;

    one.socket = accept4(door->listener, (struct sockaddr *)&one.from, &size, SOCK_CLOEXEC);
    if (one.socket >= 0) {
        receive(door, &one);
    }
}

/* --- The thread --- */

static void drop_who_left(struct door *door, const struct pollfd *watched)
{
    for (unsigned i = door->count; i > 0; i--) {
        if (watched[i - 1].revents != 0) {
            close(door->held[i - 1].socket);
            release(door, i - 1);
        }
    }
}

static void *keep(void *argument)
{
    struct door *door = argument;
    struct pollfd *watched = need(calloc(MOST_HELD + 2, sizeof *watched));

    for (;;) {
        watched[0] = (struct pollfd){.fd = door->wake, .events = POLLIN};
        watched[1] = (struct pollfd){.fd = door->listener, .events = POLLIN};
        for (unsigned i = 0; i < door->count; i++) {
            watched[i + 2] = (struct pollfd){.fd = door->held[i].socket, .events = POLLRDHUP};
        }
        poll(watched, door->count + 2, next_due(door));
        if (watched[0].revents != 0) {
            break;
        }
        drop_who_left(door, watched + 2);
        if (watched[1].revents != 0) {
            receive_next(door);
        }
        let_in_who_is_due(door);
    }
    free(watched);
    return NULL;
}

/* --- Opening and closing --- */

static int listen_somewhere(unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, BACKLOG) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        if (listener >= 0) {
            close(listener);
        }
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return listener;
}

struct door *door_open(const struct door_user *user, unsigned *ret_port)
{
    struct door *door = need(calloc(1, sizeof *door));

    door->user = *user;
    door->listener = listen_somewhere(ret_port);
    door->wake = eventfd(0, EFD_CLOEXEC);
    if (door->listener < 0 || door->wake < 0 || pthread_create(&door->thread, NULL, keep, door) != 0) {
        free(door);
        return NULL;
    }
    return door;
}

void door_close(struct door *door)
{
    if (door == NULL) {
        return;
    }
    eventfd_write(door->wake, 1);
    pthread_join(door->thread, NULL);
    for (unsigned i = 0; i < door->count; i++) {
        close(door->held[i].socket);
    }
    close(door->listener);
    close(door->wake);
    free(door);
}
