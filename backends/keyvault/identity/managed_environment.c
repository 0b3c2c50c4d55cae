/* Which service of this machine gives the token. */
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/base/settings.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "backends/keyvault/key_id.h"
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define METADATA_HOST "http://169.254.169.254"
#define METADATA_PATH "/metadata/identity/oauth2/token"
#define ARC_URL       "http://127.0.0.1:40342" METADATA_PATH

enum { SECRET_LIMIT = 4096 };

const struct managed_places managed_places = {
    .arc_keys = "/var/opt/azcmagent/tokens",
    .arc_agent = "/opt/azcmagent/bin/himds",
};

static const struct managed_source metadata_service = {
    .name = "the metadata service of this machine",
    .api_version = "2018-02-01",
    .client_id = "client_id",
    .resource_id = "msi_res_id",
    .metadata = true,
    .updates = true,
};
static const struct managed_source app_service = {
    .name = "App Service or Container Apps (IDENTITY_ENDPOINT)",
    .api_version = "2019-08-01",
    .client_id = "client_id",
    .resource_id = "mi_res_id",
    .header = "X-IDENTITY-HEADER",
};
/* Azure Machine Learning, and App Service before 2019. */
static const struct managed_source older_service = {
    .name = "the service at MSI_ENDPOINT",
    .api_version = "2017-09-01",
    .client_id = "clientid",
    .header = "secret",
};
static const struct managed_source arc = {
    .name = "Azure Arc",
    .api_version = "2019-11-01",
    .metadata = true,
    .challenges = true,
};

void managed_way_done(struct managed_way *way)
{
    buffer_free(&way->url);
    buffer_free(&way->header);
}

static CK_RV refuse(struct managed_way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));
static CK_RV refuse(struct managed_way *way, const char *format, ...)
{
    va_list arguments;

    way->source = NULL;
    va_start(arguments, format);
    vsnprintf(way->problem, sizeof way->problem, format, arguments);
    va_end(arguments);
    return CKR_OK;
}

/* --- Addresses --- */

static bool is_near_ipv4(const char *host)
{
    struct in_addr address;
    uint32_t number;

    if (inet_pton(AF_INET, host, &address) != 1) {
        return false;
    }
    number = ntohl(address.s_addr);
    return number >> 24 == 127 || number >> 16 == (169 << 8 | 254) || number >> 24 == 10 ||
           number >> 20 == (172 << 4 | 1) || number >> 16 == (192 << 8 | 168);
}

/* Visible characters only: nothing that a header or a log line would end at. */
static bool is_visible(const char *text)
{
    while (*text > ' ' && *text < 127) {
        text++;
    }
    return *text == 0;
}

/* A name could be anybody's: but for localhost, addresses alone are accepted. */
static bool is_near(const char *url)
{
    struct buffer as_https SCOPED(buffer_free) = BUFFER_INIT(MACHINE_URL_LIMIT);
    bool plain = strncasecmp(url, "http:", 5) == 0;
    struct place place;
    const char *rest;

    if (!is_visible(url) || strchr(url, '#') != NULL ||
        buffer_printf(&as_https, "%s%s", plain ? "https" : "", plain ? url + 4 : url) != CKR_OK ||
        !place_parse(buffer_text(&as_https), &place, &rest)) {
        return false;
    }
    return strcmp(place.host, "localhost") == 0 || strcmp(place.host, "[::1]") == 0 ||
           is_near_ipv4(place.host);
}

static CK_RV set_url(struct managed_way *way, const char *variable, const char *url, const char *path)
{
    size_t length = strlen(url);

    if (!is_near(url)) {
        return refuse(way,
                      "%s is set to an address that is not of this machine or its private network: nothing "
                      "is asked there",
                      variable);
    }
    while (path[0] != 0 && length > 0 && url[length - 1] == '/') {
        length--;
    }
    return buffer_printf(&way->url, "%.*s%s", (int)length, url, path);
}

static CK_RV set_header(struct managed_way *way, const char *variable, const char *secret)
{
    CK_RV rv;

    if (!is_visible(secret) || strlen(secret) > SECRET_LIMIT) {
        return refuse(way, "%s holds what cannot be sent in a header", variable);
    }
    rv = buffer_append_text(&way->header, way->source->header);
    if (rv == CKR_OK) {
        rv = buffer_append_text(&way->header, ": ");
    }
    return rv == CKR_OK ? buffer_append_text(&way->header, secret) : rv;
}

/* --- Which it is --- */

/* Empty is as good as not set. */
static const char *variable(const char *name)
{
    const char *value = settings_environment(name);

    return value == NULL || value[0] == 0 ? NULL : value;
}

static CK_RV with_secret(struct managed_way *way, const struct managed_source *source,
                         const char *url_variable, const char *secret_variable)
{
    CK_RV rv;

    way->source = source;
    rv = set_url(way, url_variable, variable(url_variable), "");
    return rv == CKR_OK && way->source != NULL ? set_header(way, secret_variable, variable(secret_variable))
                                               : rv;
}

static CK_RV on_arc(struct managed_way *way)
{
    const char *url = variable("IDENTITY_ENDPOINT");

    way->source = &arc;
    return set_url(way, "IDENTITY_ENDPOINT", url == NULL ? ARC_URL : url, "");
}

static CK_RV from_metadata(struct managed_way *way)
{
    static const char name[] = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    const char *host = variable(name);

    way->source = &metadata_service;
    return set_url(way, name, host == NULL ? METADATA_HOST : host, METADATA_PATH);
}

static CK_RV from_identity_endpoint(struct managed_way *way)
{
    if (variable("IDENTITY_HEADER") != NULL) {
        return variable("IDENTITY_SERVER_THUMBPRINT") != NULL
                   ? refuse(way, "IDENTITY_SERVER_THUMBPRINT is set: Service Fabric's way is not known here")
                   : with_secret(way, &app_service, "IDENTITY_ENDPOINT", "IDENTITY_HEADER");
    }
    return variable("IMDS_ENDPOINT") != NULL
               ? on_arc(way)
               : refuse(way, "IDENTITY_ENDPOINT is set without IDENTITY_HEADER or IMDS_ENDPOINT");
}

/* In the order of the service's own clients. */
CK_RV managed_way_read(const struct managed_places *places, struct managed_way *ret_way)
{
    memset(ret_way, 0, sizeof *ret_way);
    ret_way->url.limit = MACHINE_URL_LIMIT;
    ret_way->header.limit = MACHINE_HEADER_LIMIT;
    if (process_is_secure()) {
        return from_metadata(ret_way);
    }
    if (variable("IDENTITY_ENDPOINT") != NULL) {
        return from_identity_endpoint(ret_way);
    }
    if (variable("MSI_ENDPOINT") != NULL) {
        return variable("MSI_SECRET") != NULL
                   ? with_secret(ret_way, &older_service, "MSI_ENDPOINT", "MSI_SECRET")
                   : refuse(ret_way, "MSI_ENDPOINT is set without MSI_SECRET, as in Cloud Shell: "
                                     "identity = azure-cli works there");
    }
    return access(places->arc_agent, F_OK) == 0 ? on_arc(ret_way) : from_metadata(ret_way);
}
