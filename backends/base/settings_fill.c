/* From what libconfuse has read to sections whose values are checked, presets filled in. */
#include "backends/base/scope.h"
#include "backends/base/settings_private.h"
#include "backends/base/utf8.h"
#include <confuse.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_SIZE = 512, TITLE_SIZE = 32 };

static CK_RV add_item(struct setting *setting, const char *text)
{
    setting->items[setting->count] = strdup(text);
    return setting->items[setting->count++] == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

/* From what was written, else from the preset; both are checked. */
static CK_RV fill_setting(const struct settings *section, cfg_opt_t *from, struct setting *setting)
{
    struct buffer problem SCOPED(buffer_free) = BUFFER_INIT(MESSAGE_SIZE);
    const char *preset = setting->option->preset;
    size_t at, size = cfg_opt_size(from);
    CK_RV rv = CKR_OK;

    setting->line = size == 0 ? 0 : settings_line(from);
    setting->items = calloc(size + 1, sizeof *setting->items);
    if (setting->items == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (at = 0; at < size && rv == CKR_OK; at++) {
        rv = add_item(setting, cfg_opt_getnstr(from, (unsigned)at));
    }
    if (size == 0 && preset != NULL) {
        rv = add_item(setting, preset);
    }
    if (rv != CKR_OK || setting->count == 0) {
        return rv;
    }
    rv = settings_value(section->file, setting, &problem);
    if (rv == CKR_GENERAL_ERROR) {
        return settings_complain(section->file->path, setting->line == 0 ? section->line : setting->line,
                                 "%s", buffer_text(&problem));
    }
    /* A message too long for its buffer names the option at least. */
    return rv == CKR_DATA_LEN_RANGE ? settings_complain(section->file->path, setting->line,
                                                        "wrong value of \"%s\"", setting->option->name)
                                    : rv;
}

static CK_RV fill_group(const struct setting_group *group, cfg_t *from, struct settings *section)
{
    struct setting *values = reallocarray(section->values, section->count + group->count + 1, sizeof *values);
    CK_RV rv = CKR_OK;
    size_t at;

    if (values == NULL) {
        return CKR_HOST_MEMORY;
    }
    section->values = values;
    for (at = 0; at < group->count && rv == CKR_OK; at++) {
        struct setting *setting = &values[section->count++];

        *setting = (struct setting){.option = &group->options[at]};
        rv = fill_setting(section, cfg_getopt(from, group->options[at].name), setting);
    }
    return rv;
}

static bool applies(const struct setting_group *group, const char *backend)
{
    return group->backend == NULL || (backend != NULL && strcmp(group->backend, backend) == 0);
}

/* True when some group of this backend (or of all) has the option. */
static bool is_applicable(const struct settings_schema *schema, const char *backend, const char *name)
{
    size_t at;

    for (at = 0; at < schema->group_count; at++) {
        if (applies(&schema->groups[at], backend) && settings_declares(&schema->groups[at], name)) {
            return true;
        }
    }
    return false;
}

static const char *owner_of(const struct settings_schema *schema, const char *name)
{
    size_t at = 0;

    while (!settings_declares(&schema->groups[at], name)) {
        at++;
    }
    return schema->groups[at].backend;
}

/* What another backend understands, and lists with nothing in them. */
static CK_RV refuse_misplaced(const struct settings_schema *schema, const cfg_t *from,
                              const struct settings *section, const char *backend)
{
    const char *path = section->file->path;
    const cfg_opt_t *option;

    for (option = from->opts; option->name != NULL; option++) {
        unsigned line = settings_line(option);

        if (option->type != CFGT_STR || (option->flags & CFGF_MODIFIED) == 0) {
            continue;
        }
        if (option->nvalues == 0) {
            return settings_complain(path, line == 0 ? section->line : line, "\"%s\" is an empty list",
                                     option->name);
        }
        if (schema != NULL && !is_applicable(schema, backend, option->name)) {
            return settings_complain(path, line, "\"%s\" belongs to backend = %s", option->name,
                                     owner_of(schema, option->name));
        }
    }
    return CKR_OK;
}

static CK_RV fill_section(const struct settings_schema *schema, cfg_t *from, struct settings *section)
{
    const char *backend;
    CK_RV rv = CKR_OK;
    size_t at;

    for (at = 0; at < schema->group_count && rv == CKR_OK; at++) {
        if (schema->groups[at].backend == NULL) {
            rv = fill_group(&schema->groups[at], from, section);
        }
    }
    if (rv != CKR_OK) {
        return rv;
    }
    backend = settings_text(section, "backend");
    if (backend == NULL) {
        return settings_refuse(section, NULL, "token \"%s\" has no \"backend\"", section->title);
    }
    rv = refuse_misplaced(schema, from, section, backend);
    for (at = 0; at < schema->group_count && rv == CKR_OK; at++) {
        if (schema->groups[at].backend != NULL && applies(&schema->groups[at], backend)) {
            rv = fill_group(&schema->groups[at], from, section);
        }
    }
    return rv;
}

/* It is the token's label: CK_TOKEN_INFO has 32 bytes of UTF-8 for it. */
static CK_RV check_title(const struct settings *section)
{
    const char *at;
    size_t size;

    if (section->title[0] == '\0' || strlen(section->title) > TITLE_SIZE) {
        return settings_refuse(section, NULL, "token \"%s\": a title has 1 to %d bytes", section->title,
                               TITLE_SIZE);
    }
    for (at = section->title; *at != '\0'; at += size) {
        size = utf8_character(at);
        if (size == 0 || utf8_is_control(at)) {
            return settings_refuse(section, NULL, "token \"%s\": a title is printable", section->title);
        }
    }
    return CKR_OK;
}

CK_RV settings_fill(const struct settings_schema *schema, cfg_t *parser, const struct buffer *lines,
                    struct settings_file *file)
{
    const unsigned *line = (const void *)lines->data;
    size_t at, count = cfg_size(parser, "token");
    CK_RV rv = fill_group(schema->global, parser, &file->global);

    if (rv == CKR_OK) {
        rv = refuse_misplaced(NULL, parser, &file->global, NULL);
    }
    file->sections = calloc(count + 1, sizeof *file->sections);
    if (rv != CKR_OK || file->sections == NULL) {
        return rv != CKR_OK ? rv : CKR_HOST_MEMORY;
    }
    for (at = 0; at < count && rv == CKR_OK; at++) {
        cfg_t *from = cfg_getnsec(parser, "token", (unsigned)at);
        struct settings *section = &file->sections[file->count++];

        section->file = file;
        section->line = at < lines->size / sizeof *line ? line[at] : (unsigned)from->line;
        section->title = strdup(from->title);
        rv = section->title == NULL ? CKR_HOST_MEMORY : check_title(section);
        if (rv == CKR_OK) {
            rv = fill_section(schema, from, section);
        }
    }
    return rv;
}
