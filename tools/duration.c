/* Times as people say them. */
#include "tools/duration.h"
#include <stdio.h>
#include <time.h>

const char *duration_text(int64_t milliseconds, char to[DURATION_SIZE])
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t at = 0;

    while (units[at].size != 1 && milliseconds % units[at].size != 0) {
        at++;
    }
    snprintf(to, DURATION_SIZE, "%lld %s", (long long)(milliseconds / units[at].size), units[at].name);
    return to;
}

const char *date_text(int64_t seconds, char to[DATE_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm utc;

    to[0] = '\0';
    if (seconds != 0 && gmtime_r(&time, &utc) != NULL &&
        strftime(to, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        to[0] = '\0';
    }
    return to;
}
