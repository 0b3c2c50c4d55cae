/* Requests of others, sent again. */
#include "tests/truth/replay.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* --- URLs --- */

const char *url_path(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return host + strcspn(host, "/");
}

char *url_host(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return format("%.*s", (int)strcspn(host, "/:"), host);
}

char *url_key(const char *url)
{
    const char *at = strstr(url, "keys/");

    return at == NULL ? format("%s", "") : format("%.*s", (int)strcspn(at + 5, "/?"), at + 5);
}

char *url_version(const char *url)
{
    const char *at = strstr(url, "keys/");

    at = at == NULL ? NULL : strchr(at + 5, '/');
    if (at == NULL || strspn(at + 1, "0123456789abcdef") != 32) {
        return format("%s", "");
    }
    return format("%.32s", at + 1);
}

/* --- Words --- */

void replay_done(struct replay *replay)
{
    while (replay->word_count > 0) {
        replay->word_count--;
        free(replay->words[replay->word_count].from);
        free(replay->words[replay->word_count].to);
    }
}

void replay_learn(struct replay *replay, const char *from, const char *to)
{
    if (*from == '\0' || *to == '\0') {
        return;
    }
    assert_true(replay->word_count < REPLAY_WORDS);
    replay->words[replay->word_count].from = format("%s", from);
    replay->words[replay->word_count].to = format("%s", to);
    replay->word_count++;
}

static char *list_token(const char *next)
{
    const char *at = strstr(next, "skiptoken=");

    return at == NULL ? format("%s", "") : format("%.*s", (int)strcspn(at, "&"), at);
}

void replay_learn_answer(struct replay *replay, const cJSON *recorded, const cJSON *got)
{
    char *version ENDED_BY(free_text) = url_version(text_at(recorded, "key.kid"));
    char *ours ENDED_BY(free_text) = url_version(text_at(got, "key.kid"));
    char *token ENDED_BY(free_text) = list_token(text_at(recorded, "nextLink"));
    char *our_token ENDED_BY(free_text) = list_token(text_at(got, "nextLink"));

    replay_learn(replay, version, ours);
    replay_learn(replay, token, our_token);
    replay_learn(replay, text_at(recorded, "value"), text_at(got, "value"));
}

static void speak(const struct replay *replay, char **text)
{
    for (size_t i = replay->word_count; i > 0; i--) {
        replace_all(text, replay->words[i - 1].from, replay->words[i - 1].to);
    }
}

/* --- Sending --- */

static const char *token_of(const struct replay *replay)
{
    static char *tokens[2];
    char **token = &tokens[replay->hsm ? 1 : 0];

    if (*token == NULL) {
        struct reply reply ENDS(reply_done) = ask_token(standin.tenant_id, standin.client_id, client_secret(),
                                                        replay->hsm ? "https://managedhsm.azure.net/.default"
                                                                    : "https://vault.azure.net/.default");

        *token = format("Authorization: Bearer %s", reply_text(&reply, "access_token"));
    }
    return *token;
}

struct reply replay_send(const struct replay *replay, const cJSON *request, bool with_token)
{
    static const char id_name[] = "x-ms-client-request-id";
    char *path ENDED_BY(free_text) = format("%s", url_path(text_at(request, "url")));
    char *name ENDED_BY(free_text) = url_host(text_at(request, "url"));
    char *host ENDED_BY(free_text) = format("Host: %s", name);
    char *id ENDED_BY(free_text) =
        format("%s: %s", id_name, text_at(item_at(request, "headers"), "x-ms-client-request-id"));
    char *body ENDED_BY(free_text) =
        cJSON_IsObject(item_at(request, "body")) ? cJSON_PrintUnformatted(item_at(request, "body")) : NULL;
    const char *lines[5] = {host}, *method = text_at(request, "method");
    char *url ENDED_BY(free_text) = NULL;
    size_t count = 1;

    speak(replay, &path);
    if (body != NULL) {
        speak(replay, &body);
        lines[count++] = "Content-Type: application/json";
    }
    if (strlen(id) > sizeof id_name + 1) {
        lines[count++] = id;
    }
    if (with_token) {
        lines[count++] = token_of(replay);
    }
    url = format("%s%s", replay->hsm ? standin.mhsm_url : standin.vault_url, path);
    return call_url(method, url, lines,
                    body != NULL                                                  ? body
                    : strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0 ? NULL
                                                                                  : "");
}

cJSON *replay_ask(const struct replay *replay, const char *host, const char *method, const char *path,
                  cJSON *body, long status)
{
    cJSON *request ENDED_BY(free_json) = cJSON_CreateObject(), *answer;
    char *url ENDED_BY(free_text) =
        format("https://%s%s%sapi-version=7.4", host, path, strchr(path, '?') == NULL ? "?" : "&");
    struct reply reply ENDS(reply_done) = {0};

    cJSON_AddStringToObject(request, "method", method);
    cJSON_AddStringToObject(request, "url", url);
    cJSON_AddItemToObject(request, "body", body == NULL ? cJSON_CreateNull() : body);
    reply = replay_send(replay, request, true);
    if (reply.status != status) {
        fail_msg("to prepare it: %s %s: %ld, not %ld: %s", method, path, reply.status, status, reply.body);
    }
    answer = reply.json;
    reply.json = NULL;
    return answer;
}
