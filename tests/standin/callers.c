/* The callers. */
#include "tests/standin/callers.h"
#include "tests/standin/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct caller *caller_find(struct caller *callers, const char *id)
{
    while (callers != NULL && strcasecmp(callers->id, id) != 0) {
        callers = callers->next;
    }
    return callers;
}

struct caller *caller_add(struct caller **callers, const char *id)
{
    struct caller *caller = caller_find(*callers, id);

    if (caller != NULL) {
        return caller;
    }
    caller = need(calloc(1, sizeof *caller));
    caller->id = need(strdup(id));
    caller->secret = random_uuid();
    caller->next = *callers;
    *callers = caller;
    return caller;
}

void caller_set_secret(struct caller *caller, const char *secret)
{
    free(caller->secret);
    caller->secret = need(strdup(secret));
}

void callers_free(struct caller *callers)
{
    while (callers != NULL) {
        struct caller *next = callers->next;

        free(callers->id);
        free(callers->secret);
        free(callers);
        callers = next;
    }
}
