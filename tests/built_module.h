/* The built module, loaded as an application loads it. */
#ifndef BYOK_TESTS_BUILT_MODULE_H
#define BYOK_TESTS_BUILT_MODULE_H

#include "backends/base/cryptoki.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The table of $MODULE; NULL, with a line that says why. */
static inline CK_FUNCTION_LIST *module_functions(void)
{
    const char *path = getenv("MODULE");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *functions = NULL;

    if (library == NULL) {
        fprintf(stderr, "%s\n", path == NULL ? "MODULE is not set" : dlerror());
        return NULL;
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    return get != NULL && get(&functions) == CKR_OK ? functions : NULL;
}

static inline int thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    while (tasks != NULL && readdir(tasks) != NULL) {
        count++;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count - 2; /* . and .. */
}

/*
 * For the end of main: waits, at most 2 s, until this is the last thread. libcurl leaves a resolver's thread
 * to end by itself, and LeakSanitizer, which looks at all threads at exit, dies of one that ends just then.
 */
static inline void let_threads_end(void)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};

    for (int tries = 0; tries < 200 && thread_count() > 1; tries++) {
        nanosleep(&pause, NULL);
    }
}

#endif
