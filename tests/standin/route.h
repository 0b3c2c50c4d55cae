/*
 * The paths of the services: /COLLECTION[/NAME[/VERSION]][/VERB]. Words in any case, empty segments where the
 * service takes them.
 */
#ifndef STANDIN_ROUTE_H
#define STANDIN_ROUTE_H

#include "tests/standin/keys.h"
#include "tests/standin/words.h"

struct route {
    enum operation operation; /* OPERATION_OTHER: no such path or method */
    bool bad_name;
    char name[KEY_NAME_SIZE];
    char version[KEY_VERSION_SIZE]; /* "": none given */
};

struct route route_of(const char *method, const char *path);

#endif
