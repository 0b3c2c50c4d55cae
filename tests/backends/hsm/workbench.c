/* A folder, a configuration, tokens and a log for one test. */
#include "tests/backends/hsm/workbench.h"
#include "backends/audit/audit_token.h"
#include "backends/base/log.h"
#include "backends/hsm/hsm.h"
#include "backends/policy_token.h"
#include "backends/token_policy.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bench bench;

static const char *const kinds[] = {"hsm", NULL};
static const struct setting_option every_token[] = {
    {.name = "backend", .type = SETTING_WORD, .words = kinds},
};
static const struct setting_option global[] = {
    {.name = "log", .type = SETTING_TEXT},
};

const char *bench_path(const char *name)
{
    static char paths[4][BENCH_PATH];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", bench.folder, name);
    return path;
}

void bench_write(const char *name, const char *format, ...)
{
    FILE *file = fopen(bench_path(name), "w");
    va_list arguments;

    assert_non_null(file);
    fchmod(fileno(file), 0600);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    assert_int_equal(fclose(file), 0);
}

void bench_copy(const char *from, const char *name)
{
    char block[4096];
    size_t size;
    FILE *in = fopen(from, "r");
    FILE *out = fopen(bench_path(name), "w");

    assert_non_null(in);
    assert_non_null(out);
    while ((size = fread(block, 1, sizeof block, in)) != 0) {
        assert_int_equal(fwrite(block, 1, size, out), size);
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

void bench_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int bench_set_up(void **state)
{
    char destination[PATH_MAX];
    const char *base = getenv("TMPDIR");

    (void)state;
    memset(&bench, 0, sizeof bench);
    snprintf(bench.folder, sizeof bench.folder, "%s/byok-hsm.XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(bench.folder) == NULL) {
        return -1;
    }
    snprintf(destination, sizeof destination, "debug file:%s", bench_path("log"));
    return log_configure(destination) == CKR_OK ? 0 : -1;
}

int bench_tear_down(void **state)
{
    (void)state;
    bench_close();
    bench_remove(bench.folder);
    return 0;
}

static void write_token(FILE *file, const char *title, const char *uri, const char *more)
{
    if (uri != NULL) {
        fprintf(file, "token \"%s\" {\n    backend = hsm\n", title);
        if (uri[0] != '\0') {
            fprintf(file, "    uri = \"%s\"\n", uri);
        }
        fprintf(file, "    %s\n}\n", more == NULL ? "" : more);
    }
}

CK_RV bench_try(const char *first_uri, const char *second_uri, const char *more)
{
    const struct setting_group of_global = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every_token, 1},
                                           {NULL, token_policy_options, token_policy_option_count},
                                           {"hsm", hsm_kind.options, hsm_kind.option_count}};
    char reserved[PATH_MAX];
    FILE *file = fopen(bench_path("byok.conf"), "w");

    assert_non_null(file);
    fchmod(fileno(file), 0600);
    write_token(file, "first", first_uri, more);
    write_token(file, "second", second_uri, more);
    fclose(file);
    snprintf(reserved, sizeof reserved, "config=%s", bench_path("byok.conf"));
    assert_rv(settings_read(reserved, &of_global, groups, 3, &bench.settings), CKR_OK);
    for (size_t i = 0; i < settings_section_count(bench.settings); i++) {
        const struct settings *section = settings_section(bench.settings, i);
        CK_RV rv = hsm_kind.open_token(section, &bench.token[i]);

        if (rv == CKR_OK) {
            rv = audit_token_above(section, settings_title(section), &bench.token[i]);
        }
        if (rv == CKR_OK) {
            rv = policy_token_above(section, settings_title(section), &bench.token[i]);
        }
        if (rv != CKR_OK) {
            return rv;
        }
    }
    return CKR_OK;
}

void bench_open(const char *first_uri, const char *second_uri, const char *more)
{
    assert_rv(bench_try(first_uri, second_uri, more), CKR_OK);
}

void bench_close(void)
{
    for (size_t i = 0; i < BENCH_TOKENS; i++) {
        if (bench.token[i] != NULL) {
            bench.token[i]->ops->close(bench.token[i]);
            bench.token[i] = NULL;
        }
    }
    settings_free(bench.settings);
    bench.settings = NULL;
}

CK_OBJECT_HANDLE bench_kek(struct token_session *session, CK_OBJECT_CLASS class)
{
    char label[] = "kek";
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 3}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;

    assert_rv(session->ops->find_objects_init(session, template, 2), CKR_OK);
    assert_rv(session->ops->find_objects(session, &key, 1, &count), CKR_OK);
    assert_rv(session->ops->find_objects_final(session), CKR_OK);
    assert_int_equal(count, 1);
    return key;
}

struct token_session *bench_session(struct token *token)
{
    struct token_session *session = NULL;

    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
              CKR_OK);
    assert_non_null(session);
    return session;
}

CK_RV bench_close_session(struct token_session *session)
{
    return session->ops->close_session(session);
}

unsigned bench_logged(const char *text)
{
    char line[8192];
    unsigned count = 0;
    FILE *file = fopen(bench_path("log"), "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, text) != NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}
