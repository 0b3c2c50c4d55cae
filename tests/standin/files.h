/* What the stand-in writes for its clients. */
#ifndef STANDIN_FILES_H
#define STANDIN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whole or not at all. */
bool file_write(const char *path, mode_t mode, const void *content, size_t size);

#endif
