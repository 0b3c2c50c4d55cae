/* The identity service. */
#include "tests/standin/identity.h"
#include "tests/standin/tokens.h"
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char token_path[] = "/oauth2/v2.0/token";

/* --- The form --- */

static char *unescaped(const char *from, size_t size)
{
    char *out = need(malloc(size + 1));
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        if (from[i] == '%' && i + 2 < size && isxdigit((unsigned char)from[i + 1]) &&
            isxdigit((unsigned char)from[i + 2])) {
            char hex[3] = {from[i + 1], from[i + 2], '\0'};

            out[length++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            out[length++] = from[i] == '+' ? ' ' : from[i];
        }
    }
    out[length] = '\0';
    return out;
}

/* A field of an application/x-www-form-urlencoded body, from malloc; NULL: not there. */
static char *field(const char *form, const char *name)
{
    size_t length = strlen(name);

    while (*form != '\0') {
        size_t size = strcspn(form, "&");

        if (size > length && form[length] == '=' && strncmp(form, name, length) == 0) {
            return unescaped(form + length + 1, size - length - 1);
        }
        form += size + (form[size] == '&' ? 1 : 0);
    }
    return NULL;
}

/* --- Refusals --- */

static void stamp(char out[32])
{
    time_t now = time(NULL);
    struct tm utc;

    strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", gmtime_r(&now, &utc));
}

/* Takes the sentence. */
static void refuse(struct answer *answer, unsigned status, const char *error, int number, char *sentence)
{
    cJSON *json = need(cJSON_CreateObject());
    char *trace OWNED(owned_free) = random_uuid(), *correlation OWNED(owned_free) = random_uuid();
    char *told OWNED(owned_free) = sentence;
    char when[32];
    char *description OWNED(owned_free) = NULL, *uri OWNED(owned_free) = NULL;

    stamp(when);
    description = text("AADSTS%d: %s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", number, told,
                       trace, correlation, when);
    uri = text("https://login.microsoftonline.com/error?code=%d", number);
    cJSON_AddStringToObject(json, "error", error);
    cJSON_AddStringToObject(json, "error_description", description);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "error_codes"), cJSON_CreateNumber(number));
    cJSON_AddStringToObject(json, "timestamp", when);
    cJSON_AddStringToObject(json, "trace_id", trace);
    cJSON_AddStringToObject(json, "correlation_id", correlation);
    cJSON_AddStringToObject(json, "error_uri", uri);
    answer_json(answer, status, json);
}

/* --- The token --- */

struct credentials {
    char *grant_type, *client_id, *client_secret, *scope;
};

static void free_credentials(struct credentials *asked)
{
    free(asked->grant_type);
    free(asked->client_id);
    free(asked->client_secret);
    free(asked->scope);
}

/* A scope is a resource and "/.default"; the resource, from malloc, is what the token will be good for. */
static char *audience_of(const struct standin *standin, const char *scope)
{
    static const char suffix[] = "/.default";
    static const char *const resources[] = {"https://vault.azure.net", "https://managedhsm.azure.net",
                                            "https://management.azure.com", NULL};
    size_t length = scope == NULL ? 0 : strlen(scope), size = strlen(suffix);
    char *resource;

    if (length <= size || strcmp(scope + length - size, suffix) != 0) {
        return NULL;
    }
    resource = need(strndup(scope, length - size));
    for (size_t i = 0; resources[i] != NULL; i++) {
        if (strncmp(resource, resources[i], strlen(resources[i])) == 0 &&
            strspn(resource + strlen(resources[i]), "/") == strlen(resource) - strlen(resources[i])) {
            return resource;
        }
    }
    if (strcmp(resource, standin->settings.audience) == 0) {
        return resource;
    }
    free(resource);
    return NULL;
}

static bool same_secret(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

/* True: an answer was given. */
static bool refuse_incomplete(const struct credentials *asked, struct answer *answer)
{
    const char *missing = asked->grant_type == NULL  ? "grant_type"
                          : asked->client_id == NULL ? "client_id"
                          : asked->scope == NULL     ? "scope"
                                                     : NULL;

    if (missing != NULL) {
        refuse(answer, 400, "invalid_request", 900144,
               text("The request body must contain the following parameter: '%s'.", missing));
    } else if (strcmp(asked->grant_type, "client_credentials") != 0) {
        refuse(answer, 400, "unsupported_grant_type", 70003,
               text("The app requested an unsupported grant type '%s'.", asked->grant_type));
    } else if (asked->client_secret == NULL) {
        refuse(
            answer, 401, "invalid_client", 7000218,
            text(
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."));
    } else {
        return false;
    }
    return true;
}

/* With the lock. NULL: an answer was given. */
static const struct caller *judge(const struct standin *standin, const struct credentials *asked,
                                  struct answer *answer)
{
    const struct caller *caller = caller_find(standin->callers, asked->client_id);

    if (caller == NULL) {
        refuse(
            answer, 400, "unauthorized_client", 700016,
            text(
                "Application with identifier '%s' was not found in the directory '%s'. This can happen if the "
                "application has not been installed by the administrator of the tenant.",
                asked->client_id, standin->tenant));
    } else if (caller->disabled) {
        refuse(answer, 400, "unauthorized_client", 7000112,
               text("Application '%s'(stand-in) is disabled.", caller->id));
    } else if (!same_secret(caller->secret, asked->client_secret)) {
        refuse(
            answer, 401, "invalid_client", 7000215,
            text(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                "value, not the client secret ID, for a secret added to app '%s'.",
                caller->id));
    } else {
        return caller;
    }
    return NULL;
}

static void give_token(const struct standin *standin, const struct caller *caller, const char *audience,
                       struct answer *answer)
{
    int lifetime = standin->settings.token_lifetime;
    char *token OWNED(owned_free) =
        token_make(standin->token_key, standin->tenant, caller->id, audience, lifetime);
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "token_type", "Bearer");
    cJSON_AddNumberToObject(json, "expires_in", lifetime);
    cJSON_AddNumberToObject(json, "ext_expires_in", lifetime);
    cJSON_AddStringToObject(json, "access_token", token);
    answer_json(answer, 200, json);
}

static void answer_form(struct standin *standin, const char *form, struct answer *answer)
{
    struct credentials asked OWNED(free_credentials) = {field(form, "grant_type"), field(form, "client_id"),
                                                        field(form, "client_secret"), field(form, "scope")};
    char *audience OWNED(owned_free) = NULL;
    const struct caller *caller;

    if (refuse_incomplete(&asked, answer)) {
        return;
    }
    LOCKED(standin);
    caller = judge(standin, &asked, answer);
    if (caller == NULL) {
        return;
    }
    audience = audience_of(standin, asked.scope);
    if (audience == NULL) {
        refuse(
            answer, 400, "invalid_scope", 1002012,
            text(
                "The provided value for scope %s is not valid. Client credential flows must have a scope value "
                "with /.default suffixed to the resource identifier (application ID URI).",
                asked.scope));
        return;
    }
    give_token(standin, caller, audience, answer);
}

/* --- The service --- */

static bool is_token_path(const char *path, size_t *ret_tenant)
{
    size_t length = strlen(path), size = strlen(token_path);

    if (path[0] != '/' || length <= size + 1 || strcasecmp(path + length - size, token_path) != 0) {
        return false;
    }
    *ret_tenant = length - size - 1;
    return true;
}

static enum operation operation_at(const char *method, const char *path)
{
    size_t tenant;

    return strcmp(method, "POST") == 0 && is_token_path(path, &tenant) ? OPERATION_TOKEN : OPERATION_OTHER;
}

static void add_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    char *id OWNED(owned_free) = random_uuid();

    (void)standin, (void)request;
    answer_header(answer, "Cache-Control", "no-store, no-cache");
    answer_header(answer, "Pragma", "no-cache");
    answer_header(answer, "Expires", "-1");
    answer_header(answer, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    answer_header(answer, "X-Content-Type-Options", "nosniff");
    answer_header(answer, "x-ms-ests-server", "2.1.12381.20 - STANDIN ProdSlices");
    answer_header(answer, "x-ms-request-id", id);
}

static void answer_request(struct standin *standin, const struct request *request, struct answer *answer)
{
    const char *type = request_header(request, "Content-Type");
    size_t length = 0;

    if (operation_at(request->method, request->path) != OPERATION_TOKEN) {
        answer_html(answer, 404);
        return;
    }
    is_token_path(request->path, &length);
    if (length != strlen(standin->tenant) || strncasecmp(request->path + 1, standin->tenant, length) != 0) {
        refuse(
            answer, 400, "invalid_request", 90002,
            text(
                "Tenant '%.*s' not found. Check to make sure you have the correct tenant ID and are signing into "
                "the correct cloud.",
                (int)length, request->path + 1));
        return;
    }
    if (type == NULL || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0) {
        refuse(answer, 400, "invalid_request", 900144,
               text("The request body must contain the following parameter: 'grant_type'."));
        return;
    }
    answer_form(standin, request->body, answer);
}

const struct server_kind identity_service = {SERVICE_IDENTITY, operation_at, add_headers, answer_request};
