/* Base64url without padding (RFC 4648, section 5). Not OpenSSL's decoder, which forgives too much. */
#include "backends/base/base64url.h"
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Up to three bytes become four characters, of which the caller wants one more than there were bytes. */
static void encode_group(const unsigned char *from, size_t size, unsigned char out[4])
{
    uint32_t held =
        (uint32_t)from[0] << 16 | (size > 1 ? (uint32_t)from[1] << 8 : 0) | (size > 2 ? from[2] : 0);

    out[0] = (unsigned char)alphabet[held >> 18];
    out[1] = (unsigned char)alphabet[held >> 12 & 63];
    out[2] = (unsigned char)alphabet[held >> 6 & 63];
    out[3] = (unsigned char)alphabet[held & 63];
}

CK_RV base64url_encode(struct bytes from, struct buffer *to)
{
    size_t rest = from.size % 3, whole = from.size - rest;
    size_t length = from.size / 3 * 4 + (rest == 0 ? 0 : rest + 1);
    unsigned char *out, last[4];
    CK_RV rv;

    if (length > to->limit - to->size) {
        return CKR_DATA_LEN_RANGE;
    }
    rv = buffer_resize(to, to->size + length);
    if (rv != CKR_OK) {
        return rv;
    }
    out = to->data + to->size - length;
    for (size_t at = 0; at < whole; at += 3, out += 4) {
        encode_group(from.data + at, 3, out);
    }
    if (rest != 0) {
        encode_group(from.data + whole, rest, last);
        memcpy(out, last, rest + 1);
        wipe(last, sizeof last);
    }
    return CKR_OK;
}

/* 0 to 63, or -1. */
static int value_of(char character)
{
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    return character == '-' ? 62 : character == '_' ? 63 : -1;
}

/* False at a foreign character, or where the last one has bits that say nothing. */
static bool decode(const char *text, unsigned char *out)
{
    uint32_t held = 0;
    unsigned bits = 0;
    bool clean;

    for (; *text != '\0'; text++) {
        int value = value_of(*text);

        if (value < 0) {
            return false;
        }
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (unsigned char)(held >> bits);
        }
    }
    clean = (held & ((1U << bits) - 1)) == 0;
    wipe(&held, sizeof held);
    return clean;
}

CK_RV base64url_decode(const char *text, struct buffer *to)
{
    size_t before = to->size, length = strlen(text), rest = length % 4;
    size_t size = length / 4 * 3 + (rest == 0 ? 0 : rest - 1);
    CK_RV rv;

    if (rest == 1) {
        return CKR_DATA_INVALID;
    }
    if (size > to->limit - before) {
        return CKR_DATA_LEN_RANGE;
    }
    rv = buffer_resize(to, before + size);
    if (rv != CKR_OK) {
        return rv;
    }
    if (decode(text, to->data + before)) {
        return CKR_OK;
    }
    return buffer_resize(to, before) == CKR_OK ? CKR_DATA_INVALID : CKR_GENERAL_ERROR;
}
