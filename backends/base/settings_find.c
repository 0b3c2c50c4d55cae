/* Which file is read, and whether what it says may be believed. */
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/base/settings_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char what[] = "configuration";

static void close_scoped(const int *file)
{
    if (*file >= 0) {
        close(*file);
    }
}

/* --- Which --- */

static CK_RV absolute(const char *path, char **ret_path)
{
    char *here SCOPED(scope_free) = NULL, *whole = NULL;

    if (path[0] == '/') {
        whole = strdup(path);
    } else {
        here = getcwd(NULL, 0);
        if (here == NULL) {
            log_error(NULL, "%s %s: the working directory is gone: %s", what, path, strerror(errno));
            return CKR_GENERAL_ERROR;
        }
        whole = settings_join(here, "/", path);
    }
    if (whole == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_path = whole;
    return CKR_OK;
}

static bool is_space(char character)
{
    return character != '\0' && strchr(" \t\r\n", character) != NULL;
}

/* The value of config= among the words of the reserved string; NULL when it is not there. */
static const char *find_word(const char *reserved)
{
    static const char name[] = "config=";
    const char *at;

    for (at = reserved; (at = strstr(at, name)) != NULL; at++) {
        if (at == reserved || is_space(at[-1])) {
            return at + strlen(name);
        }
    }
    return NULL;
}

static CK_RV path_of_reserved(const char *reserved, char **ret_path)
{
    const char *from = reserved == NULL ? NULL : find_word(reserved);
    char *path SCOPED(scope_free) = NULL;
    size_t size;

    if (from == NULL) {
        return CKR_OK;
    }
    if (*from == '"') {
        from++;
        size = strcspn(from, "\"");
    } else {
        size = strcspn(from, " \t\r\n");
    }
    if (size == 0 || (from[-1] == '"' && from[size] == '\0')) {
        log_error(NULL, "initialisation argument \"%s\": config= is followed by no path", reserved);
        return CKR_ARGUMENTS_BAD;
    }
    path = strndup(from, size);
    return path == NULL ? CKR_HOST_MEMORY : absolute(path, ret_path);
}

/* Named by the caller or the environment: must then be there. *ret_path stays NULL when nobody named one. */
static CK_RV named_path(const char *reserved, char **ret_path)
{
    CK_RV rv = path_of_reserved(reserved, ret_path);
    const char *path;

    if (rv != CKR_OK || *ret_path != NULL) {
        return rv;
    }
    path = settings_environment("BYOK_PKCS11_CONF");
    return path == NULL || *path == '\0' ? CKR_OK : absolute(path, ret_path);
}

/* NULL where there is no home, or no memory. Not from the user database: that may be a network away. */
static char *user_path(void)
{
    const char *directory = settings_environment("XDG_CONFIG_HOME"), *below = "/byok-pkcs11.conf";

    if (directory == NULL || directory[0] != '/') {
        directory = settings_environment("HOME");
        below = "/.config/byok-pkcs11.conf";
    }
    return directory == NULL || directory[0] != '/' ? NULL : settings_join(directory, below, "");
}

/* --- Whether it may be believed --- */

static CK_RV distrust(const char *path, const char *of, const char *cause, const char *remedy)
{
    log_error(NULL, "%s %s is not used: %s %s; %s %s", what, path, of, cause, remedy, of);
    return CKR_GENERAL_ERROR;
}

/* `of` is the file or its directory. A sticky directory lets nobody replace what is another's. */
static CK_RV check_owner(bool secure, const char *path, const char *of, const struct stat *about)
{
    mode_t others = about->st_mode & (S_IWGRP | S_IWOTH);

    if (about->st_uid != 0 && secure) {
        return distrust(path, of, "belongs to another than root, in a set-id program", "chown root");
    }
    if (about->st_uid != 0 && about->st_uid != geteuid()) {
        return distrust(path, of, "belongs to neither root nor this user", "chown");
    }
    if (others != 0 && !(S_ISDIR(about->st_mode) && (about->st_mode & S_ISVTX) != 0 && !secure)) {
        return distrust(path, of, "can be written by others", "chmod go-w");
    }
    return CKR_OK;
}

static CK_RV check_directory(bool secure, const char *path, const char *file)
{
    char *directory SCOPED(scope_free) = strdup(file), *slash;
    struct stat about;

    if (directory == NULL) {
        return CKR_HOST_MEMORY;
    }
    slash = strrchr(directory, '/');
    slash[slash == directory ? 1 : 0] = '\0';
    if (stat(directory, &about) != 0) {
        return distrust(path, directory, strerror(errno), "see");
    }
    return check_owner(secure, path, directory, &about);
}

/* The directory of the name as well as that of the file, where the name is a link. */
static CK_RV check_trust(bool secure, const char *path, int file)
{
    char *target SCOPED(scope_free) = realpath(path, NULL);
    struct stat about;
    CK_RV rv;

    if (target == NULL || fstat(file, &about) != 0) {
        return distrust(path, path, strerror(errno), "see");
    }
    rv = check_owner(secure, path, path, &about);
    if (rv == CKR_OK) {
        rv = check_directory(secure, path, path);
    }
    return rv == CKR_OK ? check_directory(secure, path, target) : rv;
}

static CK_RV read_trusted(bool secure, const char *path, int file, struct buffer *content)
{
    CK_RV rv = file_read_open(NULL, what, path, file, content, NULL);

    return rv == CKR_OK ? check_trust(secure, path, file) : rv;
}

static int open_path(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static CK_RV read_named(const char *path, struct buffer *content)
{
    int file SCOPED(close_scoped) = open_path(path);

    if (file < 0) {
        log_error(NULL, "%s %s: %s", what, path, strerror(errno));
        return CKR_GENERAL_ERROR;
    }
    return read_trusted(false, path, file, content);
}

/* *ret_there says whether the search ends here. */
static CK_RV read_default(bool secure, const char *path, struct buffer *content, bool *ret_there,
                          bool *ret_read)
{
    int file SCOPED(close_scoped) = open_path(path);
    struct stat about;
    CK_RV rv;

    *ret_there = file >= 0;
    if (file >= 0) {
        rv = read_trusted(secure, path, file, content);
        *ret_read = rv == CKR_OK;
        return rv;
    }
    /* Another user's home may be closed to us: then nobody can say that a file is there. */
    if (errno == EACCES && stat(path, &about) == 0) {
        log_warning(NULL, "%s %s: this user may not read it, so there are no tokens", what, path);
        *ret_there = true;
    }
    return CKR_OK;
}

static CK_RV find_default(const struct settings_origin *origin, char **ret_path, struct buffer *content)
{
    char *users SCOPED(scope_free) = origin->secure ? NULL : user_path();
    const char *places[] = {users, origin->system_path};
    bool there = false, is_read = false;
    CK_RV rv = CKR_OK;
    size_t at;

    for (at = 0; at < 2 && !there && rv == CKR_OK; at++) {
        if (places[at] != NULL) {
            rv = read_default(origin->secure, places[at], content, &there, &is_read);
        }
    }
    return rv == CKR_OK && is_read ? absolute(places[at - 1], ret_path) : rv;
}

CK_RV settings_find(const struct settings_origin *origin, const char *reserved, char **ret_path,
                    struct buffer *content)
{
    char *path SCOPED(scope_free) = NULL;
    CK_RV rv = origin->secure ? CKR_OK : named_path(reserved, &path);

    if (rv != CKR_OK) {
        return rv;
    }
    if (path == NULL) {
        return find_default(origin, ret_path, content);
    }
    rv = read_named(path, content);
    if (rv == CKR_OK) {
        *ret_path = take(path);
    }
    return rv;
}
