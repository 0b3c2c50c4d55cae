/* Findings as they come: printed at once, counted, and the exit status that they make. */
#ifndef BYOK_TOOLS_REPORT_H
#define BYOK_TOOLS_REPORT_H

#include "backends/diagnosis.h"
#include "tools/command.h"

struct report {
    struct diagnosis diagnosis; /* to find with */
    const struct command *command;
    bool only_failures; /* for a verb whose output is another: others go nowhere, and no sum is printed */
};

/* Until the end, the log goes to the findings and, with --verbose, to standard error. */
void report_begin(struct report *report, const struct command *command);
/* The exit status: COMMAND_FINE or COMMAND_FAILED. */
int report_end(struct report *report);

#endif
