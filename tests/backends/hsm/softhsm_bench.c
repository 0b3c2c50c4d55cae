/* SoftHSM reads its configuration once, so all tests of a program share one token. */
#include "tests/backends/hsm/softhsm_bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char library[PATH_MAX];
static char softhsm[PATH_MAX];

const char *softhsm_folder(void)
{
    return softhsm;
}

const char *softhsm_library(void)
{
    return library;
}

static bool make_token(const char *folder, const char *label)
{
    char command[PATH_MAX * 2];

    snprintf(command, sizeof command, "'%s' '%s' '%s'", MAKE_TOKEN, folder, label);
    return system(command) == 0;
}

void softhsm_read_line(const char *name, char *to, int size)
{
    FILE *file = fopen(bench_path(name), "r");

    assert_non_null(file);
    assert_non_null(fgets(to, size, file));
    to[strcspn(to, "\n")] = '\0';
    fclose(file);
}

int softhsm_set_up(void **state)
{
    if (bench_set_up(state) != 0) {
        return -1;
    }
    bench_remove(bench.folder);
    return symlink(softhsm, bench.folder);
}

int softhsm_tear_down(void **state)
{
    (void)state;
    bench_close();
    return unlink(bench.folder);
}

int softhsm_make(void **state)
{
    if (bench_set_up(state) != 0 || !make_token(bench.folder, "hsm")) {
        return -1;
    }
    strcpy(softhsm, bench.folder);
    softhsm_read_line("module", library, sizeof library);
    return setenv("SOFTHSM2_CONF", bench_path("softhsm2.conf"), 1);
}

int softhsm_remove(void **state)
{
    (void)state;
    bench_remove(softhsm);
    return 0;
}

void softhsm_use(const char *folder)
{
    strcpy(softhsm, folder);
    strcpy(bench.folder, folder);
    softhsm_read_line("module", library, sizeof library);
}

const char *softhsm_uri(const char *token, const char *pin_file)
{
    static char uri[PATH_MAX * 3];
    bool pin = pin_file != NULL;

    snprintf(uri, sizeof uri, "pkcs11:token=%s?module-path=%s%s%s", token, library,
             pin ? "&pin-source=file:" : "", pin ? bench_path(pin_file) : "");
    return uri;
}

struct token_session *softhsm_open(const char *more)
{
    bench_open(softhsm_uri("hsm", "pin"), NULL, more);
    return bench_session(bench.token[0]);
}
