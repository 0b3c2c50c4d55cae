/* Text that comes from elsewhere, as UTF-8 (RFC 3629). */
#ifndef BYOK_BASE_UTF8_H
#define BYOK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that `at` begins with, 0: it begins with none. The end of the text is a character of one. */
size_t utf8_character(const char *at);

/* It begins with one that is nothing to be read, and could steer a terminal: C0, DEL, C1. */
bool utf8_is_control(const char *at);

/* The text with '?' for control characters and for bytes that are no UTF-8; cut at a character, to fit. */
void utf8_clean(const char *text, char *to, size_t room);

#endif
