/* Files of the service. */
#include "tests/scenarios/folder.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

bool name_good(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t size = strlen(name);

    return size > 0 && size < NAME_SIZE && strspn(name, letters) == size;
}

static void path_of(const char *folder, const char *name, const char *ending, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s%s", folder, name, ending);
}

bool folder_read(const char *folder, const char *name, const char *ending, CK_BYTE *ret_data, CK_ULONG *size)
{
    char path[PATH_SIZE];
    FILE *file;
    bool whole;

    path_of(folder, name, ending, path);
    file = fopen(path, "rbe");
    if (file == NULL) {
        return false;
    }
    *size = fread(ret_data, 1, *size, file);
    whole = !ferror(file) && getc(file) == EOF;
    fclose(file);
    return whole;
}

bool folder_write(const char *folder, const char *name, const char *ending, const CK_BYTE *data,
                  CK_ULONG size)
{
    char path[PATH_SIZE];
    FILE *file;
    bool whole;

    path_of(folder, name, ".new", path);
    file = fopen(path, "wbe");
    if (file == NULL) {
        return false;
    }
    whole = fwrite(data, 1, size, file) == size;
    return fclose(file) == 0 && whole && folder_rename(folder, name, ".new", ending);
}

bool folder_rename(const char *folder, const char *name, const char *from, const char *to)
{
    char old_path[PATH_SIZE], new_path[PATH_SIZE];

    path_of(folder, name, from, old_path);
    path_of(folder, name, to, new_path);
    return rename(old_path, new_path) == 0;
}

static bool visit_entry(const char *entry, const char *ending, folder_visitor *visit, void *arg)
{
    char name[NAME_SIZE];
    size_t length = strlen(entry), tail = strlen(ending);

    if (length <= tail || length - tail >= NAME_SIZE || strcmp(entry + length - tail, ending) != 0) {
        return true;
    }
    snprintf(name, sizeof name, "%.*s", (int)(length - tail), entry);
    return visit(arg, name);
}

bool folder_each(const char *folder, const char *ending, folder_visitor *visit, void *arg)
{
    DIR *all = opendir(folder);
    struct dirent *entry;
    bool on = all != NULL;

    while (on && (entry = readdir(all)) != NULL) {
        on = visit_entry(entry->d_name, ending, visit, arg);
    }
    if (all != NULL) {
        closedir(all);
    }
    return on;
}
