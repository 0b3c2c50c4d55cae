/* The delaying proxy: one thread, epoll, and a timer for what is due next. */
#include "tests/bench/delay.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, MOST_HELD = 4 * 1024 * 1024, EVENTS = 64, TRY_AGAIN_NS = 1000 * 1000 };

struct chunk {
    struct chunk *next;
    int64_t due;
    size_t size, sent; /* size 0: the end */
    unsigned char data[];
};

/* One direction of a connection. */
struct flow {
    struct link *link;
    int from, to;
    struct chunk *first, **last;
    size_t held;
    int64_t opens; /* nothing arrives before */
    bool reading;  /* `from` is watched */
    bool ended;    /* the end has been passed on */
};

struct link {
    struct link *next;
    struct flow there, back;
};

static struct {
    int listener, timer, epoll;
    unsigned target_port;
    int64_t half; /* nanoseconds */
    struct link *links;
} proxy;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* --- Bytes --- */

static void watch(struct flow *flow, bool reading)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};

    if (reading != flow->reading) {
        epoll_ctl(proxy.epoll, reading ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, flow->from, &event);
        flow->reading = reading;
    }
}

static void hold(struct flow *flow, const void *data, size_t size)
{
    struct chunk *chunk = malloc(sizeof *chunk + size);
    int64_t due = now_ns() + proxy.half;

    if (chunk == NULL) {
        _exit(1);
    }
    *chunk = (struct chunk){.due = due < flow->opens ? flow->opens : due, .size = size};
    if (size != 0) {
        memcpy(chunk->data, data, size);
    }
    *flow->last = chunk;
    flow->last = &chunk->next;
    flow->held += size;
}

/* Of an end, a broken connection is one: nothing more will come. */
static void take_in(struct flow *flow)
{
    static unsigned char data[CHUNK];
    ssize_t size = read(flow->from, data, sizeof data);

    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    hold(flow, data, size < 0 ? 0 : (size_t)size);
    watch(flow, size > 0 && flow->held < MOST_HELD);
}

static void drop_first(struct flow *flow)
{
    struct chunk *chunk = flow->first;

    flow->held -= chunk->size;
    flow->first = chunk->next;
    if (flow->first == NULL) {
        flow->last = &flow->first;
    }
    if (chunk->size == 0) {
        flow->ended = true;
    } else if (flow->held < MOST_HELD && !flow->reading && flow->first == NULL) {
        watch(flow, true);
    }
    free(chunk);
}

/* False: the rest has to wait. */
static bool pass_on(struct flow *flow)
{
    struct chunk *chunk = flow->first;
    ssize_t size;

    if (chunk->size == 0) {
        shutdown(flow->to, SHUT_WR);
        drop_first(flow);
        return true;
    }
    size = send(flow->to, chunk->data + chunk->sent, chunk->size - chunk->sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN) {
        chunk->due = now_ns() + TRY_AGAIN_NS;
        return false;
    }
    chunk->sent = size < 0 ? chunk->size : chunk->sent + (size_t)size; /* nobody is there: it is lost */
    if (chunk->sent == chunk->size) {
        drop_first(flow);
    }
    return true;
}

static void pass_on_due(struct flow *flow, int64_t now, int64_t *next)
{
    while (flow->first != NULL && flow->first->due <= now && pass_on(flow)) {
    }
    if (flow->first != NULL && flow->first->due < *next) {
        *next = flow->first->due;
    }
}

/* --- Connections --- */

static void flow_init(struct flow *flow, struct link *link, int from, int to, int64_t opens)
{
    *flow = (struct flow){.link = link, .from = from, .to = to, .opens = opens, .last = &flow->first};
    watch(flow, true);
}

static void prepare(int fd)
{
    int yes = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void take_caller(void)
{
    struct sockaddr_in target = loopback(proxy.target_port);
    int caller = accept4(proxy.listener, NULL, NULL, SOCK_CLOEXEC);
    int there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct link *link = calloc(1, sizeof *link);

    if (caller < 0 || there < 0 || link == NULL ||
        connect(there, (struct sockaddr *)&target, sizeof target) != 0) {
        close(caller);
        close(there);
        free(link);
        return;
    }
    prepare(caller);
    prepare(there);
    flow_init(&link->there, link, caller, there, now_ns() + 3 * proxy.half);
    flow_init(&link->back, link, there, caller, 0);
    link->next = proxy.links;
    proxy.links = link;
}

static void free_flow(struct flow *flow)
{
    while (flow->first != NULL) {
        struct chunk *chunk = flow->first;

        flow->first = chunk->next;
        free(chunk);
    }
    close(flow->from);
}

/* Sends what is due, and forgets what has ended on both sides. When to come again. */
static int64_t serve_links(void)
{
    struct link **at = &proxy.links;
    int64_t now = now_ns(), next = INT64_MAX;

    while (*at != NULL) {
        struct link *link = *at;

        pass_on_due(&link->there, now, &next);
        pass_on_due(&link->back, now, &next);
        if (link->there.ended && link->back.ended) {
            *at = link->next;
            free_flow(&link->there);
            free_flow(&link->back);
            free(link);
        } else {
            at = &link->next;
        }
    }
    return next;
}

static void set_timer(int64_t at)
{
    struct itimerspec time = {.it_value = {0, 0}}; /* never */

    if (at != INT64_MAX) {
        time.it_value = (struct timespec){at / 1000000000, at % 1000000000};
    }
    timerfd_settime(proxy.timer, TFD_TIMER_ABSTIME, &time, NULL);
}

static void serve(void)
{
    struct epoll_event events[EVENTS];
    uint64_t expired;

    for (;;) {
        int count;

        set_timer(serve_links());
        count = epoll_wait(proxy.epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &proxy.listener) {
                take_caller();
            } else if (events[i].data.ptr == &proxy.timer) {
                (void)!read(proxy.timer, &expired, sizeof expired);
            } else {
                take_in(events[i].data.ptr);
            }
        }
    }
}

/* --- The process --- */

static bool watch_own(int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

    return *fd >= 0 && epoll_ctl(proxy.epoll, EPOLL_CTL_ADD, *fd, &event) == 0;
}

static bool begin(unsigned target_port, unsigned round_trip_ms)
{
    proxy.epoll = epoll_create1(EPOLL_CLOEXEC);
    proxy.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    proxy.target_port = target_port;
    proxy.half = (int64_t)round_trip_ms * 1000000 / 2;
    return proxy.epoll >= 0 && watch_own(&proxy.timer) && watch_own(&proxy.listener);
}

static bool listen_somewhere(int *ret_listener, unsigned *ret_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        close(fd);
        return false;
    }
    *ret_listener = fd;
    *ret_port = ntohs(address.sin_port);
    return true;
}

bool delay_start(unsigned target_port, unsigned round_trip_ms, struct delay *ret_delay)
{
    pid_t parent = getpid(), pid;
    unsigned port;

    if (!listen_somewhere(&proxy.listener, &port)) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && begin(target_port, round_trip_ms)) {
            serve();
        }
        _exit(1);
    }
    close(proxy.listener);
    *ret_delay = (struct delay){pid, port};
    return pid > 0;
}

void delay_end(struct delay *delay)
{
    if (delay->pid > 0) {
        kill(delay->pid, SIGKILL);
        waitpid(delay->pid, NULL, 0);
    }
    delay->pid = 0;
}
