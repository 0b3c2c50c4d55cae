/* The SDK for JavaScript. */
#include "tests/bench/sdk.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MISSING = 77, OUTPUT_SIZE = 4096 };

static void set_environment(const struct place *place)
{
    char hex[2 * BLOB_SIZE + 1];

    for (unsigned i = 0; i < BLOB_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", known->blob[i]);
    }
    setenv("BLOB", hex, 1);
    setenv("VAULT_URL", place->vault_url, 1);
    setenv("IDENTITY_URL", place->identity_url, 1);
}

/* What js-sdk prints for these words; its exit status. */
static int run(const char *words, char output[OUTPUT_SIZE])
{
    char command[3 * TEXT_SIZE];
    size_t size;
    FILE *from;
    int status;

    snprintf(command, sizeof command, "'%s/tests/bench/js-sdk' %s", world.srcdir, words);
    from = popen(command, "re");
    if (from == NULL) {
        return -1;
    }
    size = fread(output, 1, OUTPUT_SIZE - 1, from);
    output[size] = 0;
    output[strcspn(output, "\n")] = 0;
    status = pclose(from);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *sdk_missing(void)
{
    static char output[OUTPUT_SIZE];

    return run("can-it-run", output) == MISSING ? output : NULL;
}

static double number(const cJSON *object, const char *name)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool sdk_run(const struct place *place, const char *task, struct sdk_figures *ret_figures)
{
    char output[OUTPUT_SIZE];
    const cJSON *part;
    cJSON *json;
    bool good;

    set_environment(place);
    if (run(task == NULL ? "" : task, output) != 0 || (json = cJSON_Parse(output)) == NULL) {
        fprintf(stderr, "bench: the SDK for JavaScript: %s\n", output);
        return false;
    }
    ret_figures->cold = number(cJSON_GetObjectItemCaseSensitive(json, "cold_start"), "seconds");
    part = task == NULL ? NULL : cJSON_GetObjectItemCaseSensitive(json, task);
    if (part != NULL) {
        ret_figures->seconds = number(part, "seconds") / number(part, "operations");
        ret_figures->cpu = number(part, "cpu_seconds") / number(part, "operations");
    }
    good = ret_figures->cold > 0 && (task == NULL || (part != NULL && ret_figures->seconds > 0));
    cJSON_Delete(json);
    return good;
}
