/* The sessions of a token that records. */
#include "backends/audit/audit_session.h"
#include "backends/base/libcrypto.h"
#include "backends/token_key.h"
#include <string.h>

static const char *const operations[] = {
    [RUNNING_ENCRYPT] = "encrypt",
    [RUNNING_DECRYPT] = "decrypt",
    [RUNNING_SIGN] = "sign",
    [RUNNING_SIGN_RECOVER] = "sign",
    [RUNNING_MESSAGE_ENCRYPT] = "encrypt",
    [RUNNING_MESSAGE_DECRYPT] = "decrypt",
    [RUNNING_MESSAGE_SIGN] = "sign",
};

static bool takes_messages(enum audit_running_kind kind)
{
    return kind >= RUNNING_MESSAGE_ENCRYPT;
}

static const struct audit_token *token_of(const struct token_session *session)
{
    return (const struct audit_token *)((const struct session_above *)session)->token;
}

/* What a key of the HSM is called; false: it is one of a session, and not to be recorded. */
static bool name_key(struct token_session *session, CK_OBJECT_HANDLE key, char ret_text[KEY_TEXT_SIZE])
{
    return token_key_name(((struct session_above *)session)->below, token_of(session)->label, key, ret_text);
}

/* --- What a session is in the middle of --- */

static struct audit_session *session_of(struct token_session *session)
{
    return (struct audit_session *)session;
}

void audit_session_init(struct audit_session *session)
{
    pthread_mutex_init(&session->lock, NULL);
}

void audit_session_done(struct audit_session *session)
{
    for (int i = 0; i < RUNNING_KINDS && libcrypto_usable(); i++) {
        EVP_MD_CTX_free(session->running[i].parts);
        session->running[i].parts = NULL;
    }
    pthread_mutex_destroy(&session->lock);
}

static void set_off(struct audit_running *running)
{
    running->is_on = running->in_parts = false;
}

void audit_session_end(struct token_session *base, enum audit_running_kind kind)
{
    struct audit_session *session = session_of(base);

    pthread_mutex_lock(&session->lock);
    set_off(&session->running[kind]);
    pthread_mutex_unlock(&session->lock);
}

CK_RV audit_session_begin(struct token_session *base, enum audit_running_kind kind,
                          const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_RV rv)
{
    struct audit_session *session = session_of(base);
    struct audit_running *running = &session->running[kind];
    char text[KEY_TEXT_SIZE];
    bool is_on;

    if (rv != CKR_OK) {
        return rv;
    }
    is_on = mechanism != NULL && name_key(base, key, text);
    pthread_mutex_lock(&session->lock);
    set_off(running);
    running->is_on = is_on;
    if (is_on) {
        running->mechanism = mechanism->mechanism;
        memcpy(running->key, text, sizeof text);
    }
    pthread_mutex_unlock(&session->lock);
    return rv;
}

static struct audit_use use_of(const struct token_session *session, enum audit_running_kind kind,
                               const struct audit_running *running)
{
    return (struct audit_use){.token = token_of(session)->title,
                              .backend = token_of(session)->backend,
                              .place = AUDIT_HSM,
                              .operation = operations[kind],
                              .mechanism = running->mechanism,
                              .key = running->key};
}

struct bytes audit_opened(const CK_BYTE *data, CK_ULONG size, const CK_BYTE *out, const CK_ULONG *out_size,
                          struct buffer *copy)
{
    bool in_place =
        data != NULL && out != NULL && out_size != NULL && out < data + size && data < out + *out_size;

    if (!in_place) {
        return bytes_of(data, size);
    }
    copy->limit = size;
    return buffer_append(copy, data, size) == CKR_OK ? buffer_bytes(copy) : bytes_of(NULL, size);
}

/* True for the first. */
static bool begin_parts_locked(struct audit_running *running)
{
    if (!running->is_on || running->in_parts) {
        return false;
    }
    running->in_parts = true;
    running->began = clock_now();
    running->parts_unknown = hash_begin(&running->parts, HASH_SHA256) != CKR_OK;
    return true;
}

CK_RV audit_session_part_begin(struct token_session *base, enum audit_running_kind kind)
{
    struct audit_session *session = session_of(base);
    struct audit_running running;
    struct audit_use use;
    bool is_first;
    CK_RV rv;

    pthread_mutex_lock(&session->lock);
    is_first = begin_parts_locked(&session->running[kind]);
    running = session->running[kind];
    pthread_mutex_unlock(&session->lock);
    if (!is_first) {
        return CKR_OK;
    }
    use = use_of(base, kind, &running);
    use.is_begun = true;
    rv = audit_use(&use);
    if (rv != CKR_OK) {
        pthread_mutex_lock(&session->lock);
        session->running[kind].in_parts = false;
        pthread_mutex_unlock(&session->lock);
    }
    return rv;
}

/* Of what ends an operation, this alone says that there was none. */
static bool is_no_use(CK_RV rv)
{
    return rv == CKR_OPERATION_NOT_INITIALIZED;
}

CK_RV audit_session_part_end(struct token_session *base, enum audit_running_kind kind,
                             struct bytes ciphertext, CK_RV rv)
{
    struct audit_session *session = session_of(base);
    struct audit_running *running = &session->running[kind];

    if (rv != CKR_OK) {
        return audit_session_finish(base, kind, NULL, 0, NULL, NULL, rv);
    }
    pthread_mutex_lock(&session->lock);
    if (running->is_on && running->in_parts && !running->parts_unknown && ciphertext.size != 0) {
        running->parts_unknown = ciphertext.data == NULL || hash_add(running->parts, ciphertext) != CKR_OK;
    }
    pthread_mutex_unlock(&session->lock);
    return rv;
}

/*
 * What is to be recorded now; true with the hash of its parts where there is one. After a success it is over. After a
 * failure it may be, or go on with the same key: some HSMs end an operation when its arguments are wrong, others do
 * not.
 */
static bool stop(struct audit_session *session, enum audit_running_kind kind, CK_RV rv,
                 struct audit_running *ret_running, unsigned char ret_hash[LONGEST_HASH])
{
    struct audit_running *running = &session->running[kind];
    bool known = false;

    pthread_mutex_lock(&session->lock);
    if (running->is_on && running->in_parts && !running->parts_unknown) {
        known = hash_end(running->parts, ret_hash) == CKR_OK;
        running->parts_unknown = true;
    }
    *ret_running = *running;
    if (takes_messages(kind)) {
        running->in_parts = false;
    } else if (rv == CKR_OK) {
        set_off(running);
    }
    pthread_mutex_unlock(&session->lock);
    return known;
}

CK_RV audit_session_finish(struct token_session *base, enum audit_running_kind kind, const struct bytes *blob,
                           int64_t began, void *out, const CK_ULONG *out_size, CK_RV rv)
{
    struct audit_running running;
    unsigned char hash[LONGEST_HASH];
    struct audit_use use;

    if (rv == CKR_BUFFER_TOO_SMALL) {
        return rv;
    }
    if (is_no_use(rv)) {
        audit_session_end(base, kind);
        return rv;
    }
    bool known = stop(session_of(base), kind, rv, &running, hash);

    if (!running.is_on) {
        return rv;
    }
    use = use_of(base, kind, &running);
    use.began = running.in_parts ? running.began : began;
    use.rv = rv;
    if (blob != NULL && blob->data != NULL) {
        use.blob = *blob;
    } else if (blob == NULL && known) {
        use.blob_hash = hash;
    }
    if (audit_use(&use) == CKR_OK) {
        return rv;
    }
    if (rv == CKR_OK && out != NULL && out_size != NULL) {
        wipe(out, *out_size);
    }
    return CKR_FUNCTION_FAILED;
}

CK_RV audit_session_record(struct token_session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                           const struct audit_use *use)
{
    struct audit_use full = *use;
    char text[KEY_TEXT_SIZE];

    if (mechanism == NULL || !name_key(session, key, text)) {
        return CKR_OK;
    }
    full.token = token_of(session)->title;
    full.backend = token_of(session)->backend;
    full.place = AUDIT_HSM;
    full.mechanism = mechanism->mechanism;
    full.key = text;
    return audit_use(&full);
}
