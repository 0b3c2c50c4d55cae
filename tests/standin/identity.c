/* The identity service. */
#include "tests/standin/identity.h"
#include "tests/standin/aadsts.h"
#include "tests/standin/assertion.h"
#include "tests/standin/form.h"
#include "tests/standin/tokens.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char token_path[] = "/oauth2/v2.0/token";

/* --- What is asked --- */

struct wish {
    char *grant_type, *client_id, *scope;
    char *secret, *assertion_type, *assertion; /* one way or the other to prove who asks */
    char *claims;                              /* JSON: what the token shall say besides */
    cJSON *claims_json;
};

static void wish_done(struct wish *wish)
{
    free(wish->grant_type);
    free(wish->client_id);
    free(wish->scope);
    free(wish->secret);
    free(wish->assertion_type);
    free(wish->assertion);
    free(wish->claims);
    cJSON_Delete(wish->claims_json);
}

static void read_wish(const char *form, struct wish *wish)
{
    wish->grant_type = form_field(form, "grant_type");
    wish->client_id = form_field(form, "client_id");
    wish->scope = form_field(form, "scope");
    wish->secret = form_field(form, "client_secret");
    wish->assertion_type = form_field(form, "client_assertion_type");
    wish->assertion = form_field(form, "client_assertion");
    wish->claims = form_field(form, "claims");
    wish->claims_json = wish->claims == NULL ? NULL : cJSON_Parse(wish->claims);
}

/* True: an answer was given. */
static bool refuse_incomplete(const struct wish *wish, struct answer *answer)
{
    const char *missing = wish->grant_type == NULL  ? "grant_type"
                          : wish->client_id == NULL ? "client_id"
                          : wish->scope == NULL     ? "scope"
                                                    : NULL;

    if (missing != NULL) {
        aadsts_refuse(answer, 400, "invalid_request", 900144,
                      text("The request body must contain the following parameter: '%s'.", missing));
    } else if (strcmp(wish->grant_type, "client_credentials") != 0) {
        aadsts_refuse(answer, 400, "unsupported_grant_type", 70003,
                      text("The app requested an unsupported grant type '%s'.", wish->grant_type));
    } else if (wish->secret == NULL && wish->assertion == NULL) {
        aadsts_refuse(answer, 401, "invalid_client", 7000218,
                      text("The request body must contain the following parameter: 'client_assertion' or "
                           "'client_secret'."));
    } else if (wish->assertion != NULL && !same_text(wish->assertion_type, ASSERTION_TYPE)) {
        aadsts_refuse(
            answer, 400, "invalid_request", 900144,
            text("The request body must contain the following parameter: 'client_assertion_type' with value "
                 "'%s'.",
                 ASSERTION_TYPE));
    } else if (wish->claims != NULL && !cJSON_IsObject(wish->claims_json)) {
        aadsts_refuse(answer, 400, "invalid_request", 9000410, text("Malformed JSON."));
    } else {
        return false;
    }
    return true;
}

/* --- Who asks --- */

static bool same_secret(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}

static bool accept_secret(const struct caller *caller, const char *secret, struct answer *answer)
{
    if (same_secret(caller->secret, secret)) {
        return true;
    }
    aadsts_refuse(
        answer, 401, "invalid_client", 7000215,
        text("Invalid client secret provided. Ensure the secret being sent in the request is the client "
             "secret value, not the client secret ID, for a secret added to app '%s'.",
             caller->id));
    return false;
}

/* With the lock. NULL: an answer was given. */
static const struct caller *judge(struct standin *standin, const struct wish *wish, const char *token_url,
                                  struct answer *answer)
{
    const struct caller *caller = caller_find(standin->callers, wish->client_id);
    bool good;

    if (caller == NULL) {
        aadsts_refuse(
            answer, 400, "unauthorized_client", 700016,
            text("Application with identifier '%s' was not found in the directory '%s'. This can happen if "
                 "the application has not been installed by the administrator of the tenant.",
                 wish->client_id, standin->tenant));
        return NULL;
    }
    if (caller->disabled) {
        aadsts_refuse(answer, 400, "unauthorized_client", 7000112,
                      text("Application '%s'(stand-in) is disabled.", caller->id));
        return NULL;
    }
    good = wish->assertion == NULL ? accept_secret(caller, wish->secret, answer)
                                   : assertion_accept(standin, caller, wish->assertion, token_url, answer);
    return good ? caller : NULL;
}

/* --- The token --- */

bool identity_knows(const struct standin *standin, const char *resource)
{
    static const char *const resources[] = {
        "https://vault.azure.net",         "https://managedhsm.azure.net",
        "https://vault.azure.cn",          "https://managedhsm.azure.cn",
        "https://vault.usgovcloudapi.net", "https://managedhsm.usgovcloudapi.net",
        "https://management.azure.com"};

    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        size_t size = strlen(resources[i]);

        if (strncmp(resource, resources[i], size) == 0 &&
            strspn(resource + size, "/") == strlen(resource + size)) {
            return true;
        }
    }
    return strcmp(resource, standin->settings.audience) == 0;
}

/* A scope is a resource and "/.default"; the resource, from malloc, is what the token will be good for. NULL:
 * an answer was given. */
static char *audience_of(const struct standin *standin, const char *scope, struct answer *answer)
{
    static const char suffix[] = "/.default";
    size_t length = strlen(scope), size = strlen(suffix);
    char *resource;

    if (length <= size || strcmp(scope + length - size, suffix) != 0) {
        aadsts_refuse(
            answer, 400, "invalid_scope", 1002012,
            text("The provided value for scope %s is not valid. Client credential flows must have a scope "
                 "value with /.default suffixed to the resource identifier (application ID URI).",
                 scope));
        return NULL;
    }
    resource = need(strndup(scope, length - size));
    if (!identity_knows(standin, resource)) {
        aadsts_refuse(
            answer, 400, "invalid_resource", 500011,
            text("The resource principal named %s was not found in the tenant named %s. This can happen if "
                 "the application has not been installed by the administrator of the tenant or consented to "
                 "by any user in the tenant.",
                 resource, standin->tenant));
        free(resource);
        return NULL;
    }
    return resource;
}

static void give_token(const struct standin *standin, const struct token_wish *wish, struct answer *answer)
{
    char *token OWNED(owned_free) = token_make(standin, wish);
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(json, "token_type", "Bearer");
    cJSON_AddNumberToObject(json, "expires_in", wish->lifetime);
    cJSON_AddNumberToObject(json, "ext_expires_in", wish->lifetime);
    cJSON_AddStringToObject(json, "access_token", token);
    answer_json(answer, 200, json);
}

static void answer_form(struct standin *standin, const struct request *request, struct answer *answer)
{
    struct wish wish OWNED(wish_done) = {0};
    char *base OWNED(owned_free) = request_base(request, standin->identity_url);
    char *token_url OWNED(owned_free) = text("%s%s", base, request->path);
    char *audience OWNED(owned_free) = NULL;
    const struct caller *caller;

    read_wish(request->body, &wish);
    if (refuse_incomplete(&wish, answer)) {
        return;
    }
    LOCKED(standin);
    caller = judge(standin, &wish, token_url, answer);
    if (caller != NULL) {
        audience = audience_of(standin, wish.scope, answer);
    }
    if (audience != NULL) {
        give_token(
            standin,
            &(struct token_wish){caller->id, audience, standin->settings.token_lifetime, wish.claims_json},
            answer);
    }
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

static bool is_form(const struct request *request)
{
    const char *type = request_header(request, "Content-Type");

    return type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

static void answer_token_path(struct standin *standin, const struct request *request, struct answer *answer)
{
    size_t length = 0;

    is_token_path(request->path, &length);
    if (length != strlen(standin->tenant) || strncasecmp(request->path + 1, standin->tenant, length) != 0) {
        aadsts_refuse(
            answer, 400, "invalid_request", 90002,
            text("Tenant '%.*s' not found. Check to make sure you have the correct tenant ID and are signing "
                 "into the correct cloud.",
                 (int)length, request->path + 1));
    } else if (!is_form(request)) {
        aadsts_refuse(answer, 400, "invalid_request", 900144,
                      text("The request body must contain the following parameter: 'grant_type'."));
    } else {
        answer_form(standin, request, answer);
    }
}

static void answer_request(struct standin *standin, const struct request *request, struct answer *answer)
{
    if (operation_at(request->method, request->path) == OPERATION_TOKEN) {
        answer_token_path(standin, request, answer);
    } else if (strcmp(request->method, "GET") != 0 || !discovery_answer(standin, request, answer)) {
        answer_html(answer, 404);
    }
}

const struct server_kind identity_service = {SERVICE_IDENTITY, operation_at, add_headers, answer_request};
