/* What was asked for on the command line, and the verbs that do it. */
#ifndef BYOK_TOOLS_COMMAND_H
#define BYOK_TOOLS_COMMAND_H

#include <stdbool.h>

struct command {
    const char *config; /* NULL: where the module itself looks */
    bool json, verbose;
    unsigned fleet; /* processes, 0: not asked */
    char **operands;
    int operand_count;
};

/* Exit codes. */
enum { COMMAND_FINE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

int check_run(const struct command *command);
int keys_run(const struct command *command);
int audit_run(const struct command *command);

#endif
