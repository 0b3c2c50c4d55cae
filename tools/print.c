/* Clean lines, for people and for programs. */
#include "tools/print.h"
#include "backends/base/scope.h"
#include "backends/base/settings.h"
#include "backends/base/utf8.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLEAN_SIZE = 4096 };

void print_add_text(cJSON *object, const char *name, const char *text)
{
    char clean[CLEAN_SIZE];

    if (text == NULL) {
        cJSON_AddNullToObject(object, name);
        return;
    }
    utf8_clean(text, clean, sizeof clean);
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
