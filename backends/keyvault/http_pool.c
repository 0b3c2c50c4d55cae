/* Handles, connections, and how every connection is made. */
#include "backends/keyvault/http_pool.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/keyvault/libcurl.h"
#include "backends/keyvault/tls_store.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

enum { MOST_IDLE = 64 };

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
    return CURLE_OK;
}

static void set_limits(CURL *easy, const struct http_client *client)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)((client->connection_age + 999) / 1000));
    /* A resolver that hangs must not hold us beyond the deadline; its thread ends by itself. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/* How it gets there. A set-id process listens to no environment, and nobody asks a proxy for its own machine.
 */
void http_pool_set_way(struct http_line *line, bool machine)
{
    const char *proxy = line->client->proxy;
    bool direct = machine || (proxy == NULL && process_is_secure());

    curl_easy_setopt(line->easy, CURLOPT_PROTOCOLS_STR, machine ? "http,https" : "https");
    curl_easy_setopt(line->easy, CURLOPT_PROXY, direct ? "" : proxy);
    curl_easy_setopt(line->easy, CURLOPT_NOPROXY, direct ? "*" : process_is_secure() ? "" : NULL);
}

static void set_tls(CURL *easy, struct http_line *line)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20");
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
    set_limits(line->easy, client);
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

void http_pool_give(struct http_client *client, struct http_line *line)
{
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < MOST_IDLE) {
        line->next = client->idle;
        client->idle = line;
        client->idle_count++;
        line = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    line_free(line);
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
    free(client->proxy);
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
    while (client->idle != NULL) {
        struct http_line *line = client->idle;

        client->idle = line->next;
        line_free(line);
    }
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
