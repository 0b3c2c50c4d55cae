/* What the stand-in is told. */
#include "tests/faults/control.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *control(const char *method, const char *path, const char *body)
{
    static char answer[65536];
    char command[2048];

    snprintf(command, sizeof command, "curl -sS -f -X %s '%s%s' -d '%s'", method, getenv("CONTROL_URL"), path,
             body);
    FILE *curl = popen(command, "re");
    size_t got = curl == NULL ? 0 : fread(answer, 1, sizeof answer - 1, curl);

    answer[got] = '\0';
    if (curl == NULL || pclose(curl) != 0) {
        printf("Bail out! the stand-in does not take %s %s %s\n", method, path, body);
        exit(99);
    }
    return answer;
}

long counted(const char *name)
{
    char word[64];
    const char *at;

    snprintf(word, sizeof word, "\"%s\":", name);
    at = strstr(control("GET", "/counts", ""), word);
    return at == NULL ? 0 : strtol(at + strlen(word), NULL, 10);
}
