/* From what was written to what it means. */
#include "backends/base/settings_private.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 64 };

static const struct {
    const char *suffix;
    int64_t milliseconds;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/*
 * Edits (insert, delete, replace, swap neighbours) from one word to the other;
 * both at most LONGEST_WORD long.
 */
static size_t distance(const char *from, const char *to)
{
    size_t rows[3][LONGEST_WORD + 1], from_size = strlen(from), to_size = strlen(to), row, column;
    size_t *before = rows[0], *last = rows[1], *now = rows[2], *oldest;

    for (column = 0; column <= to_size; column++) {
        last[column] = column;
    }
    for (row = 1; row <= from_size; row++) {
        now[0] = row;
        for (column = 1; column <= to_size; column++) {
            bool same = from[row - 1] == to[column - 1];

            now[column] = least_of(last[column] + 1, now[column - 1] + 1, last[column - 1] + (same ? 0 : 1));
            if (row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1] &&
                before[column - 2] + 1 < now[column]) {
                now[column] = before[column - 2] + 1;
            }
        }
        oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[to_size];
}

const char *settings_nearest(const char *text, const char *const *words)
{
    size_t size = strlen(text), best = size / 3 + 1; /* as far off as this is no slip of the fingers */
    const char *nearest = NULL;

    if (size > LONGEST_WORD) {
        return NULL;
    }
    for (; *words != NULL; words++) {
        size_t away = strlen(*words) > LONGEST_WORD ? best : distance(text, *words);

        if (size >= 3 && strncmp(text, *words, size) == 0) {
            return *words; /* its beginning */
        }
        if (away < best) {
            best = away;
            nearest = *words;
        }
    }
    return nearest;
}

static CK_RV check_word(const struct setting_option *option, const char *text, struct buffer *problem)
{
    const char *const *word, *nearest;
    CK_RV rv;

    for (word = option->words; *word != NULL; word++) {
        if (strcmp(text, *word) == 0) {
            return CKR_OK;
        }
    }
    nearest = settings_nearest(text, option->words);
    rv = buffer_printf(problem, "\"%s\" cannot be \"%s\"; ", option->name, text);
    if (rv == CKR_OK && nearest != NULL) {
        rv = buffer_printf(problem, "did you mean \"%s\"?", nearest);
    } else if (rv == CKR_OK) {
        rv = buffer_append_text(problem, "it is one of:");
        for (word = option->words; rv == CKR_OK && *word != NULL; word++) {
            rv = buffer_printf(problem, " %s", *word);
        }
    }
    return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
}

/* A whole number, and what stands behind it in ret_rest. False: no digits, or too large. */
static bool read_number(const char *text, int64_t *ret_number, const char **ret_rest)
{
    int64_t number = 0;

    if (*text < '0' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *text - '0', &number)) {
            return false;
        }
    }
    *ret_number = number;
    *ret_rest = text;
    return true;
}

static bool read_duration(const char *text, int64_t *ret_milliseconds)
{
    const char *suffix;
    int64_t number;
    size_t at;

    if (!read_number(text, &number, &suffix)) {
        return false;
    }
    if (*suffix == '\0') {
        suffix = "s";
    }
    for (at = 0; at < sizeof units / sizeof units[0]; at++) {
        if (strcmp(suffix, units[at].suffix) == 0) {
            return !__builtin_mul_overflow(number, units[at].milliseconds, ret_milliseconds);
        }
    }
    return false;
}

/* As a person would write it. */
static CK_RV print_bound(const struct setting_option *option, int64_t bound, struct buffer *to)
{
    size_t at;

    if (option->type == SETTING_NUMBER || option->type == SETTING_NUMBER_OR_OFF || bound == 0) {
        return buffer_printf(to, "%" PRId64, bound);
    }
    for (at = 0; bound % units[at].milliseconds != 0; at++) {
    }
    return buffer_printf(to, "%" PRId64 "%s", bound / units[at].milliseconds, units[at].suffix);
}

static CK_RV check_bounds(const struct setting_option *option, const char *text, int64_t number,
                          struct buffer *problem)
{
    CK_RV rv;

    if (option->most == 0 || (number >= option->least && number <= option->most)) {
        return CKR_OK;
    }
    rv = buffer_printf(problem, "\"%s\" cannot be %s; it is from ", option->name, text);
    if (rv == CKR_OK) {
        rv = print_bound(option, option->least, problem);
    }
    if (rv == CKR_OK) {
        rv = buffer_append_text(problem, " to ");
    }
    if (rv == CKR_OK) {
        rv = print_bound(option, option->most, problem);
    }
    return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
}

static bool is_off(struct setting *setting)
{
    if (strcmp(setting->items[0], "off") != 0) {
        return false;
    }
    setting->number = -1;
    return true;
}

static CK_RV check_number(struct setting *setting, struct buffer *problem)
{
    bool may_be_off = setting->option->type == SETTING_NUMBER_OR_OFF;
    const char *text = setting->items[0], *rest;
    CK_RV rv;

    if (may_be_off && is_off(setting)) {
        return CKR_OK;
    }
    if (!read_number(text, &setting->number, &rest) || *rest != '\0') {
        rv = buffer_printf(problem, "\"%s\" is a whole number%s, not \"%s\"", setting->option->name,
                           may_be_off ? ", or off" : "", text);
        return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
    }
    return check_bounds(setting->option, text, setting->number, problem);
}

static CK_RV check_duration(struct setting *setting, struct buffer *problem)
{
    bool may_be_off = setting->option->type == SETTING_DURATION_OR_OFF;
    const char *text = setting->items[0];
    CK_RV rv;

    if (may_be_off && is_off(setting)) {
        return CKR_OK;
    }
    if (!read_duration(text, &setting->number)) {
        rv = buffer_printf(problem, "\"%s\" is a time, a whole number with ms, s, m, h or d%s, not \"%s\"",
                           setting->option->name, may_be_off ? ", or off" : "", text);
        return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
    }
    return check_bounds(setting->option, text, setting->number, problem);
}

static CK_RV check_yes_no(struct setting *setting, struct buffer *problem)
{
    CK_RV rv;

    setting->number = strcmp(setting->items[0], "yes") == 0;
    if (setting->number != 0 || strcmp(setting->items[0], "no") == 0) {
        return CKR_OK;
    }
    rv = buffer_printf(problem, "\"%s\" is yes or no, not \"%s\"", setting->option->name, setting->items[0]);
    return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
}

static CK_RV resolve(const struct settings_file *file, struct setting *setting)
{
    const char *const *words = setting->option->words;
    char *path;

    if (setting->items[0][0] == '/') {
        return CKR_OK;
    }
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        if (strcmp(setting->items[0], words[i]) == 0) {
            return CKR_OK;
        }
    }
    path = settings_join(file->directory, "", setting->items[0]);
    if (path == NULL) {
        return CKR_HOST_MEMORY;
    }
    free(setting->items[0]);
    setting->items[0] = path;
    return CKR_OK;
}

static CK_RV check_not_empty(const struct setting *setting, struct buffer *problem)
{
    size_t at;
    CK_RV rv;

    for (at = 0; at < setting->count; at++) {
        if (setting->items[at][0] == '\0') {
            rv = buffer_printf(problem, "\"%s\" is empty; leave it out, or give it a value",
                               setting->option->name);
            return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
        }
    }
    return CKR_OK;
}

CK_RV settings_value(const struct settings_file *file, struct setting *setting, struct buffer *problem)
{
    CK_RV rv = check_not_empty(setting, problem);

    if (rv != CKR_OK) {
        return rv;
    }
    switch (setting->option->type) {
    case SETTING_YES_NO:
        return check_yes_no(setting, problem);
    case SETTING_WORD:
        return check_word(setting->option, setting->items[0], problem);
    case SETTING_NUMBER:
    case SETTING_NUMBER_OR_OFF:
        return check_number(setting, problem);
    case SETTING_DURATION:
    case SETTING_DURATION_OR_OFF:
        return check_duration(setting, problem);
    case SETTING_PATH:
        return resolve(file, setting);
    case SETTING_TEXT:
    case SETTING_LIST:
        break;
    }
    return CKR_OK;
}
