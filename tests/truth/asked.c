/* Listening to our client. */
#include "tests/truth/asked.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16 };

struct standin_process standin;

int asked_start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return standin_run(&standin) ? 0 : -1;
}

int asked_end(void **state)
{
    (void)state;
    return standin_end(&standin) ? 0 : -1;
}

cJSON *asked_control(const char *method, const char *path, const char *body)
{
    char *text ENDED_BY(free_text) = standin_control(&standin, method, path, body);
    cJSON *json;

    assert_non_null(text);
    json = cJSON_Parse(text);
    assert_non_null(json);
    return json;
}

cJSON *asked_log(const char *service)
{
    cJSON *log = asked_control("GET", "/requests", NULL);

    for (int i = cJSON_GetArraySize(log); i > 0; i--) {
        if (strcmp(text_at(cJSON_GetArrayItem(log, i - 1), "server"), service) != 0) {
            cJSON_DeleteItemFromArray(log, i - 1);
        }
    }
    return log;
}

void asked_forget(void)
{
    cJSON_Delete(asked_control("DELETE", "/counts", NULL));
}

char *asked_target(const cJSON *entry)
{
    char *target = format("%s", text_at(entry, "path"));
    const cJSON *value;

    cJSON_ArrayForEach(value, item_at(entry, "query"))
    {
        char *escaped = curl_easy_escape(NULL, value->valuestring, 0);
        char *longer =
            format("%s%c%s=%s", target, strchr(target, '?') == NULL ? '?' : '&', value->string, escaped);

        curl_free(escaped);
        free(target);
        target = longer;
    }
    return target;
}

cJSON *asked_json(const cJSON *entry)
{
    const char *body = text_at(entry, "body");
    cJSON *json = *body == '\0' ? NULL : cJSON_Parse(body);

    assert_true(*body == '\0' || json != NULL);
    return json;
}

static size_t collect(char *data, size_t size, size_t count, void *argument)
{
    char **body = argument, *longer = format("%s%.*s", *body, (int)(size * count), data);

    free(*body);
    *body = longer;
    return size * count;
}

/* All but those that libcurl makes of the connection and the body. */
static struct curl_slist *header_lines(const cJSON *headers)
{
    struct curl_slist *lines = NULL;
    const cJSON *header;

    cJSON_ArrayForEach(header, headers)
    {
        if (strcmp(header->string, "host") != 0 && strcmp(header->string, "content-length") != 0) {
            char *line ENDED_BY(free_text) = format("%s: %s", header->string, header->valuestring);

            lines = curl_slist_append(lines, line);
        }
    }
    return lines;
}

cJSON *asked_again(const char *base, const cJSON *entry, unsigned *ret_status)
{
    char *target ENDED_BY(free_text) = asked_target(entry),
                 *url ENDED_BY(free_text) = format("%s%s", base, target);
    char *body ENDED_BY(free_text) = format("%s", "");
    struct curl_slist *headers = header_lines(item_at(entry, "headers"));
    CURL *curl = curl_easy_init();
    long status = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CAINFO, standin.vault_ca);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (strcmp(text_at(entry, "method"), "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text_at(entry, "body"));
    }
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    *ret_status = (unsigned)status;
    return cJSON_Parse(body);
}

struct client asked_client(const char *vault, const struct client_word *words)
{
    struct client_word all[WORDS] = {{"vault", vault}, {"ca-file", standin.vault_ca}};
    char *path ENDED_BY(free_text) = format("%s/conf", standin.dir);
    size_t count = 2;

    for (; words->word != NULL; words++) {
        assert_true(count < WORDS - 1);
        all[count++] = *words;
    }
    return client_open(path, all);
}
