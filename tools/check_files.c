/* Files and folders that a section names. */
#include "pkcs11/slot.h"
#include "tools/check.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_word(const struct setting_option *option, const char *text)
{
    for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++) {
        if (strcmp(option->words[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void check_folder(const char *option, const char *path, struct diagnosis *diagnosis)
{
    struct stat about;

    if (stat(path, &about) != 0 || access(path, R_OK | X_OK) != 0) {
        diagnosis_fail(diagnosis, option, "make that folder, readable to the application's user", "%s %s: %s",
                       option, path, strerror(errno));
    } else if (!S_ISDIR(about.st_mode)) {
        diagnosis_fail(diagnosis, option, "name a folder", "%s %s: not a folder", option, path);
    } else if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        diagnosis_warn(diagnosis, option, "chmod go-w it", "%s %s: others can change what is in it", option,
                       path);
    } else {
        diagnosis_ok(diagnosis, option, "%s %s can be read", option, path);
    }
}

/* The names are those of the options; ca-file alone is no secret. */
static void check_option(const struct settings *section, const struct setting_option *option,
                         struct diagnosis *diagnosis)
{
    const char *path = option->type == SETTING_PATH && settings_written(section, option->name)
                           ? settings_text(section, option->name)
                           : NULL;

    if (path == NULL || is_word(option, path)) {
        return;
    }
    if (ends_with(option->name, "-file")) {
        diagnosis_file(diagnosis, option->name, option->name, path, strcmp(option->name, "ca-file") != 0);
    } else {
        check_folder(option->name, path, diagnosis);
    }
}

struct checking {
    const struct settings *section;
    struct diagnosis *diagnosis;
};

static void check_group(void *arg, const struct setting_group *group)
{
    const struct checking *checking = arg;

    if (group->backend != NULL && strcmp(group->backend, settings_text(checking->section, "backend")) != 0) {
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        check_option(checking->section, &group->options[i], checking->diagnosis);
    }
}

void check_files(const struct settings *section, struct diagnosis *diagnosis)
{
    struct checking checking = {section, diagnosis};

    slots_each_group(check_group, &checking);
}
