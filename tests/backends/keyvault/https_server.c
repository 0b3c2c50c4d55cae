/* HTTPS for tests. */
#include "tests/backends/keyvault/https_server.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 512, LARGEST_REQUEST = 256 * 1024 };

struct connection {
    struct https_server *server;
    unsigned number;
    int socket;
    bool closed;
    pthread_t thread;
};

struct https_server {
    https_handler *handler;
    void *arg;
    SSL_CTX *tls;
    int listener;
    unsigned port;
    char url[64], ca[128];
    pthread_t acceptor;
    pthread_mutex_t lock;   /* for what follows */
    pthread_mutex_t manner; /* the handler runs under it */
    bool stopping;
    unsigned requests, count;
    struct connection connections[MOST_CONNECTIONS];
};

/* --- Files --- */

static char folder[64];

const char *test_folder(void)
{
    if (folder[0] == 0) {
        strcpy(folder, "/tmp/byok-test.XXXXXX");
        if (mkdtemp(folder) == NULL) {
            abort();
        }
    }
    return folder;
}

void test_folder_remove(void)
{
    DIR *directory = folder[0] == 0 ? NULL : opendir(folder);
    const struct dirent *item;

    while (directory != NULL && (item = readdir(directory)) != NULL) {
        unlinkat(dirfd(directory), item->d_name, 0);
    }
    if (directory != NULL) {
        closedir(directory);
        rmdir(folder);
    }
    folder[0] = 0;
}

const char *test_file(const char *name, const char *content)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    FILE *file;

    snprintf(path, sizeof paths[0], "%s/%s", test_folder(), name);
    file = fopen(path, "w");
    if (file == NULL || fchmod(fileno(file), 0600) != 0 || fputs(content, file) < 0 || fclose(file) != 0) {
        abort();
    }
    return path;
}

/* --- Certificates --- */

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* Self-signed where issuer is NULL. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == NULL ? subject : X509_get_subject_name(issuer));
    X509_set_pubkey(certificate, key);
    if (issuer == NULL) {
        add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        char names[256];
        struct in_addr ip;

        snprintf(names, sizeof names, "%s:%s", inet_aton(name, &ip) ? "IP" : "DNS", name);
        add_extension(certificate, issuer, NID_subject_alt_name, names);
    }
    X509_sign(certificate, issuer_key, EVP_sha256());
    return certificate;
}

static bool make_tls(struct https_server *server, const char *host)
{
    static unsigned made;
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca, *certificate;
    char name[32];
    FILE *file;
    bool good;

    snprintf(name, sizeof name, "test CA %u", ++made);
    snprintf(server->ca, sizeof server->ca, "%s/ca-%u.pem", test_folder(), made);
    ca = make_certificate(ca_key, name, NULL, ca_key);
    certificate = make_certificate(key, host, ca, ca_key);
    file = fopen(server->ca, "w");
    good = file != NULL && PEM_write_X509(file, ca) == 1;
    good = file != NULL && fclose(file) == 0 && good;
    server->tls = SSL_CTX_new(TLS_server_method());
    good = good && SSL_CTX_use_certificate(server->tls, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(server->tls, key) == 1;
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return good;
}

/* --- One connection --- */

struct incoming {
    char data[LARGEST_REQUEST];
    size_t size;
};

static size_t content_length(const char *headers)
{
    const char *line = strcasestr(headers, "\r\nContent-Length:");

    return line == NULL ? 0 : (size_t)strtoul(line + 17, NULL, 10);
}

/* Where the body begins, once all has come; 0: the other is gone. */
static size_t read_request(SSL *ssl, struct incoming *in)
{
    in->size = 0;
    for (;;) {
        char *end;
        int got = SSL_read(ssl, in->data + in->size, (int)(sizeof in->data - in->size - 1));

        if (got <= 0) {
            return 0;
        }
        in->size += (size_t)got;
        in->data[in->size] = 0;
        end = strstr(in->data, "\r\n\r\n");
        if (end != NULL && in->size >= (size_t)(end + 4 - in->data) + content_length(in->data)) {
            return (size_t)(end + 4 - in->data);
        }
    }
}

static void handle(struct connection *connection, struct incoming *in, size_t body_at,
                   struct https_reply *reply)
{
    struct https_server *server = connection->server;
    struct https_request request = {.connection = connection->number};
    char *space = strchr(in->data, ' '), *line_end = strstr(in->data, "\r\n"), *path_end;

    request.body = bytes_of(in->data + body_at, in->size - body_at);
    in->data[body_at - 2] = 0;
    request.headers = line_end;
    request.method = in->data;
    request.path = space + 1;
    *space = 0;
    path_end = strchr(space + 1, ' ');
    *path_end = 0;
    pthread_mutex_lock(&server->lock);
    request.number = ++server->requests;
    pthread_mutex_unlock(&server->lock);
    pthread_mutex_lock(&server->manner);
    server->handler(server->arg, &request, reply);
    pthread_mutex_unlock(&server->manner);
}

static void wait_for_the_end(struct https_server *server)
{
    bool over = false;

    while (!over) {
        usleep(5000);
        pthread_mutex_lock(&server->lock);
        over = server->stopping;
        pthread_mutex_unlock(&server->lock);
    }
}

/* False where the connection ends with this reply. */
static bool send_reply(struct https_server *server, SSL *ssl, const struct https_reply *reply)
{
    struct buffer head = BUFFER_INIT(LARGEST_REQUEST);
    size_t body = reply->act == HTTPS_HALF ? reply->body.size / 2 : reply->body.size;
    bool good;

    if (reply->act == HTTPS_CUT) {
        return false;
    }
    if (reply->act == HTTPS_STALL) {
        wait_for_the_end(server);
        return false;
    }
    good = reply->act == HTTPS_RAW ||
           buffer_printf(&head, "HTTP/1.1 %u Status\r\nContent-Length: %zu\r\n%s\r\n", reply->status,
                         reply->body.size, reply->headers == NULL ? "" : reply->headers) == CKR_OK;
    good = good && buffer_append(&head, reply->body.data, body) == CKR_OK &&
           SSL_write(ssl, head.data, (int)head.size) > 0;
    buffer_free(&head);
    return good && reply->act == HTTPS_ANSWER;
}

static void serve_requests(struct connection *connection, SSL *ssl, struct incoming *in)
{
    bool more = true;

    while (more) {
        struct https_reply reply = {.status = 200, .body = BUFFER_INIT(8 * 1024 * 1024)};
        size_t body_at = read_request(ssl, in);

        more = body_at != 0;
        if (more) {
            handle(connection, in, body_at, &reply);
            more = send_reply(connection->server, ssl, &reply);
        }
        buffer_free(&reply.body);
    }
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct incoming *in = calloc(1, sizeof *in);
    SSL *ssl = SSL_new(connection->server->tls);

    SSL_set_fd(ssl, connection->socket);
    if (SSL_accept(ssl) == 1) {
        serve_requests(connection, ssl, in);
    }
    SSL_free(ssl);
    ERR_clear_error();
    pthread_mutex_lock(&connection->server->lock);
    close(connection->socket);
    connection->closed = true;
    pthread_mutex_unlock(&connection->server->lock);
    free(in);
    return NULL;
}

/* --- All of them --- */

static void *accept_all(void *arg)
{
    struct https_server *server = arg;
    int socket;

    while ((socket = accept(server->listener, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&server->lock);
        if (server->stopping || server->count == MOST_CONNECTIONS) {
            close(socket);
        } else {
            struct connection *connection = &server->connections[server->count++];

            *connection = (struct connection){server, server->count, socket, false, 0};
            pthread_create(&connection->thread, NULL, serve, connection);
        }
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static bool listen_on_loopback(struct https_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, 128) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "https://127.0.0.1:%u", server->port);
    return true;
}

struct https_server *https_server_start(const char *host, https_handler *handler, void *arg)
{
    struct https_server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        return NULL;
    }
    server->handler = handler;
    server->arg = arg;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->manner, NULL);
    if (!make_tls(server, host) || !listen_on_loopback(server) ||
        pthread_create(&server->acceptor, NULL, accept_all, server) != 0) {
        abort();
    }
    return server;
}

void https_server_handle(struct https_server *server, https_handler *handler)
{
    pthread_mutex_lock(&server->manner);
    server->handler = handler;
    pthread_mutex_unlock(&server->manner);
}

void https_server_hang_up(struct https_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->count; i++) {
        if (!server->connections[i].closed) {
            shutdown(server->connections[i].socket, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&server->lock);
}

void https_server_stop(struct https_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    https_server_hang_up(server);
    for (unsigned i = 0; i < server->count; i++) {
        pthread_join(server->connections[i].thread, NULL);
    }
    close(server->listener);
    SSL_CTX_free(server->tls);
    unlink(server->ca);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->manner);
    free(server);
}

unsigned https_server_port(const struct https_server *server)
{
    return server->port;
}

const char *https_server_url(const struct https_server *server)
{
    return server->url;
}

const char *https_server_ca(const struct https_server *server)
{
    return server->ca;
}

static unsigned counter(struct https_server *server, const unsigned *which)
{
    unsigned value;

    pthread_mutex_lock(&server->lock);
    value = *which;
    pthread_mutex_unlock(&server->lock);
    return value;
}

unsigned https_server_requests(struct https_server *server)
{
    return counter(server, &server->requests);
}

unsigned https_server_connections(struct https_server *server)
{
    return counter(server, &server->count);
}

void https_say(struct https_reply *reply, unsigned status, const char *headers, const char *body)
{
    reply->status = status;
    reply->headers = headers;
    if (buffer_append_text(&reply->body, body) != CKR_OK) {
        abort();
    }
}

bool https_has_header(const struct https_request *request, const char *line)
{
    const char *found = strcasestr(request->headers, line);

    return found != NULL && found >= request->headers + 2 && found[-1] == '\n' && found[strlen(line)] == '\r';
}
