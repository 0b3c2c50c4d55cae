/* One record as JSON. */
#include "backends/audit/audit_record.h"
#include "backends/base/deadline.h"
#include "backends/base/hash.h"
#include "backends/base/libcrypto.h"
#include "backends/base/mechanism_name.h"
#include "backends/base/result_name.h"
#include "backends/base/utf8.h"
#include "config.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_TEXT = 1024, LONGEST_TIME = 32, LONGEST_HOST = 256, LONGEST_PROGRAM = 512 };

/* A record that is being made; `object` is NULL once there was no memory. */
struct making {
    cJSON *object;
};

static void put(struct making *making, const char *name, cJSON *value)
{
    if (making->object != NULL && value != NULL && cJSON_AddItemToObject(making->object, name, value)) {
        return;
    }
    cJSON_Delete(value);
    cJSON_Delete(making->object);
    making->object = NULL;
}

/* Names come from elsewhere too, and JSON is UTF-8 (RFC 8259, 8.1). What is too long is cut. */
static void put_text(struct making *making, const char *name, const char *text)
{
    char cleaned[LONGEST_TEXT];

    if (text != NULL && text[0] != 0) {
        utf8_clean(text, cleaned, sizeof cleaned);
        put(making, name, cJSON_CreateString(cleaned));
    }
}

/* A name, or the number where there is none. */
static void put_named(struct making *making, const char *member, const char *name, CK_ULONG number)
{
    char hex[sizeof "0x" + 2 * sizeof number];

    snprintf(hex, sizeof hex, "0x%lx", number);
    put_text(making, member, name != NULL ? name : hex);
}

static void put_number(struct making *making, const char *name, int64_t number)
{
    put(making, name, cJSON_CreateNumber((double)number));
}

static void put_time(struct making *making)
{
    char text[LONGEST_TIME];
    struct timespec now;
    struct tm parts;
    size_t size;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%03dZ", (int)(now.tv_nsec / 1000000 % 1000));
    put_text(making, "time", text);
}

/* What runs, not what it was called as; that is for anybody to choose. */
static void put_program(struct making *making)
{
    char path[LONGEST_PROGRAM + 1];
    ssize_t size = readlink("/proc/self/exe", path, LONGEST_PROGRAM);

    path[size < 0 ? 0 : size] = 0;
    put_text(making, "program", size < 0 ? program_invocation_name : path);
}

static void put_user(struct making *making)
{
    uid_t real = getuid(), effective = geteuid();

    put_number(making, "uid", real);
    if (effective != real) {
        put_number(making, "euid", effective);
    }
}

static struct making begin(const char *event)
{
    struct making making = {cJSON_CreateObject()};
    char host[LONGEST_HOST + 1] = "";

    put_time(&making);
    if (gethostname(host, LONGEST_HOST) == 0) {
        put_text(&making, "host", host);
    }
    put_number(&making, "pid", getpid());
    put_program(&making);
    put_user(&making);
    put_text(&making, "event", event);
    return making;
}

static void put_answer(struct making *making, const struct service_answer *answer)
{
    if (answer == NULL) {
        return;
    }
    if (answer->status != 0) {
        put_number(making, "http_status", answer->status);
    }
    put_text(making, "request_id", answer->request_id);
    put_text(making, "client_request_id", answer->client_request_id);
    put_text(making, "principal", answer->principal);
    if (answer->tries != 0) {
        put_number(making, "tries", answer->tries);
    }
}

static void to_hex(const unsigned char digest[AUDIT_DIGEST_SIZE], char ret_hex[AUDIT_HEX_SIZE])
{
    for (size_t i = 0; i < AUDIT_DIGEST_SIZE; i++) {
        snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
    }
}

static bool digest_of(struct bytes first, struct bytes second, unsigned char ret_digest[LONGEST_HASH])
{
    EVP_MD_CTX *context = NULL;
    CK_RV rv = libcrypto_usable() ? hash_begin(&context, HASH_SHA256) : CKR_FUNCTION_FAILED;

    if (rv == CKR_OK && first.size != 0) {
        rv = hash_add(context, first);
    }
    if (rv == CKR_OK && second.size != 0) {
        rv = hash_add(context, second);
    }
    if (rv == CKR_OK) {
        rv = hash_end(context, ret_digest);
    }
    if (context != NULL) {
        EVP_MD_CTX_free(context);
    }
    return rv == CKR_OK;
}

bool audit_hash(struct bytes data, char ret_hex[AUDIT_HEX_SIZE])
{
    unsigned char digest[LONGEST_HASH];
    bool done = digest_of(data, bytes_of(NULL, 0), digest);

    if (done) {
        to_hex(digest, ret_hex);
    }
    return done;
}

static void put_blob(struct making *making, const struct audit_use *use)
{
    unsigned char digest[LONGEST_HASH];
    char hex[AUDIT_HEX_SIZE] = "";

    if (use->blob_hash != NULL) {
        to_hex(use->blob_hash, hex);
    } else if (use->blob.size != 0 && digest_of(use->blob, use->rest, digest)) {
        to_hex(digest, hex);
    }
    put_text(making, "blob_sha256", hex);
}

cJSON *audit_record_of_use(const struct audit_use *use)
{
    static const char *const places[] = {
        [AUDIT_HERE] = "here", [AUDIT_SERVICE] = "service", [AUDIT_HSM] = "hsm"};
    struct making making = begin(use->is_begun ? "begun" : "use");

    put_text(&making, "token", use->token);
    put_text(&making, "backend", use->backend);
    put_text(&making, "operation", use->operation);
    put_text(&making, "place", places[use->place]);
    put_named(&making, "mechanism", mechanism_name(use->mechanism), use->mechanism);
    put_text(&making, "key", use->key);
    if (!use->is_begun) {
        put_blob(&making, use);
        put_named(&making, "result", result_name(use->rv), use->rv);
        put_answer(&making, use->answer);
        put_number(&making, "duration_ms", clock_now() - use->began);
    }
    return making.object;
}

cJSON *audit_record_of_event(enum audit_event event, const char *token, const char *backend, const char *key,
                             const char *reason, const struct service_answer *answer)
{
    static const char *const words[] = {[AUDIT_CLOSED] = "closed",
                                        [AUDIT_OPENED] = "opened",
                                        [AUDIT_ROLLED] = "rolled",
                                        [AUDIT_REFUSED] = "refused"};
    struct making making = begin(words[event]);

    put_text(&making, "token", token);
    put_text(&making, "backend", backend);
    put_text(&making, "key", key);
    put_text(&making, "reason", reason);
    put_answer(&making, answer);
    return making.object;
}

cJSON *audit_record_of_start(const char *configuration)
{
    struct making making = begin("started");

    put_text(&making, "version", PACKAGE_VERSION);
    put_text(&making, "configuration_sha256", configuration);
    return making.object;
}

cJSON *audit_record_of_loss(uint64_t count)
{
    struct making making = begin("lost");

    put_number(&making, "count", (int64_t)count);
    return making.object;
}

static bool print(const cJSON *object, struct buffer *ret_line)
{
    char *text = cJSON_PrintUnformatted(object);
    CK_RV rv;

    if (text == NULL) {
        return false;
    }
    buffer_clear(ret_line);
    rv = buffer_append_text(ret_line, text);
    cJSON_free(text);
    return rv == CKR_OK;
}

bool audit_record_finish(cJSON *record, const char *chain, int64_t sequence, const char *previous,
                         struct buffer *ret_line)
{
    return cJSON_AddStringToObject(record, "chain", chain) != NULL &&
           cJSON_AddNumberToObject(record, "sequence", (double)sequence) != NULL &&
           (previous[0] == 0 || cJSON_AddStringToObject(record, "previous", previous) != NULL) &&
           print(record, ret_line);
}
