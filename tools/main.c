/* `byok-pkcs11`, the operator's command: reads the command line and has one of its verbs do the work. */
#include "config.h"
#include "tools/command.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLEET_MOST = 1000000 };

static const struct verb {
    const char *name;
    int (*run)(const struct command *command);
    int least, most; /* operands; -1: any number */
} verbs[] = {
    {"check", check_run, 0, 1},
    {"keys", keys_run, 0, 1},
    {"audit", audit_run, 1, -1},
};

static const char help[] =
    "Usage: byok-pkcs11 [OPTION]... check [TOKEN]\n"
    "       byok-pkcs11 [OPTION]... keys [TOKEN]\n"
    "       byok-pkcs11 [OPTION]... audit FILE...\n"
    "Examines the configuration of the PKCS#11 module byok-pkcs11 and the keys behind it.\n"
    "\n"
    "  check        walk from the configuration to a wrapped and unwrapped key, and say of\n"
    "               each step whether it works and what to do\n"
    "  keys         list the keys, their versions, and which one is in use\n"
    "  audit        verify audit files, the oldest first, and sum them up\n"
    "\n"
    "  -c, --config=FILE   the configuration, instead of where the module looks for it\n"
    "  -f, --fleet=N       check: the load of N processes against the service's quota\n"
    "  -j, --json          one JSON object on each line\n"
    "  -v, --verbose       also what the module logs, on standard error\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "TOKEN is the title of a section, or its label. Exit status: 0 fine, perhaps with warnings; 1 something\n"
    "does not work; 2 wrong usage or configuration. byok-pkcs11(1), byok-pkcs11.conf(5) and\n"
    "byok-pkcs11(7) tell more.\n";

static int wrong_usage(const char *what, const char *word)
{
    fprintf(stderr, "byok-pkcs11: %s%s%s\nTry `byok-pkcs11 --help'.\n", what, word == NULL ? "" : ": ",
            word == NULL ? "" : word);
    return COMMAND_USAGE;
}

static bool read_fleet(const char *text, unsigned *ret_fleet)
{
    char *rest;

    errno = 0;
    unsigned long number = strtoul(text, &rest, 10);

    if (text[0] < '0' || text[0] > '9' || *rest != '\0' || errno != 0 || number == 0 || number > FLEET_MOST) {
        return false;
    }
    *ret_fleet = (unsigned)number;
    return true;
}

/* -1: go on; otherwise the exit status. */
static int read_option(int option, struct command *command)
{
    switch (option) {
    case 'c':
        command->config = optarg;
        return -1;
    case 'f':
        return read_fleet(optarg, &command->fleet)
                   ? -1
                   : wrong_usage("--fleet needs a number of processes", optarg);
    case 'j':
        command->json = true;
        return -1;
    case 'v':
        command->verbose = true;
        return -1;
    case 'h':
        fputs(help, stdout);
        return COMMAND_FINE;
    case 'V':
        puts("byok-pkcs11 " PACKAGE_VERSION);
        return COMMAND_FINE;
    default:
        fputs("Try `byok-pkcs11 --help'.\n", stderr);
        return COMMAND_USAGE;
    }
}

static int read_options(int count, char **words, struct command *command)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"fleet", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(count, words, "c:f:jvhV", options, NULL)) != -1) {
        int status = read_option(option, command);

        if (status >= 0) {
            return status;
        }
    }
    command->operands = words + optind;
    command->operand_count = count - optind;
    return -1;
}

static int run(const struct verb *verb, const struct command *command)
{
    if (command->operand_count < verb->least) {
        return wrong_usage("audit needs a FILE", NULL);
    }
    if (verb->most >= 0 && command->operand_count > verb->most) {
        return wrong_usage("one operand too many", command->operands[verb->most]);
    }
    if (command->fleet != 0 && verb->run != check_run) {
        return wrong_usage("--fleet belongs to check", NULL);
    }
    return verb->run(command);
}

static int run_by_name(struct command *command)
{
    if (command->operand_count == 0) {
        return wrong_usage("what to do: check, keys or audit", NULL);
    }
    const char *name = command->operands[0];

    command->operands++;
    command->operand_count--;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return run(&verbs[i], command);
        }
    }
    return wrong_usage("there is check, keys and audit, and no", name);
}

int main(int count, char **words)
{
    struct command command = {.config = NULL};
    int status = read_options(count, words, &command);

    if (status < 0) {
        status = run_by_name(&command);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "byok-pkcs11: writing: %s\n", strerror(errno));
        return status == COMMAND_FINE ? COMMAND_FAILED : status;
    }
    return status;
}
