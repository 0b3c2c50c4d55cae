/*
 * `byok-pkcs11 keys`: the keys of each token, their versions, and which one is in use. A vault is asked by its key
 * service, which knows versions; which one is in use only the module can say, so that is asked through PKCS#11, as
 * is all of an HSM.
 */
#include "tools/keys.h"
#include "backends/base/utf8.h"
#include "backends/key_service.h"
#include "tools/answers.h"
#include "tools/print.h"
#include <stdio.h>
#include <string.h>

void key_list_failed(struct key_list *list, const char *what, const char *key, CK_RV rv)
{
    answer_tell(list->diagnosis, FINDING_FAIL, "keys", &(struct answered){what, key, rv});
}

static void print_line_json(const struct key_list *list, const struct key_line *line)
{
    cJSON *object = cJSON_CreateObject();

    print_add_text(object, "token", list->diagnosis->token);
    print_add_text(object, "key", line->name);
    print_add_text(object, "version", line->version[0] == '\0' ? NULL : line->version);
    print_add_text(object, "type", line->type[0] == '\0' ? NULL : line->type);
    print_add_text(object, "state", line->state);
    print_add_text(object, "created", line->created[0] == '\0' ? NULL : line->created);
    print_add_text(object, "not_before", line->not_before[0] == '\0' ? NULL : line->not_before);
    print_add_text(object, "expires", line->expires[0] == '\0' ? NULL : line->expires);
    cJSON_AddBoolToObject(object, "in_use", line->in_use);
    print_json(object);
}

static void print_line(struct key_list *list, const struct key_line *line)
{
    char name[KEY_NAME_SIZE * 2], token[KEY_NAME_SIZE];

    if (!list->headed) {
        printf("%-12s %-20s %-32s %-12s %-14s %-20s %-20s %s\n", "TOKEN", "KEY", "VERSION", "TYPE", "STATE",
               "CREATED", "EXPIRES", "IN USE");
        list->headed = true;
    }
    utf8_clean(list->diagnosis->token, token, sizeof token);
    utf8_clean(line->name, name, sizeof name);
    printf("%-12s %-20s %-32s %-12s %-14s %-20s %-20s %s\n", token, name,
           line->version[0] == '\0' ? "-" : line->version, line->type[0] == '\0' ? "-" : line->type,
           line->state, line->created[0] == '\0' ? "-" : line->created,
           line->expires[0] == '\0' ? "-" : line->expires, line->in_use ? "yes" : "");
}

void key_list_add(struct key_list *list, const struct key_line *line)
{
    if (list->json) {
        print_line_json(list, line);
    } else {
        print_line(list, line);
    }
}

static void list_section(const struct start *start, size_t index, struct key_list *list)
{
    const struct settings *section = settings_section(start->file, index);
    struct kek_search in = {.p11 = start->p11};

    list->diagnosis->token = settings_title(section);
    CK_RV rv = in.p11->C_OpenSession(index, CKF_SERIAL_SESSION, NULL, NULL, &in.session);

    if (rv != CKR_OK) {
        key_list_failed(list, "C_OpenSession", "", rv);
        return;
    }
    if (backend_kind_of(section)->open_service != NULL) {
        keys_of_service(&in, section, list);
    } else {
        keys_of_token(&in, list);
    }
    in.p11->C_CloseSession(in.session);
    list->diagnosis->token = NULL;
}

static bool list_all(struct report *report)
{
    struct key_list list = {.diagnosis = &report->diagnosis, .json = report->command->json};
    struct start start;

    if (!start_module(report, &start)) {
        return false;
    }
    for (size_t i = 0; i < settings_section_count(start.file); i++) {
        if (start_wants(&start, settings_section(start.file, i))) {
            list_section(&start, i, &list);
        }
    }
    start_end(&start);
    return true;
}

int keys_run(const struct command *command)
{
    struct report report = {.only_failures = true};

    report_begin(&report, command);
    bool started = list_all(&report);
    int status = report_end(&report);

    return started ? status : COMMAND_USAGE;
}
