/*
 * The least program that asks for the same with libcurl alone: a token, and unwrapKey of $BLOB (base64url)
 * under `kek`. The environment: VAULT_URL, IDENTITY_URL, VAULT_CA, TENANT_ID, CLIENT_ID, CLIENT_SECRET_FILE.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char answer[16 * 1024];
static size_t answer_size;

static size_t take(char *data, size_t one, size_t size, void *arg)
{
    (void)one, (void)arg;
    if (size >= sizeof answer - answer_size) {
        return 0;
    }
    memcpy(answer + answer_size, data, size);
    answer_size += size;
    answer[answer_size] = 0;
    return size;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL) {
        fprintf(stderr, "cold_curl: %s is not set\n", name);
        exit(1);
    }
    return value;
}

static void post(CURL *easy, const char *url, const char *body)
{
    long status = 0;

    answer_size = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        fprintf(stderr, "cold_curl: %s, status %ld\n", curl_easy_strerror(code), status);
        exit(1);
    }
}

static void read_secret(char *secret, int size)
{
    FILE *file = fopen(variable("CLIENT_SECRET_FILE"), "re");

    if (file == NULL || fgets(secret, size, file) == NULL) {
        perror("cold_curl");
        exit(1);
    }
    secret[strcspn(secret, "\n")] = 0;
    fclose(file);
}

/* "Authorization: Bearer " and the token. */
static void sign_in(CURL *easy, char *bearer, size_t room)
{
    char secret[256], url[512], body[1024], *escaped, *token;

    read_secret(secret, sizeof secret);
    escaped = curl_easy_escape(easy, secret, 0);
    snprintf(url, sizeof url, "%s/%s/oauth2/v2.0/token", variable("IDENTITY_URL"), variable("TENANT_ID"));
    snprintf(
        body, sizeof body,
        "grant_type=client_credentials&client_id=%s&client_secret=%s&scope="
        "https%%3A%%2F%%2Fvault.azure.net%%2F.default"
        "&claims=%%7B%%22access_token%%22%%3A%%7B%%22xms_cc%%22%%3A%%7B%%22values%%22%%3A%%5B%%22cp1%%22%%5D%%7D%%7D%%7D",
        variable("CLIENT_ID"), escaped);
    curl_free(escaped);
    post(easy, url, body);
    token = strstr(answer, "\"access_token\":\"");
    if (token == NULL) {
        fputs("cold_curl: no token\n", stderr);
        exit(1);
    }
    token += strlen("\"access_token\":\"");
    snprintf(bearer, room, "Authorization: Bearer %.*s", (int)strcspn(token, "\""), token);
}

int main(void)
{
    CURL *easy = curl_easy_init();
    char url[512], body[1024], bearer[8192];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    curl_easy_setopt(easy, CURLOPT_CAINFO, variable("VAULT_CA"));
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    sign_in(easy, bearer, sizeof bearer);
    headers = curl_slist_append(headers, bearer);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    snprintf(url, sizeof url, "%s/keys/kek/unwrapkey?api-version=7.6", variable("VAULT_URL"));
    snprintf(body, sizeof body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", variable("BLOB"));
    post(easy, url, body);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return 0;
}
