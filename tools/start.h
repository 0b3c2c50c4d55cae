/* Starting the module inside this program, with the configuration that was asked for. */
#ifndef BYOK_TOOLS_START_H
#define BYOK_TOOLS_START_H

#include "tools/report.h"

struct start {
    CK_FUNCTION_LIST *p11;         /* the module's own; initialised */
    struct settings_file *file;    /* what it is initialised with */
    const struct settings *chosen; /* the section that the operand names; NULL: all */
};

/* False: it does not start, or there is no such token; the finding says why, and COMMAND_USAGE is the status. */
bool start_module(struct report *report, struct start *ret_start);
void start_end(struct start *start);

/* Whether a section was asked for. */
bool start_wants(const struct start *start, const struct settings *section);
/* Its label; the token of section `index` is in slot `index`. */
const char *start_label(const struct settings *section);

#endif
