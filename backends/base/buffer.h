/*
 * Bytes that are lent (struct bytes) and bytes that are owned (struct buffer). A buffer is born with its
 * ceiling, grows up to it, and always wipes what it lets go of, when it grows and when it is freed; so PINs,
 * tokens and answers of a vault need no care of their own. Key values belong in struct secret instead.
 * Not for use by two threads at once.
 */
#ifndef BYOK_BASE_BUFFER_H
#define BYOK_BASE_BUFFER_H

#include "backends/base/cryptoki.h"
#include <stdbool.h>
#include <stddef.h>

struct bytes {
    const unsigned char *data; /* lent: the owner outlives the call that gets them */
    size_t size;
};

struct buffer {
    unsigned char *data; /* followed by a zero byte that size does not count, once something was appended */
    size_t size;
    size_t room;
    size_t limit;
};

/* An empty buffer that will never hold more than `limit` bytes. Nothing is allocated yet. */
#define BUFFER_INIT(ceiling)                                                                                 \
    {                                                                                                        \
        .limit = (ceiling)                                                                                   \
    }

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

struct bytes bytes_of_text(const char *text); /* without its final zero; NULL is empty */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_text(struct bytes a, const char *text);
/* For secrets: the time taken depends on the sizes alone. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

/* CKR_DATA_LEN_RANGE beyond the limit, CKR_HOST_MEMORY; the buffer is then as it was. */
MUST_USE CK_RV buffer_append(struct buffer *buffer, const void *data, size_t size);
MUST_USE CK_RV buffer_append_text(struct buffer *buffer, const char *text);
MUST_USE CK_RV buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes it exactly `size` bytes long, new ones zero; for functions that write into data. */
MUST_USE CK_RV buffer_resize(struct buffer *buffer, size_t size);
/* Wiped and empty; the room and the limit stay. */
void buffer_clear(struct buffer *buffer);
/* Wiped and freed; may be used again up to the same limit. */
void buffer_free(struct buffer *buffer);
/* Hands the content over: `from` is empty afterwards, what `to` held is wiped and freed. */
void buffer_move(struct buffer *to, struct buffer *from);

/* The content as text: "" when empty, never NULL. */
const char *buffer_text(const struct buffer *buffer);

/* As much of it as there is room for, and a zero. */
void text_copy(struct bytes from, char *to, size_t room);

/* Overwrites in a way that no compiler leaves out. NULL with 0 is allowed. */
void wipe(void *data, size_t size);
/* Frees a string that held a secret, or NULL. */
void wipe_free_text(char *text);

#endif
