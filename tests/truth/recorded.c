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

char *recorded_path(const char *path)
{
    const char *data = getenv("BYOK_TEST_DATA"), *source = getenv("srcdir");

    return data != NULL ? format("%s/keyvault/%s", data, path)
                        : format("%s/../shared/keyvault/%s", source != NULL ? source : ".", path);
}

cJSON *recorded_read(const char *path)
{
    char *full ENDED_BY(free_text) = recorded_path(path);
    char *content ENDED_BY(free_text) = calloc(1, LARGEST_FILE);
    FILE *file = fopen(full, "re");

    assert_non_null(content);
    if (file == NULL) {
        return NULL;
    }
    content[fread(content, 1, LARGEST_FILE - 1, file)] = '\0';
    fclose(file);
    /* Who took the names out of some recordings took a slash with them. */
    replace_all(&content, ".azure.netkeys/", ".azure.net/keys/");
    return cJSON_Parse(content);
}

cJSON *recorded_need(const char *path)
{
    cJSON *json = recorded_read(path);

    if (json == NULL) {
        fail_msg("keyvault/%s is not there, or no JSON", path);
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

/* --- Running --- */

static void skip_it(void **state)
{
    (void)state;
    print_message("# SKIP BYOK_TEST_DATA does not name the folder of keyvault/recordings\n");
    skip();
}

int recorded_run(const char *name, struct CMUnitTest *tests, size_t count, CMFixtureFunction set_up,
                 CMFixtureFunction tear_down)
{
    cJSON *index ENDED_BY(free_json) = recorded_read("recordings/INDEX.json");

    if (index != NULL) {
        return _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
    }
    for (size_t i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest){tests[i].name, skip_it, NULL, NULL, NULL};
    }
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
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

int recorded_run_each(const char *name, const struct recorded_choice *choices, size_t count,
                      const struct CMUnitTest *last, size_t last_count, CMFixtureFunction set_up,
                      CMFixtureFunction tear_down)
{
    cJSON *index ENDED_BY(free_json) = recorded_read("recordings/INDEX.json");
    const cJSON *files = item_at(index, "files"), *entry;
    struct CMUnitTest *tests = calloc((size_t)cJSON_GetArraySize(files) + last_count, sizeof *tests);
    size_t made = 0;
    int failed;

    cJSON_ArrayForEach(entry, files)
    {
        CMUnitTestFunction check = check_of(entry, choices, count);
        char *file = item_at(entry, "file")->valuestring;

        if (check != NULL) {
            file[strlen(file) - strlen(".json")] = '\0';
            tests[made++] = (struct CMUnitTest){file, check, NULL, NULL, file};
        }
    }
    memcpy(tests + made, last, last_count * sizeof *last);
    failed = recorded_run(name, tests, made + last_count, set_up, tear_down);
    free(tests);
    return failed;
}
