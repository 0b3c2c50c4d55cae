/* The options of `backend = keyvault`. */
#include "backends/keyvault/vault_config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECOND = 1000, HOUR = 60 * 60 * SECOND };

static const char *const identity_words[] = {"client-secret", NULL};

const struct setting_option vault_options[] = {
    {.name = "vault", .type = SETTING_TEXT},
    {.name = "keys", .type = SETTING_LIST},
    {.name = "identity", .type = SETTING_WORD, .words = identity_words},
    {.name = "tenant", .type = SETTING_TEXT},
    {.name = "client-id", .type = SETTING_TEXT},
    {.name = "client-secret-file", .type = SETTING_PATH},
    {.name = "authority", .type = SETTING_TEXT},
    {.name = "audience", .type = SETTING_TEXT},
    {.name = "ca-file", .type = SETTING_PATH},
    {.name = "api-version", .type = SETTING_TEXT, .preset = "7.6"},
    {.name = "timeout", .type = SETTING_DURATION, .preset = "30s", .least = 100, .most = HOUR},
    {.name = "connect-timeout", .type = SETTING_DURATION, .preset = "5s", .least = 100, .most = HOUR},
    {.name = "connection-age", .type = SETTING_DURATION, .preset = "10m", .least = SECOND, .most = 24 * HOUR},
};

/* The clouds: what a vault's host ends with, who signs its callers in, and for whom a token is. */
static const struct cloud {
    const char *suffix;
    bool managed_hsm;
    const char *authority;
    const char *audience;
} clouds[] = {
    {".vault.azure.net", false, "https://login.microsoftonline.com", "https://vault.azure.net"},
    {".managedhsm.azure.net", true, "https://login.microsoftonline.com", "https://managedhsm.azure.net"},
    {".vault.azure.cn", false, "https://login.chinacloudapi.cn", "https://vault.azure.cn"},
    {".managedhsm.azure.cn", true, "https://login.chinacloudapi.cn", "https://managedhsm.azure.cn"},
    {".vault.usgovcloudapi.net", false, "https://login.microsoftonline.us",
     "https://vault.usgovcloudapi.net"},
    {".managedhsm.usgovcloudapi.net", true, "https://login.microsoftonline.us",
     "https://managedhsm.usgovcloudapi.net"},
    {".vault.microsoftazure.de", false, "https://login.microsoftonline.de",
     "https://vault.microsoftazure.de"},
};
static const struct cloud loopback = {"", false, "https://login.microsoftonline.com",
                                      "https://vault.azure.net"};

static const struct cloud *cloud_of(const struct place *vault)
{
    size_t length = strlen(vault->host);

    for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
        size_t suffix = strlen(clouds[i].suffix);

        if (length > suffix && strcmp(vault->host + length - suffix, clouds[i].suffix) == 0) {
            return &clouds[i];
        }
    }
    return place_is_loopback(vault) ? &loopback : NULL;
}

static CK_RV copy(const char *text, char **ret_copy)
{
    *ret_copy = strdup(text);
    return *ret_copy == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

static CK_RV require(const struct settings *section, const char *name, const char *what,
                     const char **ret_text)
{
    *ret_text = settings_text(section, name);
    return *ret_text != NULL ? CKR_OK : settings_refuse(section, name, "%s is missing: %s", name, what);
}

static CK_RV refuse_url(const struct settings *section, const char *name, const char *text,
                        const char *example)
{
    if (strncasecmp(text, "http:", 5) == 0) {
        return settings_refuse(section, name, "%s: http is not accepted, the address begins with https://",
                               name);
    }
    return settings_refuse(section, name, "%s = \"%s\" is not understood; it looks like \"%s\"", name, text,
                           example);
}

/* https://HOST[:PORT] with at most a slash behind it; ret_url is without. */
static CK_RV read_url(const struct settings *section, const char *name, const char *text, const char *example,
                      struct place *ret_place, char **ret_url)
{
    const char *rest;
    size_t room;

    if (!place_parse(text, ret_place, &rest) || (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)) {
        return refuse_url(section, name, text, example);
    }
    room = strlen(text) + sizeof "https://:65535";
    *ret_url = malloc(room);
    if (*ret_url == NULL) {
        return CKR_HOST_MEMORY;
    }
    if (ret_place->port == 443) {
        snprintf(*ret_url, room, "https://%s", ret_place->host);
    } else {
        snprintf(*ret_url, room, "https://%s:%u", ret_place->host, ret_place->port);
    }
    return CKR_OK;
}

static CK_RV read_vault(const struct settings *section, struct vault_config *config)
{
    const char *text;
    CK_RV rv = require(section, "vault", "the vault's address, https://NAME.vault.azure.net", &text);

    return rv == CKR_OK ? read_url(section, "vault", text, "https://contoso.vault.azure.net", &config->vault,
                                   &config->url)
                        : rv;
}

static CK_RV read_short_key(const struct settings *section, const char *text, struct key_id *ret_id)
{
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);

    if (length < sizeof ret_id->name) {
        memcpy(ret_id->name, text, length);
        ret_id->name[length] = 0;
    }
    if (!key_name_valid(ret_id->name)) {
        return settings_refuse(section, "keys",
                               "\"%s\": the name of a key is 1 to 127 letters, digits and hyphens", text);
    }
    if (slash == NULL) {
        return CKR_OK;
    }
    if (!key_version_valid(slash + 1)) {
        return settings_refuse(
            section, "keys",
            "\"%s\": a key version is 32 lower-case hexadecimal digits; without one the latest is "
            "used",
            text);
    }
    strcpy(ret_id->version, slash + 1);
    return CKR_OK;
}

/* name, name/version, or a full key identifier. */
static CK_RV read_key(const struct settings *section, const struct vault_config *config, const char *text,
                      struct key_id *ret_id)
{
    if (strstr(text, "://") == NULL) {
        return read_short_key(section, text, ret_id);
    }
    if (!key_id_parse(text, ret_id)) {
        return settings_refuse(section, "keys",
                               "\"%s\" is no key identifier: https://HOST/keys/NAME[/VERSION]", text);
    }
    if (!place_equal(&ret_id->place, &config->vault)) {
        return settings_refuse(
            section, "keys", "\"%s\" is a key of another vault than %s: it needs a token section of its own",
            text, config->url);
    }
    return CKR_OK;
}

static bool is_known(const struct vault_config *config, const struct key_id *id)
{
    for (size_t i = 0; i < config->key_count; i++) {
        if (key_name_equal(config->keys[i].name, id->name) &&
            strcmp(config->keys[i].version, id->version) == 0) {
            return true;
        }
    }
    return false;
}

static CK_RV read_keys(const struct settings *section, struct vault_config *config)
{
    size_t count = settings_list_count(section, "keys");

    config->keys = calloc(count + 1, sizeof *config->keys);
    if (config->keys == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = settings_list_item(section, "keys", i);
        struct key_id id = {.name = ""};
        CK_RV rv = read_key(section, config, text, &id);

        if (rv != CKR_OK) {
            return rv;
        }
        if (is_known(config, &id)) {
            return settings_refuse(section, "keys", "\"%s\" is listed twice", text);
        }
        config->keys[config->key_count++] = id;
    }
    return CKR_OK;
}

/* Letters, digits, hyphens and dots: an ID or a domain name, and nothing that could leave its place in an
 * address. */
static CK_RV read_plain(const struct settings *section, const char *name, const char *what, char **ret_text)
{
    const char *text;
    CK_RV rv = require(section, name, what, &text);

    if (rv != CKR_OK) {
        return rv;
    }
    if (text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-")] != 0 ||
        text[0] == '.') {
        return settings_refuse(section, name, "%s = \"%s\" is not understood: %s", name, text, what);
    }
    return copy(text, ret_text);
}

static CK_RV read_client_secret(const struct settings *section, struct vault_config *config)
{
    const char *file;
    CK_RV rv = read_plain(section, "tenant", "the tenant's ID or domain name", &config->tenant);

    if (rv == CKR_OK) {
        rv = read_plain(section, "client-id", "the application's (client) ID", &config->client_id);
    }
    if (rv == CKR_OK) {
        rv = require(section, "client-secret-file", "the file that holds the application's secret", &file);
    }
    return rv == CKR_OK ? copy(file, &config->client_secret_file) : rv;
}

static CK_RV read_audience(const struct settings *section, const struct cloud *cloud,
                           struct vault_config *config)
{
    const char *text = settings_text(section, "audience");
    size_t length;

    if (text == NULL && cloud == NULL) {
        return settings_refuse(
            section, "vault",
            "the host is in none of the known clouds: `audience` must say for whom a token is, "
            "like https://vault.azure.net");
    }
    if (text == NULL) {
        text = cloud->audience;
    }
    length = strlen(text);
    if (text[length - 1] == '/') {
        return settings_refuse(section, "audience",
                               "audience: without the slash at the end; the service refuses such tokens");
    }
    return copy(text, &config->audience);
}

static CK_RV read_authority(const struct settings *section, const struct cloud *cloud,
                            struct vault_config *config)
{
    const char *text = settings_text(section, "authority");
    struct place place;

    if (text == NULL) {
        text = (cloud == NULL ? &loopback : cloud)->authority;
    }
    return read_url(section, "authority", text, "https://login.microsoftonline.com", &place,
                    &config->authority);
}

static CK_RV read_identity(const struct settings *section, struct vault_config *config)
{
    const struct cloud *cloud = cloud_of(&config->vault);
    const char *word;
    CK_RV rv = require(section, "identity", "how to sign in: client-secret", &word);

    if (rv == CKR_OK) {
        config->identity = identity_kind_of(word);
        rv = read_client_secret(section, config);
    }
    if (rv == CKR_OK) {
        rv = read_authority(section, cloud, config);
    }
    if (rv == CKR_OK) {
        rv = read_audience(section, cloud, config);
    }
    config->managed_hsm = cloud != NULL && cloud->managed_hsm;
    return rv;
}

static CK_RV read_network(const struct settings *section, struct vault_config *config)
{
    const char *version = settings_text(section, "api-version"), *ca_file = settings_text(section, "ca-file");
    CK_RV rv;

    if (version[0] < '0' || version[0] > '9' ||
        version[strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz.-")] != 0) {
        return settings_refuse(section, "api-version", "api-version = \"%s\" is not understood; 7.6 is usual",
                               version);
    }
    rv = copy(version, &config->api_version);
    if (rv == CKR_OK && ca_file != NULL) {
        rv = copy(ca_file, &config->ca_file);
    }
    config->timeout = settings_milliseconds(section, "timeout");
    config->connect_timeout = settings_milliseconds(section, "connect-timeout");
    config->connection_age = settings_milliseconds(section, "connection-age");
    return rv;
}

CK_RV vault_config_read(const struct settings *section, struct vault_config *ret_config)
{
    const char *title = settings_title(section);
    CK_RV rv;

    memset(ret_config, 0, sizeof *ret_config);
    rv = copy(title == NULL ? "" : title, &ret_config->about);
    if (rv == CKR_OK) {
        rv = read_vault(section, ret_config);
    }
    if (rv == CKR_OK) {
        rv = read_keys(section, ret_config);
    }
    if (rv == CKR_OK) {
        rv = read_identity(section, ret_config);
    }
    return rv == CKR_OK ? read_network(section, ret_config) : rv;
}

void vault_config_done(struct vault_config *config)
{
    free(config->about);
    free(config->url);
    free(config->keys);
    free(config->tenant);
    free(config->client_id);
    free(config->client_secret_file);
    free(config->authority);
    free(config->audience);
    free(config->ca_file);
    free(config->api_version);
    memset(config, 0, sizeof *config);
}
