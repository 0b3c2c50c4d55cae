/* A proxy for tests. */
#include "tests/backends/keyvault/proxy_server.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_TUNNELS = 128, HEAD_SIZE = 2048 };

struct tunnel {
    struct proxy_server *proxy;
    int client, server; /* -1: none */
    bool silent;
    pthread_t thread;
};

struct proxy_server {
    int listener;
    unsigned port;
    pthread_t acceptor;
    pthread_mutex_t lock; /* for what follows */
    bool stopping;
    unsigned status, asked, count;
    const char *credentials;
    char target[300], head[HEAD_SIZE];
    struct tunnel tunnels[MOST_TUNNELS];
};

/* --- One tunnel --- */

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &found) == 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
        freeaddrinfo(found);
    }
    return fd;
}

static bool say(int fd, const void *data, size_t size)
{
    return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void note(struct tunnel *tunnel, const char *host, const char *port, const char *head)
{
    struct proxy_server *proxy = tunnel->proxy;

    pthread_mutex_lock(&proxy->lock);
    proxy->asked++;
    snprintf(proxy->target, sizeof proxy->target, "%s:%s", host, port);
    snprintf(proxy->head, sizeof proxy->head, "%s", head);
    pthread_mutex_unlock(&proxy->lock);
}

/* 0: it may go through. */
static unsigned refusal(struct proxy_server *proxy, const char *head)
{
    char line[256];
    unsigned status;

    pthread_mutex_lock(&proxy->lock);
    status = proxy->status;
    if (proxy->credentials != NULL) {
        snprintf(line, sizeof line, "\r\nProxy-Authorization: Basic %s\r\n", proxy->credentials);
        status = strcasestr(head, line) == NULL ? 407 : status;
    }
    pthread_mutex_unlock(&proxy->lock);
    return status;
}

static bool open_http(struct tunnel *tunnel, char *head, size_t size)
{
    char host[256], port[8], answer[160];
    unsigned status;
    ssize_t got = 1;

    while (strstr(head, "\r\n\r\n") == NULL && got > 0 && size < HEAD_SIZE - 1) {
        got = read(tunnel->client, head + size, HEAD_SIZE - 1 - size);
        size += got > 0 ? (size_t)got : 0;
        head[size] = 0;
    }
    if (sscanf(head, "CONNECT %255[^:]:%7[0-9] HTTP/1.1", host, port) != 2) {
        return false;
    }
    note(tunnel, host, port, head);
    status = refusal(tunnel->proxy, head);
    if (status != 0) {
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %u No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
                 status);
        (void)say(tunnel->client, answer, strlen(answer));
        return false;
    }
    tunnel->server = connect_to(host, port);
    return tunnel->server >= 0 && say(tunnel->client, "HTTP/1.1 200 Way\r\nDate: x\r\n\r\n", 29);
}

/* RFC 1928, without authentication; the address is a name or IPv4. */
static bool open_socks(struct tunnel *tunnel)
{
    static const unsigned char done[10] = {5, 0, 0, 1};
    unsigned char in[300];
    char host[256], port[8];
    size_t length;

    if (!say(tunnel->client, "\5\0", 2) || read(tunnel->client, in, sizeof in) < 10) {
        return false;
    }
    length = in[3] == 3 ? in[4] : 4;
    if (in[3] == 3) {
        snprintf(host, sizeof host, "%.*s", (int)length, (const char *)in + 5);
        length++;
    } else {
        inet_ntop(AF_INET, in + 4, host, sizeof host);
    }
    snprintf(port, sizeof port, "%u", in[4 + length] * 256u + in[5 + length]);
    note(tunnel, host, port, "");
    tunnel->server = connect_to(host, port);
    return tunnel->server >= 0 && say(tunnel->client, done, sizeof done);
}

static bool open_tunnel(struct tunnel *tunnel)
{
    char head[HEAD_SIZE] = "";
    ssize_t got = read(tunnel->client, head, sizeof head - 1);

    return got > 0 && (head[0] == 5 ? open_socks(tunnel) : open_http(tunnel, head, (size_t)got));
}

static bool is_silent(const struct tunnel *tunnel)
{
    bool silent;

    pthread_mutex_lock(&tunnel->proxy->lock);
    silent = tunnel->silent;
    pthread_mutex_unlock(&tunnel->proxy->lock);
    return silent;
}

/* False: one side is at its end. */
static bool forward(struct tunnel *tunnel, int from, int to)
{
    char data[16384];
    ssize_t got = read(from, data, sizeof data);

    return got > 0 && (is_silent(tunnel) || say(to, data, (size_t)got));
}

static void *serve(void *arg)
{
    struct tunnel *tunnel = arg;
    bool open = open_tunnel(tunnel);

    while (open) {
        struct pollfd ends[] = {{tunnel->client, POLLIN, 0}, {tunnel->server, POLLIN, 0}};

        open = poll(ends, 2, -1) > 0;
        if (open && ends[0].revents != 0) {
            open = forward(tunnel, tunnel->client, tunnel->server);
        }
        if (open && ends[1].revents != 0) {
            open = forward(tunnel, tunnel->server, tunnel->client);
        }
    }
    shutdown(tunnel->client, SHUT_RDWR);
    if (tunnel->server >= 0) {
        shutdown(tunnel->server, SHUT_RDWR);
    }
    return NULL;
}

/* --- All of them --- */

static void *accept_all(void *arg)
{
    struct proxy_server *proxy = arg;
    int fd;

    while ((fd = accept(proxy->listener, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&proxy->lock);
        if (proxy->stopping || proxy->count == MOST_TUNNELS) {
            close(fd);
        } else {
            struct tunnel *tunnel = &proxy->tunnels[proxy->count++];

            *tunnel = (struct tunnel){.proxy = proxy, .client = fd, .server = -1};
            pthread_create(&tunnel->thread, NULL, serve, tunnel);
        }
        pthread_mutex_unlock(&proxy->lock);
    }
    return NULL;
}

struct proxy_server *proxy_server_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct proxy_server *proxy = calloc(1, sizeof *proxy);
    socklen_t size = sizeof address;

    if (proxy == NULL) {
        return NULL;
    }
    pthread_mutex_init(&proxy->lock, NULL);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (proxy->listener < 0 || bind(proxy->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(proxy->listener, 128) != 0 ||
        getsockname(proxy->listener, (struct sockaddr *)&address, &size) != 0) {
        abort();
    }
    proxy->port = ntohs(address.sin_port);
    pthread_create(&proxy->acceptor, NULL, accept_all, proxy);
    return proxy;
}

void proxy_server_stop(struct proxy_server *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->stopping = true;
    for (unsigned i = 0; i < proxy->count; i++) {
        shutdown(proxy->tunnels[i].client, SHUT_RDWR);
    }
    pthread_mutex_unlock(&proxy->lock);
    shutdown(proxy->listener, SHUT_RDWR);
    pthread_join(proxy->acceptor, NULL);
    for (unsigned i = 0; i < proxy->count; i++) {
        pthread_join(proxy->tunnels[i].thread, NULL);
        close(proxy->tunnels[i].client);
        if (proxy->tunnels[i].server >= 0) {
            close(proxy->tunnels[i].server);
        }
    }
    close(proxy->listener);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}

unsigned proxy_server_port(const struct proxy_server *proxy)
{
    return proxy->port;
}

void proxy_server_refuse(struct proxy_server *proxy, unsigned status)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->status = status;
    pthread_mutex_unlock(&proxy->lock);
}

void proxy_server_demand(struct proxy_server *proxy, const char *credentials)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->credentials = credentials;
    pthread_mutex_unlock(&proxy->lock);
}

void proxy_server_fall_silent(struct proxy_server *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    for (unsigned i = 0; i < proxy->count; i++) {
        proxy->tunnels[i].silent = true;
    }
    pthread_mutex_unlock(&proxy->lock);
}

unsigned proxy_server_count(struct proxy_server *proxy)
{
    unsigned asked;

    pthread_mutex_lock(&proxy->lock);
    asked = proxy->asked;
    pthread_mutex_unlock(&proxy->lock);
    return asked;
}

const char *proxy_server_target(struct proxy_server *proxy)
{
    return proxy->target;
}

const char *proxy_server_head(struct proxy_server *proxy)
{
    return proxy->head;
}
