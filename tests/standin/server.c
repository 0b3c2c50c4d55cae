/* The web servers, over libmicrohttpd. */
#include "tests/standin/server.h"
#include "tests/standin/asked.h"
#include "tests/standin/door.h"
#include "tests/standin/send.h"
#include "tests/standin/wire.h"
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_LIMIT = 1 << 20 };

struct server {
    struct standin *standin;
    const struct server_kind *kind;
    const struct certificates *tls; /* NULL: plain HTTP */
    struct door *door;
    unsigned port;
    struct MHD_Daemon *daemons[TLS_PROFILES]; /* the door's thread starts those that are needed */
    atomic_bool stopping;
};

/* A request while its body comes in. */
struct arrival {
    char *body;
    size_t size;
    bool too_large;
};

/* --- What a service may ask of a request --- */

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

char *request_base(const struct request *request, const char *fallback)
{
    const char *host = request_header(request, "Host");
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";

    if (host == NULL || host[0] == '\0' || host[strspn(host, allowed)] != '\0') {
        return text("%s", fallback);
    }
    return text("https://%s", host);
}

/* --- Waiting --- */

/* False: the client went away, or we stop. Below 0 is for ever. */
static bool wait_for(const struct server *server, const struct request *request, int milliseconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int64_t end = now_ms() + milliseconds;

    while (milliseconds < 0 || now_ms() < end) {
        struct pollfd watched = {.fd = info->connect_fd, .events = POLLRDHUP};
        int64_t left = milliseconds < 0 ? 100 : end - now_ms();

        if (atomic_load(&server->stopping) || poll(&watched, 1, (int)(left > 100 ? 100 : left)) != 0) {
            return false;
        }
    }
    return true;
}

/* --- Answering --- */

static cJSON *arrived(const struct server *server, const struct request *request)
{
    struct standin *standin = server->standin;
    enum operation operation;

    if (server->kind->service == SERVICE_CONTROL) {
        return NULL;
    }
    operation = server->kind->operation(request->method, request->path);
    LOCKED(standin);
    counts_request(&standin->counts, operation);
    counts_log(&standin->counts, asked_entry(server->kind->service, operation, request));
    return faults_take(standin->faults, server->kind->service, operation, request->path);
}

static void answered(const struct server *server)
{
    if (server->kind->service != SERVICE_CONTROL) {
        LOCKED(server->standin);
        counts_answered(&server->standin->counts);
    }
}

/* False: there is no answer, the connection closes. */
static bool make_answer(const struct server *server, const struct request *request, struct answer *answer)
{
    cJSON *fault OWNED(owned_json) = arrived(server, request);
    int wait = fault_wait(fault);

    if ((wait != 0 && !wait_for(server, request, wait)) || fault_cuts(fault)) {
        return false;
    }
    server->kind->headers(server->standin, request, answer);
    if (!fault_answers(fault, server->standin, server->kind->service, answer)) {
        server->kind->answer(server->standin, request, answer);
    }
    fault_spoils(fault, answer);
    return true;
}

/* Who waits for what. */
struct waiting {
    const struct server *server;
    const struct request *request;
};

static bool wait_on_wire(void *argument, int milliseconds)
{
    const struct waiting *waiting = argument;

    return wait_for(waiting->server, waiting->request, milliseconds);
}

static enum MHD_Result respond(const struct server *server, const struct request *request)
{
    struct answer answer OWNED(answer_done) = {0};
    struct waiting waiting = {server, request};
    bool made = make_answer(server, request, &answer);

    if (made && wire_is_needed(&answer)) {
        wire_send(request->connection, &answer, wait_on_wire, &waiting);
        made = false;
    }
    answered(server);
    return made && send_answer(request->connection, &answer) ? MHD_YES : MHD_NO;
}

/* --- What libmicrohttpd calls --- */

static void collect(struct arrival *arrival, const char *data, size_t size)
{
    if (arrival->size + size > BODY_LIMIT) {
        arrival->too_large = true;
        return;
    }
    arrival->body = need(realloc(arrival->body, arrival->size + size + 1));
    memcpy(arrival->body + arrival->size, data, size);
    arrival->size += size;
    arrival->body[arrival->size] = '\0';
}

/* A client that cannot send it says the true method in a header of POST. */
static const char *method_of(struct MHD_Connection *connection, const char *method)
{
    static const char *const others[] = {"GET", "PUT", "PATCH", "DELETE"};
    const char *meant = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-HTTP-METHOD");

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(method, "POST") == 0 && meant != NULL && strcmp(meant, others[i]) == 0) {
            return others[i];
        }
    }
    return method;
}

static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **state)
{
    struct arrival *arrival = *state;
    struct request request = {.connection = connection, .path = url};

    (void)version;
    if (arrival == NULL) {
        *state = need(calloc(1, sizeof *arrival));
        return MHD_YES;
    }
    if (*size > 0) {
        collect(arrival, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (arrival->too_large) {
        return MHD_NO;
    }
    request.method = method_of(connection, method);
    request.body = arrival->body == NULL ? "" : arrival->body;
    request.size = arrival->size;
    return respond(argument, &request);
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct arrival *arrival = *state;

    (void)argument, (void)connection, (void)why;
    if (arrival != NULL) {
        free(arrival->body);
        free(arrival);
    }
}

static void on_complaint(void *argument, const char *format, va_list arguments)
{
    (void)argument, (void)format, (void)arguments; /* clients break connections here all the time */
}

static struct MHD_Daemon *start_daemon(struct server *server, enum tls_profile profile)
{
    const struct certificates *tls = server->tls;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                     MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                     (tls == NULL ? 0 : MHD_USE_TLS) |
                     (server->kind->without_date ? MHD_USE_SUPPRESS_DATE_NO_CLOCK : 0);
    struct MHD_OptionItem certificate[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls == NULL ? NULL : tls->of[profile].key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, tls == NULL ? NULL : tls->of[profile].server},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls == NULL ? NULL : (void *)(uintptr_t)tls->of[profile].priorities},
        {MHD_OPTION_END, 0, NULL}};

    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
                            on_complaint, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                            MHD_OPTION_ARRAY, tls == NULL ? certificate + 3 : certificate, MHD_OPTION_END);
}

/* --- What the door calls --- */

static cJSON *fault_of_connection(void *argument)
{
    struct server *server = argument;
    struct standin *standin = server->standin;

    LOCKED(standin);
    standin->counts.connections[server->kind->service]++;
    return server->kind->service == SERVICE_CONTROL
               ? NULL
               : faults_take_connection(standin->faults, server->kind->service);
}

static void enter(void *argument, int socket, const struct sockaddr_in *from, enum tls_profile profile)
{
    struct server *server = argument;
    struct MHD_Daemon **daemon = &server->daemons[server->tls == NULL ? TLS_GOOD : profile];

    if (*daemon == NULL) {
        *daemon = start_daemon(server, profile);
    }
    if (*daemon == NULL) {
        close(socket);
        return;
    }
    MHD_add_connection(*daemon, socket, (const struct sockaddr *)from,
                       sizeof *from); /* it closes the socket */
}

/* --- Start and end --- */

struct server *server_start(struct standin *standin, const struct server_kind *kind,
                            const struct certificates *tls)
{
    struct server *server = need(calloc(1, sizeof *server));

    server->standin = standin;
    server->kind = kind;
    server->tls = tls;
    server->daemons[TLS_GOOD] = start_daemon(server, TLS_GOOD);
    if (server->daemons[TLS_GOOD] != NULL) {
        server->door = door_open(&(struct door_user){server, fault_of_connection, enter}, &server->port);
    }
    if (server->door == NULL) {
        server_stop(server);
        return NULL;
    }
    return server;
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (server == NULL) {
        return;
    }
    atomic_store(&server->stopping, true);
    door_close(server->door);
    for (unsigned i = 0; i < TLS_PROFILES; i++) {
        if (server->daemons[i] != NULL) {
            MHD_stop_daemon(server->daemons[i]);
        }
    }
    free(server);
}
