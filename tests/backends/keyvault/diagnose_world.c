/* The stand-in examined. */
#include "tests/backends/keyvault/diagnose_world.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct standin_process standin;

struct found found;

static void note(void *arg, const struct finding *finding)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    size_t size = strlen(found.text);

    (void)arg;
    snprintf(found.text + size, sizeof found.text - size, "%s %s: %s%s%s\n", words[finding->status],
             finding->check, finding->text, finding->advice == NULL ? "" : " | ",
             finding->advice == NULL ? "" : finding->advice);
    found.fails += finding->status == FINDING_FAIL;
    found.warnings += finding->status == FINDING_WARN;
}

static void examine_section(const struct settings *section)
{
    struct diagnosis diagnosis = {.token = "t", .tell = note};

    memset(&found, 0, sizeof found);
    diagnosis_begin(&diagnosis);
    keyvault_kind.diagnose(section, &diagnosis);
    diagnosis_end(&diagnosis);
    found.ends_here = diagnosis.ends_here;
}

/* `lines`: the section but for the vault's CA. */
void examine_lines(const char *lines)
{
    static const char *const kinds[] = {"keyvault", NULL};
    static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = kinds}};
    static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"keyvault", keyvault_kind.options, keyvault_kind.option_count}};
    char text[4096], reserved[200];
    struct settings_file *file;

    snprintf(text, sizeof text, "token \"t\" {\nbackend = keyvault\n%s}\n", lines);
    snprintf(reserved, sizeof reserved, "config=%s", test_file("conf", text));
    assert_int_equal(settings_read(reserved, &globals, groups, 2, &file), CKR_OK);
    examine_section(settings_section(file, 0));
    settings_free(file);
}

/* The usual caller; `vault` and `more` lines. */
void examine_at(const char *vault, const char *more)
{
    char lines[3000];

    snprintf(lines, sizeof lines,
             "vault = \"%s\"\nidentity = client-secret\nclient-id = \"%s\"\nclient-secret-file = \"%s\"\n"
             "authority = \"%s\"\nca-file = \"%s\"\ntimeout = 10s\n%s",
             vault, standin.client_id, standin.client_secret_file, standin.identity_url, standin.vault_ca,
             more);
    examine_lines(lines);
}

void examine(const char *more)
{
    char lines[2000];

    snprintf(lines, sizeof lines, "tenant = \"%s\"\n%s", standin.tenant_id, more);
    examine_at(standin.vault_url, lines);
}

void expect(const char *words)
{
    if (strstr(found.text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, found.text);
    }
}

void expect_none(const char *words)
{
    if (strstr(found.text, words) != NULL) {
        fail_msg("\"%s\" is in:\n%s", words, found.text);
    }
}

void control(const char *method, const char *path, const char *json)
{
    char *answer = standin_control(&standin, method, path, json);

    assert_non_null(answer);
    free(answer);
}

void permit(const char *json)
{
    char path[200];

    snprintf(path, sizeof path, "/callers/%s/permissions", standin.client_id);
    control("PUT", path, json);
}

int diagnose_as_at_the_start(void **state)
{
    (void)state;
    control("DELETE", "/settings", NULL);
    control("DELETE", "/faults", NULL);
    permit("[\"get\",\"list\",\"wrapKey\",\"unwrapKey\",\"encrypt\",\"decrypt\",\"sign\",\"verify\"]");
    return 0;
}

int diagnose_start(void **state)
{
    (void)state;
    setenv("NO_PROXY", "*", 1);
    unsetenv("BYOK_PKCS11_LOG");
    signal(SIGPIPE, SIG_IGN);
    return standin_run(&standin) ? diagnose_as_at_the_start(NULL) : -1;
}

int diagnose_end(void **state)
{
    (void)state;
    test_folder_remove();
    return standin_end(&standin) ? 0 : -1;
}
