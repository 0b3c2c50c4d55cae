/* What the identity service says of itself, for clients that ask before they trust an authority. */
#include "tests/standin/aadsts.h"
#include "tests/standin/identity.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Which authorities there are --- */

static void add_cloud(cJSON *clouds, const char *network, const char *cache, const char *const *aliases)
{
    cJSON *cloud = need(cJSON_CreateObject());
    cJSON *names;

    cJSON_AddStringToObject(cloud, "preferred_network", network);
    cJSON_AddStringToObject(cloud, "preferred_cache", cache);
    names = need(cJSON_AddArrayToObject(cloud, "aliases"));
    for (; *aliases != NULL; aliases++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(*aliases));
    }
    cJSON_AddItemToArray(clouds, cloud);
}

static void add_clouds(cJSON *clouds, const char *own_host)
{
    const char *const own[] = {own_host, NULL};
    static const char *const global[] = {"login.microsoftonline.com", "login.windows.net",
                                         "login.microsoft.com", "sts.windows.net", NULL};
    static const char *const china[] = {"login.partner.microsoftonline.cn", "login.chinacloudapi.cn", NULL};
    static const char *const government[] = {"login.microsoftonline.us", "login.usgovcloudapi.net", NULL};

    add_cloud(clouds, own_host, own_host, own);
    add_cloud(clouds, global[0], global[1], global);
    add_cloud(clouds, china[0], china[0], china);
    add_cloud(clouds, government[0], government[0], government);
}

static void refuse_instance(struct answer *answer, const char *authorize)
{
    aadsts_refuse(answer, 400, "invalid_instance", 50049,
                  text("Unknown or invalid instance: '%s'.", authorize));
}

static void answer_instances(const struct request *request, const char *base, struct answer *answer)
{
    const char *authorize = request_query(request, "authorization_endpoint");
    const char *tenant = authorize == NULL ? "" : authorize + strlen(base);
    char *endpoint OWNED(owned_free) = NULL;
    cJSON *json;

    if (authorize == NULL || strncasecmp(authorize, base, strlen(base)) != 0 || tenant[0] != '/') {
        refuse_instance(answer, authorize == NULL ? "" : authorize);
        return;
    }
    endpoint = text("%s/%.*s/v2.0/.well-known/openid-configuration", base, (int)strcspn(tenant + 1, "/"),
                    tenant + 1);
    json = need(cJSON_CreateObject());
    cJSON_AddStringToObject(json, "tenant_discovery_endpoint", endpoint);
    cJSON_AddStringToObject(json, "api-version", "1.1");
    add_clouds(cJSON_AddArrayToObject(json, "metadata"), base + strlen("https://"));
    answer_json(answer, 200, json);
}

/* --- What a tenant offers --- */

static void add_words(cJSON *json, const char *name, const char *const *words)
{
    cJSON *array = need(cJSON_AddArrayToObject(json, name));

    for (; *words != NULL; words++) {
        cJSON_AddItemToArray(array, cJSON_CreateString(*words));
    }
}

static void add_url(cJSON *json, const char *name, const char *base, const char *tenant, const char *rest)
{
    char *url OWNED(owned_free) = text("%s/%s%s", base, tenant, rest);

    cJSON_AddStringToObject(json, name, url);
}

static cJSON *configuration(const char *base, const char *tenant)
{
    static const char *const methods[] = {"client_secret_post", "private_key_jwt", "client_secret_basic",
                                          NULL};
    static const char *const modes[] = {"query", "fragment", "form_post", NULL};
    static const char *const types[] = {"code", "id_token", "code id_token", "id_token token", NULL};
    static const char *const scopes[] = {"openid", "profile", "email", "offline_access", NULL};
    static const char *const subjects[] = {"pairwise", NULL}, *const algorithms[] = {"RS256", NULL};
    cJSON *json = need(cJSON_CreateObject());

    add_url(json, "token_endpoint", base, tenant, "/oauth2/v2.0/token");
    add_words(json, "token_endpoint_auth_methods_supported", methods);
    add_url(json, "jwks_uri", base, tenant, "/discovery/v2.0/keys");
    add_words(json, "response_modes_supported", modes);
    add_words(json, "subject_types_supported", subjects);
    add_words(json, "id_token_signing_alg_values_supported", algorithms);
    add_words(json, "response_types_supported", types);
    add_words(json, "scopes_supported", scopes);
    add_url(json, "issuer", base, tenant, "/v2.0");
    add_url(json, "authorization_endpoint", base, tenant, "/oauth2/v2.0/authorize");
    add_url(json, "device_authorization_endpoint", base, tenant, "/oauth2/v2.0/devicecode");
    add_url(json, "end_session_endpoint", base, tenant, "/oauth2/v2.0/logout");
    return json;
}

static void answer_configuration(const struct standin *standin, const char *base, const char *tenant,
                                 struct answer *answer)
{
    if (strcasecmp(tenant, "common") == 0 || strcasecmp(tenant, "organizations") == 0) {
        cJSON *json = configuration(base, tenant);

        cJSON_DeleteItemFromObjectCaseSensitive(json, "issuer");
        add_url(json, "issuer", base, "{tenantid}", "/v2.0");
        answer_json(answer, 200, json);
    } else if (strcasecmp(tenant, standin->tenant) == 0) {
        answer_json(answer, 200, configuration(base, tenant));
    } else {
        aadsts_refuse(
            answer, 400, "invalid_tenant", 90002,
            text("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing "
                 "into the correct cloud.",
                 tenant));
    }
}

bool discovery_answer(struct standin *standin, const struct request *request, struct answer *answer)
{
    static const char instances[] = "/common/discovery/instance",
                      well_known[] = "/v2.0/.well-known/openid-configuration",
                      keys[] = "/discovery/v2.0/keys";
    char *base OWNED(owned_free) = request_base(request, standin->identity_url);
    size_t size = request->path[0] == '/' ? strcspn(request->path + 1, "/") : 0;
    char *tenant OWNED(owned_free) = need(strndup(request->path + 1, size));
    const char *rest = request->path + 1 + size;

    if (strcasecmp(request->path, instances) == 0) {
        answer_instances(request, base, answer);
    } else if (strcasecmp(rest, well_known) == 0) {
        answer_configuration(standin, base, tenant, answer);
    } else if (strcasecmp(rest, keys) == 0) {
        /* Its tokens are under an HMAC: there is no key to show. */
        answer_body(answer, 200, text("{\"keys\":[]}"), "application/json; charset=utf-8");
    } else {
        return false;
    }
    return true;
}
