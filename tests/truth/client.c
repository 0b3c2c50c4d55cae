/* Opening our client. */
#include "tests/truth/client.h"
#include "backends/keyvault/keyvault.h"
#include "tests/truth/recorded.h"
#include <stdio.h>

static void write_configuration(const char *path, const struct client_word *words)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs("token \"t\" {\nbackend = keyvault\n", file);
    for (; words->word != NULL; words++) {
        fprintf(file, "%s = \"%s\"\n", words->word, words->value);
    }
    fputs("}\n", file);
    assert_int_equal(fclose(file), 0);
}

struct client client_open(const char *path, const struct client_word *words)
{
    static const char *const kinds[] = {"keyvault", NULL};
    static const struct setting_option every[] = {{.name = "backend", .type = SETTING_WORD, .words = kinds}};
    static const struct setting_option global[] = {{.name = "log", .type = SETTING_TEXT}};
    const struct setting_group globals = {NULL, global, 1};
    const struct setting_group groups[] = {{NULL, every, 1},
                                           {"keyvault", keyvault_kind.options, keyvault_kind.option_count}};
    char *reserved ENDED_BY(free_text) = format("config=%s", path);
    struct client client = {NULL, NULL};

    write_configuration(path, words);
    assert_int_equal(settings_read(reserved, &globals, groups, 2, &client.file), CKR_OK);
    assert_int_equal(keyvault_kind.open_service(settings_section(client.file, 0), &client.service), CKR_OK);
    return client;
}

void client_close(struct client *client)
{
    if (client->service != NULL) {
        client->service->ops->close(client->service);
    }
    settings_free(client->file);
}
