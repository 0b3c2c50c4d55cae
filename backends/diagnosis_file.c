/* Files that the configuration names: who can read and change them. */
#include "backends/diagnosis.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ADVICE_SIZE = 1024 };

static bool usable(struct diagnosis *diagnosis, const char *check, const char *option, const char *path,
                   struct stat *ret_about)
{
    if (stat(path, ret_about) != 0) {
        diagnosis_fail(diagnosis, check, "write that file, or correct the option in the configuration",
                       "%s %s: %s", option, path, strerror(errno));
        return false;
    }
    if (!S_ISREG(ret_about->st_mode)) {
        diagnosis_fail(diagnosis, check, "name a regular file", "%s %s: not a regular file", option, path);
        return false;
    }
    if (access(path, R_OK) != 0) {
        diagnosis_fail(diagnosis, check,
                       "run this as the user of the application, or give that user the file",
                       "%s %s: user %ld cannot read it: %s", option, path, (long)geteuid(), strerror(errno));
        return false;
    }
    if (ret_about->st_size == 0) {
        diagnosis_fail(diagnosis, check, "write its content", "%s %s: it is empty", option, path);
        return false;
    }
    return true;
}

/* The folder of the file, where others can put another file in its place. */
static bool folder_is_open(const char *path, char *ret_folder, size_t room)
{
    const char *slash = strrchr(path, '/');
    struct stat about;

    snprintf(ret_folder, room, "%.*s", slash == NULL || slash == path ? 1 : (int)(slash - path),
             slash == NULL ? "." : path);
    return stat(ret_folder, &about) == 0 && (about.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
           (about.st_mode & S_ISVTX) == 0;
}

bool diagnosis_file(struct diagnosis *diagnosis, const char *check, const char *option, const char *path,
                    bool secret)
{
    char advice[ADVICE_SIZE], folder[ADVICE_SIZE / 2];
    struct stat about;

    if (!usable(diagnosis, check, option, path, &about)) {
        return false;
    }
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        snprintf(advice, sizeof advice, "chmod go-w %s", path);
        diagnosis_warn(diagnosis, check, advice, "%s %s: others than its owner can change it", option, path);
    } else if (folder_is_open(path, folder, sizeof folder)) {
        snprintf(advice, sizeof advice, "chmod go-w %s", folder);
        diagnosis_warn(diagnosis, check, advice, "%s %s: others can put another file in its place", option,
                       path);
    } else if (secret && (about.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        snprintf(advice, sizeof advice, "chmod 600 %s", path);
        diagnosis_warn(diagnosis, check, advice, "%s %s: others than its owner can read it", option, path);
    } else {
        diagnosis_ok(diagnosis, check, "%s %s can be read%s", option, path,
                     secret ? ", and by its owner alone" : "");
    }
    return true;
}
