/* The content of a configuration file, from the first look at it to the last question. */
#include "backends/base/log.h"
#include "backends/base/settings_private.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"hsm", "keyvault", NULL};
static const struct setting_option every[] = {
    {"backend", SETTING_WORD, NULL, words, 0, 0},
    {"keys", SETTING_LIST, NULL, NULL, 0, 0},
    {"file", SETTING_PATH, NULL, NULL, 0, 0},
    {"number", SETTING_NUMBER, "3", NULL, 1, 9},
    {"time", SETTING_DURATION_OR_OFF, "1h", NULL, 1, 90000000},
};
static const struct setting_option only[] = {{"vault", SETTING_TEXT, NULL, NULL, 0, 0}};
static const struct setting_option log_option[] = {{"log", SETTING_TEXT, "warning", NULL, 0, 0}};
static const struct setting_group global = {NULL, log_option, 1};
static const struct setting_group groups[] = {{NULL, every, 5}, {"keyvault", only, 1}};
static const struct settings_schema schema = {&global, groups, 2};

static void ask(const struct settings_file *file)
{
    size_t at;

    for (at = 0; at < settings_section_count(file); at++) {
        const struct settings *section = settings_section(file, at);

        if (settings_text(section, "backend") == NULL || strlen(settings_title(section)) > 32 ||
            settings_number(section, "number") < 1 || settings_number(section, "number") > 9) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings_file *file = calloc(1, sizeof *file);
    struct buffer content = BUFFER_INIT(1 << 16), lines = BUFFER_INIT(1 << 16);

    setenv("BYOK_PKCS11_LOG", "error:file:/dev/null", 1);
    file->path = strdup("/fuzz/conf");
    file->directory = strdup("/fuzz/");
    file->global.file = file;
    if (buffer_append(&content, data, size) == CKR_OK &&
        settings_scan(file->path, false, &content, &lines) == CKR_OK &&
        settings_parse(&schema, &content, &lines, file) == CKR_OK) {
        ask(file);
    }
    settings_free(file);
    buffer_free(&content);
    buffer_free(&lines);
    return 0;
}
