/*
 * The configuration, once it has been read:
 * questions and answers. Reading it: settings_find, _scan, _parse.
 */
#include "backends/base/settings.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/base/settings_private.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1024 * 1024, MOST_LINES = 1024 * 1024, MESSAGE_SIZE = 768 };

DEFINE_SCOPED(struct settings_file, settings_free)

char *settings_join(const char *first, const char *second, const char *third)
{
    size_t a = strlen(first), b = strlen(second), c = strlen(third);
    char *text = malloc(a + b + c + 1);

    if (text != NULL) {
        memcpy(text, first, a);
        memcpy(text + a, second, b);
        memcpy(text + a + b, third, c + 1);
    }
    return text;
}

/* Takes the path. */
static struct settings_file *file_new(char *path)
{
    struct settings_file *file = calloc(1, sizeof *file);

    if (file == NULL) {
        free(path);
        return NULL;
    }
    file->path = path;
    file->content.limit = LARGEST_FILE;
    file->directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    file->global.file = file;
    file->global.line = 1;
    return file;
}

CK_RV settings_read_from(const struct settings_origin *origin, const char *reserved,
                         const struct settings_schema *schema, struct settings_file **ret_file)
{
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(LARGEST_FILE);
    struct buffer lines SCOPED(buffer_free) = BUFFER_INIT(MOST_LINES * sizeof(unsigned));
    struct settings_file *file SCOPED(settings_free_scoped) = NULL;
    char *path = NULL;
    CK_RV rv = settings_find(origin, reserved, &path, &content);

    if (rv != CKR_OK) {
        return rv;
    }
    if (path == NULL) {
        *ret_file = NULL;
        return CKR_OK;
    }
    file = file_new(path);
    if (file == NULL || file->directory == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = buffer_append(&file->content, content.data, content.size);
    if (rv == CKR_OK) {
        rv = settings_scan(file->path, origin->secure, &content, &lines);
    }
    if (rv == CKR_OK) {
        rv = settings_parse(schema, &content, &lines, file);
    }
    if (rv == CKR_OK) {
        *ret_file = take(file);
    }
    return rv;
}

CK_RV settings_read(const char *reserved, const struct setting_group *global,
                    const struct setting_group *groups, size_t group_count, struct settings_file **ret_file)
{
    const struct settings_schema schema = {global, groups, group_count};
    const struct settings_origin origin = {process_is_secure(), SYSCONFDIR "/byok-pkcs11.conf"};

    return settings_read_from(&origin, reserved, &schema, ret_file);
}

static void section_done(struct settings *section)
{
    size_t at, item;

    for (at = 0; at < section->count; at++) {
        for (item = 0; item < section->values[at].count; item++) {
            wipe_free_text(section->values[at].items[item]);
        }
        free(section->values[at].items);
    }
    free(section->values);
    free(section->title);
}

void settings_free(struct settings_file *file)
{
    size_t at;

    if (file == NULL) {
        return;
    }
    for (at = 0; at < file->count; at++) {
        section_done(&file->sections[at]);
    }
    section_done(&file->global);
    buffer_free(&file->content);
    free(file->sections);
    free(file->directory);
    free(file->path);
    free(file);
}

const struct settings *settings_global(const struct settings_file *file)
{
    return &file->global;
}

struct bytes settings_content(const struct settings_file *file)
{
    return buffer_bytes(&file->content);
}

size_t settings_section_count(const struct settings_file *file)
{
    return file->count;
}

const struct settings *settings_section(const struct settings_file *file, size_t index)
{
    return &file->sections[index];
}

const char *settings_path(const struct settings_file *file)
{
    return file->path;
}

const char *settings_title(const struct settings *section)
{
    return section->title;
}

static const struct setting *find(const struct settings *section, const char *name)
{
    size_t at;

    for (at = 0; at < section->count; at++) {
        if (strcmp(section->values[at].option->name, name) == 0) {
            return &section->values[at];
        }
    }
    return NULL;
}

const char *settings_text(const struct settings *section, const char *name)
{
    return settings_list_item(section, name, 0);
}

bool settings_yes(const struct settings *section, const char *name)
{
    return settings_number(section, name) == 1;
}

int64_t settings_number(const struct settings *section, const char *name)
{
    const struct setting *setting = find(section, name);

    return setting == NULL ? 0 : setting->number;
}

int64_t settings_milliseconds(const struct settings *section, const char *name)
{
    return settings_number(section, name);
}

size_t settings_list_count(const struct settings *section, const char *name)
{
    const struct setting *setting = find(section, name);

    return setting == NULL ? 0 : setting->count;
}

const char *settings_list_item(const struct settings *section, const char *name, size_t index)
{
    const struct setting *setting = find(section, name);

    return setting == NULL || index >= setting->count ? NULL : setting->items[index];
}

bool settings_written(const struct settings *section, const char *name)
{
    const struct setting *setting = find(section, name);

    return setting != NULL && setting->line != 0;
}

static void complain(const char *path, unsigned line, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
static void complain(const char *path, unsigned line, const char *format, va_list arguments)
{
    char text[MESSAGE_SIZE];

    vsnprintf(text, sizeof text, format, arguments);
    log_error(NULL, "%s:%u: %s", path, line, text);
}

CK_RV settings_complain(const char *path, unsigned line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(path, line, format, arguments);
    va_end(arguments);
    return CKR_GENERAL_ERROR;
}

CK_RV settings_refuse(const struct settings *section, const char *name, const char *format, ...)
{
    const struct setting *setting = name == NULL ? NULL : find(section, name);
    va_list arguments;

    va_start(arguments, format);
    complain(section->file->path, setting != NULL && setting->line != 0 ? setting->line : section->line,
             format, arguments);
    va_end(arguments);
    return CKR_GENERAL_ERROR;
}
