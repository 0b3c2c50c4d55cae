/* What goes to the terminal or into a pipe: one line each, clean of what others put into their names. */
#ifndef BYOK_TOOLS_PRINT_H
#define BYOK_TOOLS_PRINT_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* Adds a string, cleaned, or null. */
void print_add_text(cJSON *object, const char *name, const char *text);
/* Prints the object on one line and frees it. NULL: there was no memory. */
void print_json(cJSON *object);

enum print_color { PRINT_GREEN = 32, PRINT_RED = 31, PRINT_YELLOW = 33 };

/* The word in that color on a terminal, blank-padded to `width`; as it is elsewhere, and where NO_COLOR is set. */
void print_word(const char *word, int width, enum print_color color);

#endif
