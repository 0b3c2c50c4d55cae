/* Clean lines, for people and for programs. */
#include "tools/print.h"
#include "backends/base/scope.h"
#include "backends/base/settings.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLEAN_SIZE = 4096 };

/* How many bytes follow the first of a UTF-8 character; -1: it is none. */
static int following(unsigned char first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xc2 && first < 0xe0) {
        return 1;
    }
    if (first >= 0xe0 && first < 0xf0) {
        return 2;
    }
    return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
        for (int more = following(*at); more != 0; more--) {
            if (more < 0 || (at[1] & 0xc0) != 0x80) {
                return false;
            }
            at++;
        }
    }
    return true;
}

/* 0xc2 and a byte below 0xa0 are the control characters of Latin-1. */
static bool is_control(const char *text, size_t at)
{
    unsigned char this = (unsigned char)text[at], before = at == 0 ? 0 : (unsigned char)text[at - 1];

    return this < ' ' || this == 0x7f || (before == 0xc2 && this < 0xa0);
}

void print_clean(const char *text, char *to, size_t room)
{
    bool utf8 = is_utf8(text);
    size_t size;

    for (size = 0; text[size] != '\0' && size + 1 < room; size++) {
        to[size] = is_control(text, size) || (!utf8 && (unsigned char)text[size] >= 0x80) ? '?' : text[size];
    }
    while (text[size] != '\0' && size != 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
        size--; /* no half characters */
    }
    to[size] = '\0';
}

void print_add_text(cJSON *object, const char *name, const char *text)
{
    char clean[CLEAN_SIZE];

    if (text == NULL) {
        cJSON_AddNullToObject(object, name);
        return;
    }
    print_clean(text, clean, sizeof clean);
    cJSON_AddStringToObject(object, name, clean);
}

void print_json(cJSON *object)
{
    char *line SCOPED(scope_free) = object == NULL ? NULL : cJSON_PrintUnformatted(object);

    puts(line == NULL ? "{}" : line);
    fflush(stdout);
    cJSON_Delete(object);
}

/* https://no-color.org: set and not empty. */
static bool colors_wanted(void)
{
    const char *none = settings_environment("NO_COLOR"), *terminal = settings_environment("TERM");

    return (none == NULL || none[0] == '\0') && isatty(STDOUT_FILENO) &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

void print_word(const char *word, int width, enum print_color color)
{
    if (colors_wanted()) {
        printf("\033[%dm%-*s\033[0m", (int)color, width, word);
    } else {
        printf("%-*s", width, word);
    }
}
