/* Files of others, and JSON by paths. */
#include "tests/truth/recorded.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 20 };

char *format(const char *how, ...)
{
    va_list arguments;
    char *made = NULL;

    va_start(arguments, how);
    assert_true(vasprintf(&made, how, arguments) >= 0);
    va_end(arguments);
    return made;
}

void free_text(char **text)
{
    free(*text);
}

void free_json(cJSON **json)
{
    cJSON_Delete(*json);
}

void replace_all(char **text, const char *from, const char *to)
{
    char *made = format("%s", ""), *rest = *text, *at;

    while ((at = strstr(rest, from)) != NULL) {
        char *longer = format("%s%.*s%s", made, (int)(at - rest), rest, to);

        free(made);
        made = longer;
        rest = at + strlen(from);
    }
    at = format("%s%s", made, rest);
    free(made);
    free(*text);
    *text = at;
}

/* --- Files --- */

cJSON *recorded_read(const char *path)
{
    const char *data = getenv("BYOK_TEST_DATA");
    char *full ENDED_BY(free_text) = format("%s/keyvault/%s", data == NULL ? "" : data, path);
    char *content ENDED_BY(free_text) = calloc(1, LARGEST_FILE);
    FILE *file = data == NULL ? NULL : fopen(full, "re");
    size_t size;

    assert_non_null(content);
    if (file == NULL) {
        return NULL;
    }
    size = fread(content, 1, LARGEST_FILE - 1, file);
    fclose(file);
    content[size] = '\0';
    /* Who took the names out of some recordings took a slash with them. */
    replace_all(&content, ".azure.netkeys/", ".azure.net/keys/");
    return cJSON_Parse(content);
}

cJSON *recorded_need(const char *path)
{
    cJSON *json = recorded_read(path);

    if (json == NULL) {
        print_message("# SKIP BYOK_TEST_DATA does not name the folder of keyvault/%s\n", path);
        skip();
    }
    return json;
}

/* --- JSON --- */

const cJSON *item_at(const cJSON *json, const char *path)
{
    while (json != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        char *name ENDED_BY(free_text) = format("%.*s", (int)size, path);

        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(json, name);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return json;
}

const char *text_at(const cJSON *json, const char *path)
{
    const char *text = cJSON_GetStringValue(item_at(json, path));

    return text == NULL ? "" : text;
}

double number_at(const cJSON *json, const char *path)
{
    const cJSON *number = item_at(json, path);

    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

long base64url_octets(const char *text)
{
    size_t length = strlen(text);

    if (length % 4 == 1 ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != length) {
        return -1;
    }
    return (long)(length * 3 / 4);
}

/* --- Tests out of an index --- */

static void no_recordings(void **state)
{
    (void)state;
    print_message("# SKIP BYOK_TEST_DATA does not name the folder of keyvault/recordings\n");
    skip();
}

static CMUnitTestFunction check_of(const cJSON *entry, const struct recorded_choice *choices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text_at(entry, "kind"), choices[i].kind) == 0) {
            return choices[i].check;
        }
    }
    return NULL;
}

size_t recorded_tests(const struct recorded_choice *choices, size_t count, const struct CMUnitTest *last,
                      size_t last_count, struct CMUnitTest **ret_tests)
{
    static cJSON *index; /* the names of the tests live in it */
    const cJSON *entry;
    struct CMUnitTest *tests;
    size_t made = 0;

    index = recorded_read("recordings/INDEX.json");
    tests = calloc((size_t)cJSON_GetArraySize(item_at(index, "files")) + last_count + 1, sizeof *tests);
    cJSON_ArrayForEach(entry, item_at(index, "files"))
    {
        CMUnitTestFunction check = check_of(entry, choices, count);
        char *file = item_at(entry, "file")->valuestring;

        if (check != NULL) {
            file[strcspn(file, "/") - strlen(".json")] = '\0';
            tests[made++] = (struct CMUnitTest){file, check, NULL, NULL, file};
        }
    }
    if (made == 0) {
        tests[made++] = (struct CMUnitTest)cmocka_unit_test(no_recordings);
    } else {
        memcpy(tests + made, last, last_count * sizeof *last);
        made += last_count;
    }
    *ret_tests = tests;
    return made;
}
