/*
 * The configuration file (one file, read with libconfuse, in the order it was written) and the environment,
 * which is read here and nowhere else.
 *
 * Who needs an option declares it: a room has a table of `struct setting_option`, the module hands all tables
 * to settings_read(), and nothing else is accepted. What is wrong is logged as `file:line: ...` with the
 * nearest known word, and is CKR_GENERAL_ERROR.
 *
 * Read once, then constant: any thread may ask. A fork() beside a thread that is reading waits for it.
 */
#ifndef BYOK_BASE_SETTINGS_H
#define BYOK_BASE_SETTINGS_H

#include "backends/base/buffer.h"
#include <stdint.h>

enum setting_type {
    SETTING_TEXT,     /* anything but the empty string */
    SETTING_LIST,     /* {"a", "b"}: of texts */
    SETTING_YES_NO,   /* yes or no */
    SETTING_WORD,     /* one of `words` */
    SETTING_NUMBER,   /* a whole number from `least` to `most` */
    SETTING_NUMBER_OR_OFF, /* the same or `off`, which reads as -1 */
    SETTING_DURATION, /* a whole number with ms, s, m, h or d; bare: seconds; from `least` to `most` ms */
    SETTING_DURATION_OR_OFF, /* the same or `off`, which reads as -1 */
    SETTING_PATH             /* an absolute path, one from the configuration file's directory, or one of `words` */
};

struct setting_option {
    const char *name;
    enum setting_type type;
    const char *preset;       /* the default, as it would be written; NULL: none */
    const char *const *words; /* for SETTING_WORD and SETTING_PATH, ended by NULL */
    int64_t least, most;      /* for numbers and durations; most 0: no bound */
    /*
     * Of a global option: called when the file has been read as far as that, so that it holds for what comes
     * after it; NULL: it can wait. Answers NULL, or what is wrong with the text. Must not read settings.
     */
    const char *(*use)(const char *text);
};

/* Options of the sections whose `backend` is this one; NULL: of every section. */
struct setting_group {
    const char *backend;
    const struct setting_option *options;
    size_t count;
};

struct settings;      /* one section, or the global options */
struct settings_file; /* the whole file */

/*
 * Where the file is, the first of: the reserved string of C_Initialize ("config=PATH", p11-kit's
 * x-init-reserved; other words in it are ignored; NULL), $BYOK_PKCS11_CONF,
 * ${XDG_CONFIG_HOME:-~/.config}/byok-pkcs11.conf, SYSCONFDIR/byok-pkcs11.conf; in a set-id process the last
 * alone. CKR_OK with *ret_file NULL: no file in the default places, so no tokens. A named file that is
 * missing, a file that others could write, bad content: CKR_GENERAL_ERROR, one line each in the log.
 */
MUST_USE CK_RV settings_read(const char *reserved, const struct setting_group *global,
                             const struct setting_group *groups, size_t group_count,
                             struct settings_file **ret_file);
void settings_free(struct settings_file *file);

const struct settings *settings_global(const struct settings_file *file);
/* What stood in it when it was read, byte for byte. */
struct bytes settings_content(const struct settings_file *file);
size_t settings_section_count(const struct settings_file *file);
/* In the order of the file, from 0. Lent for the life of the file, as is all below. */
const struct settings *settings_section(const struct settings_file *file, size_t index);

/* Where it was read from, absolute. */
const char *settings_path(const struct settings_file *file);

const char *settings_title(const struct settings *section); /* token "TITLE" { */

/* The option must have been declared with the fitting type. What was not written is the preset. */
const char *settings_text(const struct settings *section,
                          const char *name); /* TEXT, WORD, PATH; NULL: none */
bool settings_yes(const struct settings *section, const char *name);
int64_t settings_number(const struct settings *section, const char *name);
int64_t settings_milliseconds(const struct settings *section, const char *name); /* -1: off */
size_t settings_list_count(const struct settings *section, const char *name);
const char *settings_list_item(const struct settings *section, const char *name, size_t index);
bool settings_written(const struct settings *section, const char *name); /* in the file, not by preset */

/*
 * Logs `file:line: TEXT`, the line being that of the option in this section (of the section, where it was not
 * written or `name` is NULL), and returns CKR_GENERAL_ERROR: for what only the room itself can check.
 */
MUST_USE CK_RV settings_refuse(const struct settings *section, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The one of `words` (ended by NULL) that a person who wrote `text` is likely to have meant, or NULL. */
const char *settings_nearest(const char *text, const char *const *words);

/* getenv(), or NULL in a set-id process, whatever is set there. */
const char *settings_environment(const char *name);
/* Whether it is set at all, also in a set-id process: for what makes us refuse to work there. */
bool settings_environment_is_set(const char *name);
/* All of it, for a program that is run in the host's place; NULL in a set-id process. */
char *const *settings_environment_whole(void);

#endif
