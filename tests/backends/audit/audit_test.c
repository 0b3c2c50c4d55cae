/* What tests of records share. */
#include "tests/backends/base/base_test.h"

#include "tests/backends/audit/audit_test.h"

static char text_of_file[4 * 1024 * 1024];

static const struct setting_option options_of_audit[] = {
    {.name = "audit-file", .type = SETTING_PATH},
    {.name = "audit-syslog", .type = SETTING_YES_NO, .preset = "no"},
    {.name = "audit-required", .type = SETTING_YES_NO, .preset = "no"},
};

CK_RV audit_begin_with(const char *folder, const char *options)
{
    const struct setting_group global = {NULL, options_of_audit, 3};
    struct settings_file *file = NULL;
    char path[256], reserved[300], content[1024];
    FILE *to;
    CK_RV rv;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(content, sizeof content, options, folder);
#pragma GCC diagnostic pop
    snprintf(path, sizeof path, "%s/audit.conf.%ld", folder,
             (long)getpid()); /* processes may be at it at once */
    snprintf(reserved, sizeof reserved, "config=%s", path);
    to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(content, to) >= 0);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(settings_read(reserved, &global, NULL, 0, &file), CKR_OK);
    rv = audit_configure(settings_global(file), settings_content(file));
    settings_free(file);
    return rv;
}

void audit_begin(const char *folder, const char *options)
{
    assert_int_equal(audit_begin_with(folder, options), CKR_OK);
    audit_started();
}

void audit_forget(void)
{
    assert_int_equal(audit_configure(NULL, bytes_of(NULL, 0)), CKR_OK);
    audit_after_fork();
}

struct audit_use audit_a_use(void)
{
    static const struct service_answer answer = {.verdict = VERDICT_ACCEPTED,
                                                 .version = "0123",
                                                 .status = 200,
                                                 .tries = 1,
                                                 .request_id = "theirs",
                                                 .client_request_id = "ours",
                                                 .principal = "who"};

    return (struct audit_use){.token = "vault",
                              .backend = "keyvault",
                              .place = AUDIT_SERVICE,
                              .operation = "unwrap",
                              .mechanism = CKM_RSA_PKCS_OAEP,
                              .key = "https://vault/keys/kek/0123",
                              .blob = bytes_of("blob", 4),
                              .answer = &answer,
                              .began = audit_began(),
                              .rv = CKR_OK};
}

void audit_use_ok(void)
{
    struct audit_use use = audit_a_use();

    assert_int_equal(audit_use(&use), CKR_OK);
}

const char *audit_text(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t size = 0;

    if (file != NULL) {
        size = fread(text_of_file, 1, sizeof text_of_file - 1, file);
        fclose(file);
    }
    text_of_file[size] = 0;
    return text_of_file;
}

size_t audit_line_count(const char *path)
{
    return test_line_count(audit_text(path));
}

cJSON *audit_line(const char *path, size_t number)
{
    const char *at = audit_text(path), *end;
    cJSON *line;

    for (; number > 0; number--) {
        end = strchr(at, '\n');
        assert_non_null(end);
        at = end + 1;
    }
    end = strchr(at, '\n');
    assert_non_null(end);
    line = cJSON_ParseWithLength(at, (size_t)(end - at));
    assert_non_null(line);
    return line;
}

const char *audit_member(const cJSON *line, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(line, name);

    return cJSON_IsString(member) ? member->valuestring : "";
}

double audit_number(const cJSON *line, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(line, name);

    return cJSON_IsNumber(member) ? member->valuedouble : -1;
}

static void see(void *arg, const struct audit_finding *finding)
{
    struct audit_seen *seen = arg;

    seen->found[finding->kind]++;
    seen->last = *finding;
}

static void see_chain(void *arg, const struct audit_chain_sum *sum)
{
    struct audit_seen *seen = arg;

    seen->chains++;
    seen->whole_chains += sum->is_whole;
}

static void finish(struct audit_report *report, struct audit_seen *seen)
{
    seen->is_whole = audit_report_end(report);
    seen->totals = audit_report_totals(report);
    audit_report_each_chain(report, see_chain, seen);
    audit_report_free(report);
}

struct audit_seen audit_read_text(const void *text, size_t size)
{
    struct audit_seen seen = {.is_whole = false};
    struct audit_report *report = NULL;

    assert_int_equal(audit_report_new(see, &seen, &report), CKR_OK);
    assert_int_equal(audit_report_add(report, bytes_of(text, size)), CKR_OK);
    assert_int_equal(audit_report_end_of_file(report), CKR_OK);
    finish(report, &seen);
    return seen;
}

struct audit_seen audit_read_path(const char *path)
{
    struct audit_seen seen = {.is_whole = false};
    struct audit_report *report = NULL;

    assert_int_equal(audit_report_new(see, &seen, &report), CKR_OK);
    assert_int_equal(audit_report_read(report, path), CKR_OK);
    finish(report, &seen);
    return seen;
}
