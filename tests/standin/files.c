/* Files. */
#include "tests/standin/files.h"
#include "tests/standin/text.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool file_write(const char *path, mode_t mode, const void *content, size_t size)
{
    char *partial OWNED(owned_free) = text("%s.new", path);
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool good = fd >= 0 && write(fd, content, size) == (ssize_t)size;

    if (fd >= 0) {
        good = close(fd) == 0 && good;
    }
    return good && rename(partial, path) == 0;
}
