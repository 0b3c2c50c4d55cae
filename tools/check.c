/* `byok-pkcs11 check`: from the configuration to a wrapped key, one step after the other. */
#include "tools/check.h"

static void check_configuration(const struct start *start, struct diagnosis *diagnosis)
{
    const char *path = settings_path(start->file);
    size_t count = settings_section_count(start->file);

    if (count == 0) {
        diagnosis_warn(diagnosis, "configuration", "add a section: token \"NAME\" { ... }", "%s has no token",
                       path);
    } else {
        diagnosis_ok(diagnosis, "configuration", "%s: %zu token%s", path, count, count == 1 ? "" : "s");
    }
    diagnosis_file(diagnosis, "configuration-file", "configuration", path, false);
}

static void check_fleet(const struct settings *section, unsigned processes, struct diagnosis *diagnosis)
{
    const struct backend_kind *kind = backend_kind_of(section);

    if (kind->diagnose_fleet == NULL) {
        diagnosis_ok(
            diagnosis, "fleet-load",
            "what an HSM allows is not known here; see how many sessions and operations its vendor names");
    } else {
        kind->diagnose_fleet(section, processes, diagnosis);
    }
}

static void check_section(const struct start *start, size_t index, struct report *report)
{
    const struct settings *section = settings_section(start->file, index);
    const struct backend_kind *kind = backend_kind_of(section);
    struct diagnosis *diagnosis = &report->diagnosis;

    diagnosis->token = settings_title(section);
    diagnosis->ends_here = false;
    diagnosis_forget(diagnosis);
    check_files(section, diagnosis);
    if (kind->diagnose != NULL) {
        kind->diagnose(section, diagnosis);
    }
    diagnosis_forget(diagnosis);
    if (!diagnosis->ends_here) {
        check_token(start, index, diagnosis);
    }
    check_outage(section, diagnosis);
    if (report->command->fleet != 0) {
        check_fleet(section, report->command->fleet, diagnosis);
    }
    diagnosis->token = NULL;
}

static bool check_all(struct report *report)
{
    struct start start;

    if (!start_module(report, &start)) {
        return false;
    }
    check_configuration(&start, &report->diagnosis);
    for (size_t i = 0; i < settings_section_count(start.file); i++) {
        if (start_wants(&start, settings_section(start.file, i))) {
            check_section(&start, i, report);
        }
    }
    start_end(&start);
    return true;
}

int check_run(const struct command *command)
{
    struct report report = {.command = command};

    report_begin(&report, command);
    bool started = check_all(&report);
    int status = report_end(&report);

    return started ? status : COMMAND_USAGE;
}
