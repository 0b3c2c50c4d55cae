/* Saying what was recorded. */
#include "tests/truth/answering.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answering world;

/* --- The service --- */

static void serve(void *arg, const struct https_request *request, struct https_reply *reply)
{
    (void)arg;
    if (strstr(request->path, "/oauth2/") != NULL) {
        char token[80];

        snprintf(token, sizeof token, "{\"access_token\":\"T%u\",\"expires_in\":3599}", ++world.tokens);
        https_say(reply, 200, NULL, token);
        return;
    }
    free(world.path);
    free(world.method);
    free(world.sent);
    world.method = format("%s", request->method);
    world.path = format("%s", request->path);
    world.sent = format("%.*s", (int)request->body.size, (const char *)request->body.data);
    world.asked++;
    if (strstr(request->path, "skiptoken") != NULL) {
        https_say(reply, 200, NULL, "{\"value\":[],\"nextLink\":null}");
    } else {
        https_say(reply, world.status, world.headers, world.body);
    }
}

/* The headers as they came, but those that frame this very connection. */
static char *header_lines(const cJSON *headers)
{
    char *lines = format("%s", "");
    const cJSON *header;

    cJSON_ArrayForEach(header, headers)
    {
        if (header->string[0] != ':' && strcmp(header->string, "content-length") != 0) {
            char *longer = format("%s%s: %s\r\n", lines, header->string, header->valuestring);

            free(lines);
            lines = longer;
        }
    }
    return lines;
}

/* Our place in place of the recorded host; the latter is in all answers the same, but for its port. */
static void move_here(char **text, const char *host)
{
    char *with_port = format("https://%s:443/", host), *without = format("https://%s/", host);
    char *here = format("%s/", https_server_url(world.server));

    replace_all(text, with_port, here);
    replace_all(text, without, here);
    free(with_port);
    free(without);
    free(here);
}

static char *host_in(const char *url)
{
    const char *host = strstr(url, "https://");

    return host == NULL ? format("%s", "") : format("%.*s", (int)strcspn(host + 8, "/:\"'"), host + 8);
}

static char *body_text(const cJSON *body)
{
    const cJSON *line;
    char *text;

    if (cJSON_IsObject(body)) {
        return cJSON_PrintUnformatted(body);
    }
    text = format("%s", cJSON_IsString(body) ? body->valuestring : "");
    cJSON_ArrayForEach(line, body)
    {
        char *longer = format("%s%s", text, line->valuestring);

        free(text);
        text = longer;
    }
    return text;
}

void answering_say(const cJSON *response)
{
    char *host;

    free(world.headers);
    free(world.body);
    world.status = (unsigned)number_at(response, "status");
    world.headers = header_lines(item_at(response, "headers"));
    world.body = body_text(item_at(response, "body"));
    host = host_in(world.body);
    if (*host != '\0') {
        move_here(&world.body, host);
    }
    free(host);
    world.asked = world.tokens = 0;
}

void answering_begin(bool managed_hsm)
{
    const char *audience = managed_hsm ? "https://managedhsm.azure.net" : "https://vault.azure.net";

    world.server = https_server_start("127.0.0.1", serve, NULL);
    world.client = client_open(test_file("conf", ""),
                               (const struct client_word[]){{"vault", https_server_url(world.server)},
                                                            {"identity", "client-secret"},
                                                            {"tenant", "t"},
                                                            {"client-id", "c"},
                                                            {"client-secret-file", test_file("secret", "s")},
                                                            {"authority", https_server_url(world.server)},
                                                            {"ca-file", https_server_ca(world.server)},
                                                            {"audience", audience},
                                                            {NULL, NULL}});
}

void answering_end(void)
{
    client_close(&world.client);
    https_server_stop(world.server);
}

void answering_forget(void)
{
    test_folder_remove();
    free(world.headers);
    free(world.body);
    free(world.method);
    free(world.path);
    free(world.sent);
}
