/* Reading known answers. */
#include "tests/vectors.h"
#include "backends/base/scope.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

cJSON *vectors_read(const char *name)
{
    const char *data = getenv("BYOK_TEST_DATA"), *source = getenv("srcdir");
    struct buffer text SCOPED(buffer_free) = BUFFER_INIT(1024 * 1024);
    char path[512], part[4096];
    size_t got;
    FILE *file;
    cJSON *json;

    snprintf(path, sizeof path, "%s%s/keyvault/vectors/%s",
             data != NULL     ? data
             : source != NULL ? source
                              : ".",
             data != NULL ? "" : "/../shared", name);
    file = fopen(path, "r");
    if (file == NULL) {
        print_message("# SKIP %s is not there; set BYOK_TEST_DATA\n", path);
        skip();
    }
    while ((got = fread(part, 1, sizeof part, file)) != 0) {
        assert_int_equal(buffer_append(&text, part, got), CKR_OK);
    }
    fclose(file);
    json = cJSON_Parse(buffer_text(&text));
    assert_non_null(json);
    return json;
}

const char *vector_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

    return text == NULL ? "" : text;
}

struct bytes vector_bytes(const char *text, unsigned char *room, size_t size)
{
    size_t at;

    assert_true(strlen(text) / 2 <= size);
    for (at = 0; at < strlen(text) / 2; at++) {
        unsigned byte;

        assert_int_equal(sscanf(text + 2 * at, "%2x", &byte), 1);
        room[at] = (unsigned char)byte;
    }
    return bytes_of(room, strlen(text) / 2);
}
