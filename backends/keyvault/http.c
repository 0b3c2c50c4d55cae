/* A request goes out, a reply comes in. */
#include "backends/keyvault/http.h"
#include "backends/base/scope.h"
#include "backends/keyvault/http_failure.h"
#include "backends/keyvault/http_pool.h"
#include "backends/keyvault/http_tls.h"
#include "backends/keyvault/libcurl.h"
#include "config.h"
#include <openssl/x509_vfy.h>
#include <string.h>

enum {
    HEADERS_LIMIT = 32 * 1024,
    LONGEST_HEADER = 16 * 1024,
    DAY_MS = 24 * 60 * 60 * 1000,
    MOST_HEADERS = 9
};

/* One exchange while it runs: what the callbacks need. */
struct exchange {
    const struct http_request *request;
    struct http_reply *reply;
    struct http_line *line;
    struct curl_slist
        headers[MOST_HEADERS]; /* ours, so that no copy of the token is left in libcurl's list */
    unsigned header_count;
    size_t header_bytes; /* of the reply */
    size_t sent;         /* of a secret body */
    size_t piece;        /* of it, in libcurl's buffer */
    int64_t silent_at;   /* by then a kept connection has given something, or it is dead */
    bool silent;
    bool too_large;
};

/* --- What comes in --- */

static size_t take_header(char *data, size_t one, size_t size, void *arg)
{
    struct exchange *exchange = arg;

    (void)one;
    if (exchange->request->tls != NULL && !exchange->reply->began) {
        http_tls_note(exchange->line->easy, exchange->request->tls);
    }
    exchange->reply->began = true;
    exchange->header_bytes += size;
    if (exchange->header_bytes > HEADERS_LIMIT) {
        exchange->too_large = true;
        return 0;
    }
    http_reply_read_header(exchange->reply, bytes_of(data, size));
    return size;
}

/*
 * `data` is libcurl's own receive buffer, which it frees without wiping,
 * and which it does not read again behind this call.
 */
static size_t take_body(char *data, size_t one, size_t size, void *arg)
{
    struct exchange *exchange = arg;
    CK_RV rv = buffer_append(&exchange->reply->body, data, size);

    (void)one;
    wipe(data, size);
    exchange->reply->began = true;
    exchange->too_large = rv == CKR_DATA_LEN_RANGE;
    return rv == CKR_OK ? size : 0;
}

/*
 * CURLOPT_XFERINFOFUNCTION, called once a second at least. The other end of a connection that was kept may be
 * gone without a word; a new connection will tell.
 */
static int watch_silence(void *arg, curl_off_t total, curl_off_t now, curl_off_t upload, curl_off_t uploaded)
{
    struct exchange *exchange = arg;

    (void)total, (void)now, (void)upload, (void)uploaded;
    exchange->silent =
        !exchange->line->connected && !exchange->reply->began && clock_now() >= exchange->silent_at;
    return exchange->silent ? 1 : 0;
}

/* --- What goes out --- */

/*
 * A secret body goes out in two pieces, of which the last is one byte: libcurl asks for it with the same
 * buffer, which is so overwritten before libcurl frees it unwiped.
 */
static size_t give_body(char *room, size_t one, size_t size, void *arg)
{
    struct exchange *exchange = arg;
    struct bytes body = exchange->request->body;
    size_t left = body.size - exchange->sent;
    size_t part = left > 1 ? left - 1 : left;

    if (part > one * size) {
        part = one * size;
    }
    wipe(room, exchange->piece < one * size ? exchange->piece : one * size);
    memcpy(room, body.data + exchange->sent, part);
    exchange->sent += part;
    exchange->piece = part;
    return part;
}

/* libcurl sends again over a new connection when an idle one turns out to be closed. */
static int rewind_body(void *arg, curl_off_t offset, int origin)
{
    struct exchange *exchange = arg;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > exchange->request->body.size) {
        return CURL_SEEKFUNC_FAIL;
    }
    exchange->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void add_header(struct exchange *exchange, const char *line)
{
    struct curl_slist *item = &exchange->headers[exchange->header_count++];

    item->data = (char *)(uintptr_t)line; /* libcurl's type; it only reads it */
    item->next = NULL;
    if (exchange->header_count > 1) {
        item[-1].next = item;
    }
}

static CK_RV write_header(struct buffer *to, const char *name, const char *value)
{
    CK_RV rv = buffer_append_text(to, name);

    return rv == CKR_OK ? buffer_append_text(to, value) : rv;
}

static CK_RV exchange_headers(struct exchange *exchange, struct buffer *type, struct buffer *bearer,
                              struct buffer *id)
{
    const struct http_request *request = exchange->request;
    CK_RV rv = CKR_OK;

    add_header(exchange, "User-Agent: byok-pkcs11/" PACKAGE_VERSION); /* its option is printed twice */
    add_header(exchange, "Accept: application/json");
    add_header(exchange, "Expect:");
    if (request->content_type != NULL) {
        rv = write_header(type, "Content-Type: ", request->content_type);
        add_header(exchange, buffer_text(type));
    }
    if (rv == CKR_OK && request->bearer != NULL) {
        rv = write_header(bearer, "Authorization: Bearer ", request->bearer);
        add_header(exchange, buffer_text(bearer));
    }
    if (rv == CKR_OK && request->client_id != NULL) {
        rv = write_header(id, "x-ms-client-request-id: ", request->client_id);
        add_header(exchange, buffer_text(id));
    }
    for (const char *const *more = request->headers; more != NULL && *more != NULL; more++) {
        add_header(exchange, *more);
    }
    return rv;
}

static void set_body(CURL *easy, struct exchange *exchange)
{
    const struct http_request *request = exchange->request;

    if (request->content_type == NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                     request->body_is_secret ? NULL : (const char *)request->body.data);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
}

static long at_most(int64_t milliseconds, int64_t bound)
{
    int64_t least = milliseconds < bound ? milliseconds : bound;

    return least < 1 ? 1 : (long)least;
}

static void set_time(struct exchange *exchange, struct deadline deadline)
{
    CURL *easy = exchange->line->easy;
    int64_t left = deadline_left(deadline);

    exchange->line->deadline = deadline;
    exchange->line->connected = false;
    exchange->silent_at = clock_now() + http_pool_patience(exchange->line->client, left);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, at_most(left, DAY_MS));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, at_most(left, exchange->line->client->connect_timeout));
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch_silence);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
}

static void set_request(struct exchange *exchange, struct deadline deadline)
{
    CURL *easy = exchange->line->easy;

    set_time(exchange, deadline);
    exchange->line->error[0] = 0;
    set_body(easy, exchange);
    curl_easy_setopt(easy, CURLOPT_URL, exchange->request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, exchange->request->fresh ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, exchange->request->once ? 1L : 0L);
    http_pool_set_way(exchange->line, exchange->request->machine);
}

/* What points into this exchange goes before the handle goes back. */
static void unset_request(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
}

/* --- What became of it --- */

static void explain(struct exchange *exchange, CURLcode code)
{
    long proxy_status = 0;

    if (exchange->too_large) {
        http_failure_set(exchange->reply, HTTP_TOO_LARGE, "the answer is too large",
                         "check what stands on the way");
    } else if (exchange->silent) {
        http_failure_set(exchange->reply, HTTP_BROKEN, "nothing comes over a kept connection",
                         "check network and proxy");
    } else {
        curl_easy_getinfo(exchange->line->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
        http_failure_explain(exchange->reply, code, exchange->line->error, proxy_status);
    }
}

/* What libcurl tells of a proxy, it tells when the connection is made. */
static void note_peer(struct exchange *exchange)
{
    CURL *easy = exchange->line->easy;
    const char *address = NULL, *proxy = exchange->line->client->proxy;
    long connects = 0, proxy_status = 0;
    bool machine = exchange->request->machine;

    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    if (connects != 0 && !machine) {
        curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
        exchange->line->proxied = proxy_status != 0 || (proxy != NULL && proxy[0] != 0);
    }
    exchange->reply->reused = connects == 0;
    exchange->reply->proxied = exchange->line->proxied && !machine;
    text_copy(bytes_of_text(address), exchange->reply->address, sizeof exchange->reply->address);
}

static void read_outcome(struct exchange *exchange, CURLcode code)
{
    CURL *easy = exchange->line->easy;
    long status = 0, verification = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    exchange->reply->status = (unsigned)status;
    note_peer(exchange);
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verification);
    /*
     * libcurl tells only some of its causes so;
     * "unspecified" is the value of a certificate that never came.
     */
    if (code == CURLE_SSL_CONNECT_ERROR && verification != X509_V_OK &&
        verification != X509_V_ERR_UNSPECIFIED) {
        code = CURLE_PEER_FAILED_VERIFICATION;
    }
    if (code != CURLE_OK) {
        explain(exchange, code);
    }
}

static CK_RV perform(struct exchange *exchange, struct deadline deadline)
{
    struct buffer type SCOPED(buffer_free) = BUFFER_INIT(128);
    struct buffer bearer SCOPED(buffer_free) = BUFFER_INIT(LONGEST_HEADER);
    struct buffer id SCOPED(buffer_free) = BUFFER_INIT(128);
    CK_RV rv = exchange_headers(exchange, &type, &bearer, &id);

    if (rv == CKR_OK) {
        set_request(exchange, deadline);
        read_outcome(exchange, curl_easy_perform(exchange->line->easy));
        unset_request(exchange->line->easy);
    }
    return rv;
}

static CK_RV take_perform_give(struct http_client *client, struct exchange *exchange,
                               struct deadline deadline)
{
    CK_RV rv = http_pool_take(client, &exchange->line);
    int64_t began;

    if (rv != CKR_OK) {
        return rv;
    }
    began = clock_now();
    rv = perform(exchange, deadline);
    if (rv == CKR_OK && exchange->reply->failure == HTTP_ANSWERED) {
        http_pool_give(client, exchange->line, clock_now() - began);
        return rv;
    }
    http_pool_drop(exchange->line);
    if (exchange->reply->failure == HTTP_BROKEN && exchange->reply->reused && !exchange->reply->began) {
        http_pool_retire(client, began); /* who was kept as long may be as dead */
    }
    return rv;
}

static void reply_restart(struct http_reply *reply, size_t limit)
{
    http_reply_done(reply);
    http_reply_init(reply);
    reply->body.limit = limit;
}

void http_exchange(struct http_client *client, const struct http_request *request, struct deadline deadline,
                   struct http_reply *reply)
{
    struct exchange exchange = {.request = request, .reply = reply};
    struct libcurl_visit visit;
    CK_RV rv;

    reply_restart(reply, request->limit);
    if (deadline_passed(deadline)) {
        http_failure_set(reply, HTTP_TIMED_OUT, "no time is left", "allow more `timeout`");
        return;
    }
    rv = libcurl_ready(client->about, deadline);
    if (rv == CKR_OK) {
        rv = libcurl_enter(&visit);
    }
    if (rv != CKR_OK) {
        http_failure_set(reply, HTTP_UNUSABLE, "libcurl or OpenSSL cannot be used here",
                         "see the line before");
        return;
    }
    rv = take_perform_give(client, &exchange, deadline);
    libcurl_leave(&visit);
    if (rv != CKR_OK) {
        http_failure_set(reply, HTTP_UNUSABLE, "no memory", "free some");
    }
}
