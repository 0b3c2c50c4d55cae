/* The file that Azure Arc names. */
#include "backends/keyvault/identity/arc_key.h"
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_LIMIT = 4096, NAME_SIZE = 256 };

static void close_scoped(const int *file)
{
    if (*file >= 0) {
        close(*file);
    }
}

/* --- Its name --- */

/* What stands behind "Basic realm=" up to the end of that line, without quotes. */
static bool find_realm(const char *challenge, struct bytes *ret_realm)
{
    static const char word[] = "Basic realm=";
    const char *line = challenge;
    size_t length;

    while (strncasecmp(line, word, sizeof word - 1) != 0) {
        line = strchr(line, '\n');
        if (line == NULL) {
            return false;
        }
        line++;
    }
    line += sizeof word - 1;
    length = strcspn(line, "\n");
    if (length >= 2 && line[0] == '"' && line[length - 1] == '"') {
        line++;
        length -= 2;
    }
    *ret_realm = bytes_of(line, length);
    return true;
}

/* FOLDER/NAME.key and nothing else: what is left has no slash in it. */
static bool read_name(struct bytes realm, const char *folder, char ret_name[NAME_SIZE])
{
    static const char end[] = ".key";
    size_t folder_length = strlen(folder), length;
    const char *name;

    if (realm.size <= folder_length + 1 || memcmp(realm.data, folder, folder_length) != 0 ||
        realm.data[folder_length] != '/') {
        return false;
    }
    name = (const char *)realm.data + folder_length + 1;
    length = realm.size - folder_length - 1;
    if (length >= NAME_SIZE || length <= sizeof end - 1 || memchr(name, '/', length) != NULL ||
        memchr(name, 0, length) != NULL ||
        memcmp(name + length - (sizeof end - 1), end, sizeof end - 1) != 0) {
        return false;
    }
    memcpy(ret_name, name, length);
    ret_name[length] = 0;
    return true;
}

/* --- Its content --- */

static int open_file(const char *folder, const char *name)
{
    int directory SCOPED(close_scoped) = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return directory < 0 ? -1
                         : openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static bool is_text(const struct buffer *key)
{
    for (size_t i = 0; i < key->size; i++) {
        if (key->data[i] < ' ' || key->data[i] > '~') {
            return false;
        }
    }
    return key->size > 0;
}

static void cut_end_of_line(struct buffer *key)
{
    while (key->size > 0 && (key->data[key->size - 1] == '\n' || key->data[key->size - 1] == '\r')) {
        key->data[--key->size] = 0;
    }
}

static bool fail_to_open(int cause, struct identity_failure *ret_failure)
{
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "Azure Arc's key file cannot be opened: %s%s",
                         strerror(cause),
                         cause == EACCES ? "; the user of this process must be in the group himds" : "");
}

static bool read_key(const char *about, const char *folder, const char *name, struct buffer *ret_key,
                     struct identity_failure *ret_failure)
{
    int file SCOPED(close_scoped) = open_file(folder, name);
    struct stat status;

    if (file < 0 || fstat(file, &status) != 0) {
        return fail_to_open(errno, ret_failure);
    }
    if (!S_ISREG(status.st_mode) || (status.st_mode & S_IWOTH) != 0 || status.st_size > KEY_LIMIT) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "Azure Arc's key file is not read: it must be a regular file of at most %d "
                             "bytes that others cannot write to",
                             KEY_LIMIT);
    }
    if (file_read_open(about, "Azure Arc's key file", name, file, ret_key, NULL) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "Azure Arc's key file cannot be read");
    }
    cut_end_of_line(ret_key);
    return is_text(ret_key) ||
           identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "Azure Arc's key file does not hold a key");
}

bool arc_key_read(const char *about, const char *folder, const struct buffer *challenge,
                  struct buffer *ret_header, struct identity_failure *ret_failure)
{
    struct buffer key SCOPED(buffer_free) = BUFFER_INIT(KEY_LIMIT);
    char name[NAME_SIZE];
    struct bytes realm;

    if (!find_realm(buffer_text(challenge), &realm)) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "Azure Arc answered 401 without naming its key file; check the agent (azcmagent "
                             "check)");
    }
    if (!read_name(realm, folder, name)) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "Azure Arc's agent, or whoever answers in its place, names a key file that is "
                             "not %s/NAME.key: it is not read",
                             folder);
    }
    if (!read_key(about, folder, name, &key, ret_failure)) {
        return false;
    }
    if (buffer_append_text(ret_header, "Authorization: Basic ") != CKR_OK ||
        buffer_append(ret_header, key.data, key.size) != CKR_OK) {
        return identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory for the request");
    }
    return true;
}
