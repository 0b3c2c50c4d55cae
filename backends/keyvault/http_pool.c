/* Handles, connections, and how every connection is made. */
#include "backends/keyvault/http_pool.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/keyvault/libcurl.h"
#include "backends/keyvault/tls_store.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    MOST_IDLE = 64,
    LONGEST_IDLE = 60,      /* seconds; load balancers forget a silent connection after minutes */
    LOOK_AGAIN = 1000,      /* milliseconds between two looks for those */
    SILENCE_SHARE = 3,      /* the part of the time that a dead connection may cost */
    KEEPALIVE_IDLE = 15,    /* seconds; three probes later a peer that is gone is known to be */
    KEEPALIVE_INTERVAL = 5, /* seconds */
    KEEPALIVE_COUNT = 3,
    UPLOAD_ROOM = 16 * 1024, /* bytes, the least there can be: made and wiped for each request */
    UNACKNOWLEDGED = 10000   /* milliseconds that sent bytes may stay so (RFC 5482) */
};

static struct {
    pthread_mutex_t lock;
    struct http_client *clients; /* all there are; in a forked child the parent's too, which nobody walks */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* CURLOPT_SSL_CTX_FUNCTION: called for each new connection, in the place of libcurl's own CA loading. */
static CURLcode prepare_tls(CURL *easy, void *ssl_ctx, void *arg)
{
    const struct http_line *line = arg;
    SSL_CTX *context = ssl_ctx;
    X509_STORE *store;

    (void)easy;
    if (tls_store_get(line->client->about, line->client->ca_file, line->deadline, &store) != CKR_OK) {
        return CURLE_SSL_CACERT_BADFILE;
    }
    SSL_CTX_set_cert_store(context, store); /* which owns it now */
    SSL_CTX_set_keylog_callback(context, NULL);
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    /* libcurl lets go of the record buffers behind each record; then all 16 KiB of them would be wiped. */
    SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return CURLE_OK;
}

/* CURLOPT_SOCKOPTFUNCTION: called for each new connection. A socket without these options works as well. */
static int prepare_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
    struct http_line *line = arg;
    int count = KEEPALIVE_COUNT, time = UNACKNOWLEDGED;

    (void)purpose;
    line->connected = true;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &time, sizeof time);
    return CURL_SOCKOPT_OK;
}

/* A name is resolved anew for each connection: the place may have moved, and connections are few. */
static void set_connection(CURL *easy, struct http_line *line)
{
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, line);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)((line->client->connection_age + 999) / 1000));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)LONGEST_IDLE);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

static void set_limits(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_ROOM);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    /* A resolver that hangs must not hold us beyond the deadline; its thread ends by itself. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/*
 * How it gets there. A set-id process listens to no environment, who has `proxy` in the configuration
 * neither, and nobody asks a proxy for its own machine.
 */
void http_pool_set_way(struct http_line *line, bool machine)
{
    const char *proxy = line->client->proxy;
    bool direct = machine || (proxy == NULL ? process_is_secure() : proxy[0] == 0);

    curl_easy_setopt(line->easy, CURLOPT_PROTOCOLS_STR, machine ? "http,https" : "https");
    curl_easy_setopt(line->easy, CURLOPT_PROXY, direct ? "" : proxy);
    curl_easy_setopt(line->easy, CURLOPT_NOPROXY, direct ? "*" : proxy != NULL ? "" : NULL);
}

static void set_tls(CURL *easy, struct http_line *line)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20");
    curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, line);
}

static void line_free(struct http_line *line)
{
    if (line != NULL) {
        curl_easy_cleanup(line->easy);
        free(line);
    }
}

static CK_RV line_new(const struct http_client *client, struct http_line **ret_line)
{
    struct http_line *line = calloc(1, sizeof *line);

    if (line == NULL) {
        return CKR_HOST_MEMORY;
    }
    line->easy = curl_easy_init();
    if (line->easy == NULL) {
        free(line);
        return CKR_HOST_MEMORY;
    }
    line->client = client;
    set_limits(line->easy);
    set_connection(line->easy, line);
    set_tls(line->easy, line);
    curl_easy_setopt(line->easy, CURLOPT_ERRORBUFFER, line->error);
    *ret_line = line;
    return CKR_OK;
}

CK_RV http_pool_take(struct http_client *client, struct http_line **ret_line)
{
    struct http_line *line;

    pthread_mutex_lock(&client->lock);
    line = client->idle;
    if (line != NULL) {
        client->idle = line->next;
        client->idle_count--;
    }
    pthread_mutex_unlock(&client->lock);
    if (line == NULL) {
        return line_new(client, ret_line);
    }
    *ret_line = line;
    return CKR_OK;
}

static void lines_free(struct http_line *lines)
{
    while (lines != NULL) {
        struct http_line *line = lines;

        lines = line->next;
        line_free(line);
    }
}

/* Those idle since before then, which are the last in the list. */
static struct http_line *cut_locked(struct http_client *client, int64_t before)
{
    struct http_line **at = &client->idle, *old;
    unsigned kept = 0;

    while (*at != NULL && (*at)->since >= before) {
        at = &(*at)->next;
        kept++;
    }
    old = *at;
    *at = NULL;
    client->idle_count = kept;
    return old;
}

void http_pool_retire(struct http_client *client, int64_t before)
{
    struct http_line *old;

    pthread_mutex_lock(&client->lock);
    old = cut_locked(client, before);
    pthread_mutex_unlock(&client->lock);
    lines_free(old);
}

/* A service that is slow over every connection is not given up for that. */
int64_t http_pool_patience(const struct http_client *client, int64_t left)
{
    int64_t usual = left / SILENCE_SHARE;
    int64_t slow = 2 * atomic_load_explicit(&client->took, memory_order_relaxed);

    usual = usual < client->connect_timeout ? usual : client->connect_timeout;
    return usual > slow ? usual : slow < left / 2 ? slow : left / 2;
}

/* Having no threads, it is left to who comes next to close what has been idle too long. */
void http_pool_give(struct http_client *client, struct http_line *line, int64_t took)
{
    struct http_line *old = NULL;

    atomic_store_explicit(&client->took, took, memory_order_relaxed);
    pthread_mutex_lock(&client->lock);
    line->since = clock_now();
    if (client->idle_count < MOST_IDLE) {
        line->next = client->idle;
        client->idle = line;
        client->idle_count++;
        line = NULL;
    }
    if (clock_now() - client->looked_at >= LOOK_AGAIN) {
        client->looked_at = clock_now();
        old = cut_locked(client, client->looked_at - LONGEST_IDLE * 1000);
    }
    pthread_mutex_unlock(&client->lock);
    line_free(line);
    lines_free(old);
}

void http_pool_drop(struct http_line *line)
{
    line_free(line);
}

static void client_link(struct http_client *client)
{
    pthread_mutex_lock(&state.lock);
    client->next = state.clients;
    if (client->next != NULL) {
        client->next->previous = client;
    }
    state.clients = client;
    pthread_mutex_unlock(&state.lock);
}

static void client_unlink(struct http_client *client)
{
    pthread_mutex_lock(&state.lock);
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else {
        state.clients = client->next;
    }
    pthread_mutex_unlock(&state.lock);
}

static void client_done(struct http_client *client)
{
    free(client->about);
    free(client->ca_file);
    wipe_free_text(client->proxy);
    free(client);
}

CK_RV http_client_new(const struct http_options *options, struct http_client **ret_client)
{
    struct http_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        return CKR_HOST_MEMORY;
    }
    client->connect_timeout = options->connect_timeout;
    client->connection_age = options->connection_age;
    client->about = strdup(options->about);
    client->ca_file = options->ca_file == NULL ? NULL : strdup(options->ca_file);
    client->proxy = options->proxy == NULL ? NULL : strdup(options->proxy);
    if (client->about == NULL || (options->ca_file != NULL && client->ca_file == NULL) ||
        (options->proxy != NULL && client->proxy == NULL)) {
        client_done(client);
        return CKR_HOST_MEMORY;
    }
    pthread_mutex_init(&client->lock, NULL);
    client_link(client);
    *ret_client = client;
    return CKR_OK;
}

static void close_idle(struct http_client *client)
{
    struct libcurl_visit visit;

    if (client->idle == NULL || libcurl_enter(&visit) != CKR_OK) {
        return; /* after OpenSSL's own clean-up the connections are left to the end of the process */
    }
    lines_free(client->idle);
    client->idle = NULL;
    libcurl_leave(&visit);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    client_unlink(client);
    close_idle(client);
    pthread_mutex_destroy(&client->lock);
    client_done(client);
}

void http_after_fork(void)
{
    pthread_mutex_init(&state.lock, NULL);
}
