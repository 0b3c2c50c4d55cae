/* One line for each finding. */
#include "tools/report.h"
#include "backends/base/utf8.h"
#include "tools/print.h"
#include <stdio.h>

enum { WIDTH = 5, LINE_SIZE = 4096 };

static const struct {
    const char *word;
    enum print_color color;
} words[] = {
    [FINDING_OK] = {"ok", PRINT_GREEN},
    [FINDING_WARN] = {"warn", PRINT_YELLOW},
    [FINDING_FAIL] = {"fail", PRINT_RED},
};

static void tell_json(const struct finding *finding)
{
    cJSON *object = cJSON_CreateObject();

    print_add_text(object, "check", finding->check);
    print_add_text(object, "token", finding->token);
    print_add_text(object, "status", words[finding->status].word);
    print_add_text(object, "text", finding->text);
    print_add_text(object, "advice", finding->advice);
    print_json(object);
}

static void print_part(const char *before, const char *text, const char *after)
{
    char clean[LINE_SIZE];

    if (text != NULL) {
        utf8_clean(text, clean, sizeof clean);
        printf("%s%s%s", before, clean, after);
    }
}

static void tell_text(const struct finding *finding)
{
    print_word(words[finding->status].word, WIDTH, words[finding->status].color);
    print_part("", finding->token, ": ");
    print_part("", finding->check, ": ");
    print_part("", finding->text, "");
    print_part("; to do: ", finding->advice, "");
    putchar('\n');
    fflush(stdout);
}

static void tell(void *arg, const struct finding *finding)
{
    const struct report *report = arg;

    if (report->only_failures && finding->status == FINDING_OK) {
        return;
    }
    if (report->command->json) {
        tell_json(finding);
    } else {
        tell_text(finding);
    }
}

static void overhear(void *arg, enum log_level level, const char *about, const char *text)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};

    (void)arg;
    fprintf(stderr, "%s%s%s: %s\n", levels[level], about == NULL ? "" : " ", about == NULL ? "" : about,
            text);
}

void report_begin(struct report *report, const struct command *command)
{
    report->command = command;
    report->diagnosis.tell = tell;
    report->diagnosis.overhear = command->verbose ? overhear : NULL;
    report->diagnosis.arg = report;
    diagnosis_begin(&report->diagnosis);
}

int report_end(struct report *report)
{
    const unsigned *count = report->diagnosis.count;

    diagnosis_end(&report->diagnosis);
    if (!report->command->json && !report->only_failures) {
        printf("%u ok, %u to look at, %u failed\n", count[FINDING_OK], count[FINDING_WARN],
               count[FINDING_FAIL]);
    }
    return count[FINDING_FAIL] == 0 ? COMMAND_FINE : COMMAND_FAILED;
}
