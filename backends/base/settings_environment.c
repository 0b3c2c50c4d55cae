/* The one place where the environment is read. */
#include "backends/base/process.h"
#include "backends/base/settings.h"
#include <stdlib.h>
#include <unistd.h>

const char *settings_environment(const char *name)
{
    return process_is_secure() ? NULL : getenv(name);
}

bool settings_environment_is_set(const char *name)
{
    return getenv(name) != NULL;
}

char *const *settings_environment_whole(void)
{
    return process_is_secure() ? NULL : environ;
}
