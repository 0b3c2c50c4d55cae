/* Starts, commands and ends the stand-in vault. */
#include "tests/standin/run_standin.h"
#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_SECONDS = 30, PATH_SIZE = 4096 };

/* --- Start --- */

static const char *build_dir(void)
{
    const char *dir = getenv("BUILDDIR");

    return dir == NULL ? "." : dir;
}

static char *make_dir(void)
{
    const char *temporary = getenv("TMPDIR");
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/standin.XXXXXX", temporary == NULL ? "/tmp" : temporary);
    return mkdtemp(path) == NULL ? NULL : strdup(path);
}

static void become_standin(const char *dir, pid_t parent)
{
    char program[PATH_SIZE], cache[PATH_SIZE], pid[32];

    snprintf(program, sizeof program, "%s/tests/standin/standin", build_dir());
    snprintf(cache, sizeof cache, "%s/tests/standin/key-cache", build_dir());
    snprintf(pid, sizeof pid, "%ld", (long)parent);
    execl(program, program, "--dir", dir, "--key-cache", cache, "--with-pid", pid, (char *)NULL);
    perror(program);
    _exit(127);
}

/* The lines of standin.env, and where each goes. */
static const struct {
    const char *name;
    size_t at;
} known[] = {
#define LINE(name, member)                                                                                   \
    {                                                                                                        \
        name, offsetof(struct standin_process, member)                                                       \
    }
    LINE("VAULT_URL", vault_url),
    LINE("MHSM_URL", mhsm_url),
    LINE("VAULT_CA", vault_ca),
    LINE("IDENTITY_URL", identity_url),
    LINE("CONTROL_URL", control_url),
    LINE("TENANT_ID", tenant_id),
    LINE("CLIENT_ID", client_id),
    LINE("CLIENT_SECRET_FILE", client_secret_file),
    LINE("CLIENT_CERTIFICATE_FILE", client_certificate_file),
    LINE("CLIENT_CERTIFICATE_P12", client_certificate_p12),
    LINE("FEDERATED_TOKEN_FILE", federated_token_file),
    LINE("IMDS_URL", imds_url),
    LINE("APP_SERVICE_ENDPOINT", app_service_endpoint),
    LINE("APP_SERVICE_HEADER", app_service_header),
    LINE("ARC_ENDPOINT", arc_endpoint),
    LINE("ARC_DIR", arc_dir),
    LINE("SYSTEM_ID_CLIENT_ID", system_id_client_id),
    LINE("MANAGED_ID_CLIENT_ID", managed_id_client_id),
    LINE("MANAGED_ID_OBJECT_ID", managed_id_object_id),
    LINE("MANAGED_ID_RESOURCE_ID", managed_id_resource_id),
};

enum { LINES = sizeof known / sizeof *known };

static char **value_at(struct standin_process *process, size_t line)
{
    return (char **)(void *)((char *)process + known[line].at);
}

/* One line NAME="VALUE". */
static void read_line(struct standin_process *process, char *line)
{
    char *name = strtok(line, "="), *value = strtok(NULL, "\"");

    for (size_t i = 0; name != NULL && value != NULL && i < LINES; i++) {
        if (strcmp(known[i].name, name) == 0) {
            *value_at(process, i) = strdup(value);
        }
    }
}

static bool read_env(struct standin_process *process)
{
    char line[PATH_SIZE];
    FILE *file;

    snprintf(line, sizeof line, "%s/standin.env", process->dir);
    file = fopen(line, "re");
    if (file == NULL) {
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        read_line(process, line);
    }
    fclose(file);
    return process->client_secret_file != NULL;
}

static bool wait_for_env(struct standin_process *process)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};

    for (int i = 0; i < START_SECONDS * 100; i++) {
        if (read_env(process)) {
            return true;
        }
        if (waitpid(process->pid, NULL, WNOHANG) != 0) {
            process->pid = 0;
            return false;
        }
        nanosleep(&moment, NULL);
    }
    return false;
}

bool standin_run(struct standin_process *ret_process)
{
    struct standin_process process = {.dir = make_dir()};
    pid_t self = getpid();

    if (process.dir == NULL) {
        perror("mkdtemp");
        return false;
    }
    process.pid = fork();
    if (process.pid == 0) {
        become_standin(process.dir, self);
    }
    if (process.pid < 0 || !wait_for_env(&process)) {
        fprintf(stderr, "the stand-in vault did not start\n");
        standin_end(&process);
        return false;
    }
    *ret_process = process;
    return true;
}

/* --- End --- */

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    remove(path);
    return 0;
}

bool standin_end(struct standin_process *process)
{
    int status = 0;

    if (process->pid > 0) {
        kill(process->pid, SIGTERM);
        waitpid(process->pid, &status, 0);
    }
    if (process->dir != NULL) {
        nftw(process->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
    for (size_t i = 0; i < LINES; i++) {
        free(*value_at(process, i));
    }
    free(process->dir);
    *process = (struct standin_process){0};
    return status == 0;
}

/* --- Control --- */

struct text {
    char *data;
    size_t size;
};

static size_t collect(char *data, size_t size, size_t count, void *argument)
{
    struct text *text = argument;
    char *grown = realloc(text->data, text->size + size * count + 1);

    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + text->size, data, size * count);
    text->data = grown;
    text->size += size * count;
    text->data[text->size] = '\0';
    return size * count;
}

char *standin_control(const struct standin_process *process, const char *method, const char *path,
                      const char *body)
{
    struct text answer = {calloc(1, 1), 0};
    CURL *curl = curl_easy_init();
    char url[PATH_SIZE];
    long status = 0;

    snprintf(url, sizeof url, "%s%s", process->control_url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    if (status == 200) {
        return answer.data;
    }
    fprintf(stderr, "stand-in: %s %s: %ld %s\n", method, path, status, answer.data);
    free(answer.data);
    return NULL;
}

long standin_count(const struct standin_process *process, const char *name)
{
    char *counts = standin_control(process, "GET", "/counts", NULL), word[128];
    const char *at;
    long count;

    snprintf(word, sizeof word, "\"%s\":", name);
    at = counts == NULL ? NULL : strstr(counts, word);
    count = at == NULL ? -1 : strtol(at + strlen(word), NULL, 10);
    free(counts);
    return count;
}
