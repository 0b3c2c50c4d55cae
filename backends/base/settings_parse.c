/*
 * Reading with libconfuse. Every option is a string or a list of strings to it; what they mean is checked
 * here afterwards, section by section. Its scanner has one state for the process, so one thread reads at a
 * time.
 */
#include "backends/base/scope.h"
#include "backends/base/settings_private.h"
#include <confuse.h>
#include <libintl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WRITTEN = 4 * 1024 * 1024, MESSAGE_SIZE = 512 };

/* Where an option was first written. */
struct written {
    const cfg_opt_t *option;
    unsigned line;
};

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    const struct settings_schema *schema; /* the rest is of the file that is being read */
    const char *path;
    struct buffer *written; /* struct written, in the order of the file */
    bool complained;
} reading = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * A scanner that was copied by fork() in the middle of a file cannot be used again, nor freed, so fork()
 * waits for the few milliseconds that reading takes.
 */
static void lock_reading(void)
{
    pthread_mutex_lock(&reading.lock);
}

static void unlock_reading(void)
{
    pthread_mutex_unlock(&reading.lock);
}

static void hold_forks(void)
{
    pthread_atfork(lock_reading, unlock_reading, unlock_reading);
}

static void cfg_scoped(cfg_t **cfg)
{
    if (*cfg != NULL) {
        cfg_free(*cfg);
    }
}

bool settings_declares(const struct setting_group *group, const char *name)
{
    size_t at;

    for (at = 0; at < group->count; at++) {
        if (strcmp(group->options[at].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Of the sections, or with `global` of the file. */
static size_t words_of(bool global, const char **words)
{
    const struct settings_schema *schema = reading.schema;
    const struct setting_group *groups = global ? schema->global : schema->groups;
    size_t group, at, count = 0, group_count = global ? 1 : schema->group_count;

    for (group = 0; group < group_count; group++) {
        for (at = 0; at < groups[group].count; at++, count++) {
            if (words != NULL) {
                words[count] = groups[group].options[at].name;
            }
        }
    }
    return count;
}

static void complain_of_unknown(bool global, unsigned line, const char *name)
{
    const char **words SCOPED(scope_free) = calloc(words_of(global, NULL) + 2, sizeof *words);
    const char *nearest = NULL, *place = NULL;
    size_t at, count;
    CK_RV rv;

    if (words != NULL) {
        count = words_of(global, words);
        words[count] = global ? "token" : NULL;
        nearest = settings_nearest(name, words);
    }
    for (at = 0; global && at < reading.schema->group_count; at++) {
        place = settings_declares(&reading.schema->groups[at], name) ? "belongs into a token section" : place;
    }
    if (!global && settings_declares(reading.schema->global, name)) {
        place = "belongs before the token sections";
    }
    if (place != NULL) {
        rv = settings_complain(reading.path, line, "\"%s\" %s", name, place);
    } else if (nearest != NULL) {
        rv = settings_complain(reading.path, line, "unknown option \"%s\"; did you mean \"%s\"?", name,
                               nearest);
    } else {
        rv = settings_complain(reading.path, line, "unknown option \"%s\"", name);
    }
    (void)rv;
}

/* libconfuse speaks the host's language; the one message that we must know again is looked up in it, too. */
static bool is_unknown_option(const char *format)
{
    static const char text[] = "no such option '%s'";

    return strcmp(format, text) == 0 || strcmp(format, dgettext("confuse", text)) == 0;
}

static void on_error(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    unsigned line = (unsigned)cfg->line;
    char text[MESSAGE_SIZE];
    CK_RV rv;

    if (reading.complained) {
        return;
    }
    reading.complained = true;
    if (is_unknown_option(format)) {
        complain_of_unknown(cfg->title == NULL, line, va_arg(arguments, const char *));
        return;
    }
    vsnprintf(text, sizeof text, format, arguments);
    rv = settings_complain(reading.path, line, "%s", text);
    (void)rv;
}

unsigned settings_line(const cfg_opt_t *option)
{
    const struct written *written = (const void *)reading.written->data;
    size_t at;

    for (at = reading.written->size / sizeof *written; at != 0; at--) {
        if (written[at - 1].option == option) {
            return written[at - 1].line;
        }
    }
    return 0;
}

/* A global option that is wanted as soon as it is read. */
static int use_now(cfg_t *cfg, const cfg_opt_t *option, const char *value)
{
    const struct setting_group *global = reading.schema->global;
    const char *problem = NULL;

    for (size_t at = 0; cfg->title == NULL && at < global->count; at++) {
        if (global->options[at].use != NULL && strcmp(global->options[at].name, option->name) == 0) {
            problem = global->options[at].use(value);
        }
    }
    if (problem != NULL) {
        cfg_error(cfg, "%s", problem);
    }
    return problem == NULL ? 0 : -1;
}

/*
 * Called for each value before libconfuse keeps it. Of an option that is written again it would let the last
 * one win. `+=` goes on where a list ended, so only the first item of an assignment counts.
 */
static int on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
    struct written written = {option, (unsigned)cfg->line};
    unsigned line = settings_line(option);

    *(const char **)result = value;
    if (line == 0) {
        return buffer_append(reading.written, &written, sizeof written) == CKR_OK
                   ? use_now(cfg, option, value)
                   : -1;
    }
    if (option->nvalues <= 1) {
        cfg_error(cfg, "\"%s\" was written before, in line %u", option->name, line);
        return -1;
    }
    return 0;
}

static size_t add_options(const struct setting_group *group, cfg_opt_t *options, size_t count)
{
    size_t at, other;

    for (at = 0; at < group->count; at++) {
        const struct setting_option *option = &group->options[at];
        cfg_opt_t text = CFG_STR_CB(option->name, NULL, CFGF_NODEFAULT, on_value);
        cfg_opt_t list = CFG_STR_LIST_CB(option->name, NULL, CFGF_NODEFAULT, on_value);

        for (other = 0; other < count && strcmp(options[other].name, option->name) != 0; other++) {
        }
        if (other == count) {
            options[count++] = option->type == SETTING_LIST ? list : text;
        }
    }
    return count;
}

static cfg_t *make_parser(const struct settings_schema *schema)
{
    size_t at, count = 0;
    cfg_opt_t *inner SCOPED(scope_free) = calloc(words_of(false, NULL) + 1, sizeof *inner);
    cfg_opt_t *outer SCOPED(scope_free) = calloc(words_of(true, NULL) + 2, sizeof *outer);
    cfg_opt_t end = CFG_END();
    cfg_t *parser;

    if (inner == NULL || outer == NULL) {
        return NULL;
    }
    for (at = 0; at < schema->group_count; at++) {
        count = add_options(&schema->groups[at], inner, count);
    }
    inner[count] = end;
    count = add_options(schema->global, outer, 0);
    outer[count++] = (cfg_opt_t)CFG_SEC("token", inner, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
    outer[count] = end;
    parser = cfg_init(outer, CFGF_NONE);
    if (parser != NULL) {
        cfg_set_error_function(parser, on_error);
    }
    return parser;
}

static CK_RV run_parser(cfg_t *parser, const struct buffer *content)
{
    if (cfg_parse_buf(parser, buffer_text(content)) == CFG_SUCCESS) {
        return CKR_OK;
    }
    return reading.complained ? CKR_GENERAL_ERROR : CKR_HOST_MEMORY;
}

static CK_RV parse_locked(const struct settings_schema *schema, const struct buffer *content,
                          const struct buffer *lines, struct settings_file *file)
{
    struct buffer written SCOPED(buffer_free) = BUFFER_INIT(MOST_WRITTEN);
    cfg_t *parser SCOPED(cfg_scoped) = NULL;
    CK_RV rv;

    reading.schema = schema;
    reading.path = file->path;
    reading.written = &written;
    reading.complained = false;
    parser = make_parser(schema);
    rv = parser == NULL ? CKR_HOST_MEMORY : run_parser(parser, content);
    if (rv == CKR_OK) {
        rv = settings_fill(schema, parser, lines, file);
    }
    reading.written = NULL;
    return rv;
}

CK_RV settings_parse(const struct settings_schema *schema, const struct buffer *content,
                     const struct buffer *lines, struct settings_file *file)
{
    CK_RV rv;

    pthread_once(&reading.once, hold_forks);
    lock_reading();
    rv = parse_locked(schema, content, lines, file);
    unlock_reading();
    return rv;
}
