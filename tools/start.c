/* C_Initialize with the right file, and which of its sections are meant. */
#include "tools/start.h"
#include "backends/base/process.h"
#include "pkcs11/module.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { RESERVED_SIZE = PATH_MAX + 16 };

/* The reserved string of C_Initialize; NULL in *ret_reserved where no file was named. */
static bool reserved_of(struct report *report, char room[RESERVED_SIZE], char **ret_reserved)
{
    const char *path = report->command->config;

    *ret_reserved = path == NULL ? NULL : room;
    if (path == NULL) {
        return true;
    }
    if (path[0] == '\0' || strlen(path) >= PATH_MAX || strchr(path, '"') != NULL) {
        diagnosis_fail(&report->diagnosis, "configuration", "name a file without quotation marks in its name",
                       "--config: \"%s\" cannot be the name of the configuration", path);
        return false;
    }
    snprintf(room, RESERVED_SIZE, "config=\"%s\"", path);
    return true;
}

/* "FILE:LINE: ..." is about what stands there; all else about the file as such. */
static bool names_a_line(const char *text)
{
    while ((text = strchr(text, ':')) != NULL) {
        size_t digits = strspn(++text, "0123456789");

        if (digits != 0 && text[digits] == ':') {
            return true;
        }
    }
    return false;
}

static bool fail(struct diagnosis *diagnosis)
{
    const char *heard = diagnosis_heard(diagnosis);

    diagnosis_fail(
        diagnosis, "configuration",
        names_a_line(heard)
            ? "correct that line; byok-pkcs11.conf(5) lists all options"
            : "name a file that is there, that this user can read and nobody else but root can change",
        "%s", heard[0] == '\0' ? "the module does not start" : heard);
    return false;
}

#define FOR_ALL SYSCONFDIR "/byok-pkcs11.conf"

static bool fail_without_file(struct diagnosis *diagnosis)
{
    if (process_is_secure()) {
        diagnosis_fail(diagnosis, "configuration", "write " FOR_ALL ", or run this without the set-id bit",
                       "there is no " FOR_ALL ", and a set-id process reads no other file");
    } else {
        diagnosis_fail(
            diagnosis, "configuration", "write " FOR_ALL ", or name the file: --config=FILE",
            "there is no configuration: neither $BYOK_PKCS11_CONF nor ~/.config/byok-pkcs11.conf nor " FOR_ALL);
    }
    return false;
}

/* Before the module does, so that what it says of the file is heard once. */
static bool read_file(struct diagnosis *diagnosis, const char *reserved, struct start *start)
{
    if (module_read_settings(reserved, &start->file) != CKR_OK) {
        return fail(diagnosis);
    }
    if (start->file == NULL) {
        return diagnosis_heard(diagnosis)[0] == '\0' ? fail_without_file(diagnosis) : fail(diagnosis);
    }
    diagnosis_forget(diagnosis);
    return true;
}

static bool initialize(struct diagnosis *diagnosis, char *reserved, struct start *start)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = reserved};

    if (C_GetFunctionList(&start->p11) != CKR_OK || start->p11->C_Initialize(&arguments) != CKR_OK) {
        return fail(diagnosis);
    }
    if (diagnosis_heard(diagnosis)[0] != '\0') {
        diagnosis_warn(diagnosis, "configuration", "see byok-pkcs11.conf(5)", "%s",
                       diagnosis_heard(diagnosis));
    }
    return true;
}

const char *start_label(const struct settings *section)
{
    const char *label = settings_text(section, "label");

    return label == NULL ? settings_title(section) : label;
}

static bool choose(struct report *report, struct start *start)
{
    const char *name = report->command->operands[0];

    for (size_t i = 0; i < settings_section_count(start->file); i++) {
        const struct settings *section = settings_section(start->file, i);

        if (strcmp(settings_title(section), name) == 0 || strcmp(start_label(section), name) == 0) {
            start->chosen = section;
            return true;
        }
    }
    diagnosis_fail(&report->diagnosis, "configuration", "name a token as its section does",
                   "%s has no token \"%s\"", settings_path(start->file), name);
    return false;
}

static bool prepare(struct report *report, struct start *start)
{
    char room[RESERVED_SIZE], *reserved;

    return reserved_of(report, room, &reserved) && read_file(&report->diagnosis, reserved, start) &&
           initialize(&report->diagnosis, reserved, start) &&
           (report->command->operand_count == 0 || choose(report, start));
}

bool start_module(struct report *report, struct start *ret_start)
{
    *ret_start = (struct start){.p11 = NULL};
    if (prepare(report, ret_start)) {
        return true;
    }
    start_end(ret_start);
    return false;
}

void start_end(struct start *start)
{
    settings_free(start->file);
    if (start->p11 != NULL) {
        start->p11->C_Finalize(NULL);
    }
    *start = (struct start){.p11 = NULL};
}

bool start_wants(const struct start *start, const struct settings *section)
{
    return start->chosen == NULL || start->chosen == section;
}
