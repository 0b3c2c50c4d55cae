/* What the files of the settings room share; for nobody else but its tests. */
#ifndef BYOK_BASE_SETTINGS_PRIVATE_H
#define BYOK_BASE_SETTINGS_PRIVATE_H

#include "backends/base/buffer.h"
#include "backends/base/settings.h"

struct setting {
    const struct setting_option *option;
    unsigned line;  /* 0: not written, so by preset, or nothing */
    char **items;   /* texts; one, but for lists */
    size_t count;   /* 0: none */
    int64_t number; /* of numbers, durations, yes and no */
};

struct settings {
    const struct settings_file *file;
    char *title; /* NULL: the global options */
    unsigned line;
    struct setting *values;
    size_t count;
};

struct settings_file {
    char *path;            /* absolute, as it was named */
    char *directory;       /* of path, ends with '/' */
    struct buffer content; /* as it was read */
    struct settings global;
    struct settings *sections;
    size_t count;
};

/* All that may stand in a file. */
struct settings_schema {
    const struct setting_group *global;
    const struct setting_group *groups;
    size_t group_count;
};

/* Where to look: what AT_SECURE said, and the place for all users. A test chooses its own. */
struct settings_origin {
    bool secure;
    const char *system_path;
};

/* As settings_read(), from `origin`. */
MUST_USE CK_RV settings_read_from(const struct settings_origin *origin, const char *reserved,
                                  const struct settings_schema *schema, struct settings_file **ret_file);

/* settings_find.c: the absolute path, owned, NULL where there is no file, and its trusted content. */
MUST_USE CK_RV settings_find(const struct settings_origin *origin, const char *reserved, char **ret_path,
                             struct buffer *content);

/*
 * settings_scan.c: what libconfuse would let pass: an open brace, string or comment at the end, and bytes that
 * are no text; `${` where the environment must not be used. Logs it. Comments become blanks. The lines on which
 * sections begin are appended to `lines` as unsigned.
 */
MUST_USE CK_RV settings_scan(const char *path, bool secure, struct buffer *content, struct buffer *lines);

/* settings_parse.c: the content becomes file->global and file->sections; file->path is set. */
MUST_USE CK_RV settings_parse(const struct settings_schema *schema, const struct buffer *content,
                              const struct buffer *lines, struct settings_file *file);

struct cfg_t;
struct cfg_opt_t;

/* During settings_parse(): the line in which the option was first written; 0: it was not, or as an empty list. */
unsigned settings_line(const struct cfg_opt_t *option);
bool settings_declares(const struct setting_group *group, const char *name);

/* settings_fill.c: what the parser has read goes into the file's sections. */
MUST_USE CK_RV settings_fill(const struct settings_schema *schema, struct cfg_t *parser,
                             const struct buffer *lines, struct settings_file *file);

/*
 * settings_value.c: checks items[0..count) against the option; fills in `number`, resolves paths (to a new
 * items[0]). On failure `problem` (text) says what is wrong.
 */
MUST_USE CK_RV settings_value(const struct settings_file *file, struct setting *setting,
                              struct buffer *problem);

/* One text of three, from malloc; NULL: no memory. */
char *settings_join(const char *first, const char *second, const char *third);

/* Logs `path:line: text`; CKR_GENERAL_ERROR. */
MUST_USE CK_RV settings_complain(const char *path, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
