/* The options of identities, held against the table of kinds. */
#include "backends/keyvault/identity/identity_config.h"
#include "backends/base/hsm_uri.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/option_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_LIMIT = 400, WORDS_LIMIT = 256 };

static const char authority_example[] = "https://login.microsoftonline.com";

/* What is not a text of its own form is a path. */
enum form { FORM_PATH, FORM_PLAIN, FORM_URI, FORM_URL, FORM_AUDIENCE, FORM_YES_NO };

/* In the order in which what is missing is told. */
static const struct option {
    const char *name;
    unsigned use; /* of enum identity_use */
    enum form form;
    size_t field; /* of struct identity_config */
    const char *variable;
    const char *what;
} options[] = {
#define FIELD(name) offsetof(struct identity_config, name)
    {"tenant", USES_TENANT, FORM_PLAIN, FIELD(tenant), "AZURE_TENANT_ID", "the tenant's ID or domain name"},
    {"client-id", USES_CLIENT_ID, FORM_PLAIN, FIELD(client_id), "AZURE_CLIENT_ID",
     "the application's (client) ID"},
    {"client-secret-file", USES_CLIENT_SECRET_FILE, FORM_PATH, FIELD(client_secret_file), NULL,
     "the file that holds the application's secret"},
    {"client-certificate-file", USES_CLIENT_CERTIFICATE_FILE, FORM_PATH, FIELD(client_certificate_file), NULL,
     "the file that holds the application's certificate and its key, PEM or PKCS#12"},
    {"client-certificate-key", USES_CLIENT_CERTIFICATE_KEY, FORM_URI, FIELD(client_certificate_key), NULL,
     "the PKCS#11 URI of the certificate's key in an HSM"},
    {"federated-token-file", USES_FEDERATED_TOKEN_FILE, FORM_PATH, FIELD(federated_token_file),
     "AZURE_FEDERATED_TOKEN_FILE", "the file that holds the token of another identity provider"},
    {"token-file", USES_TOKEN_FILE, FORM_PATH, FIELD(token_file), NULL,
     "the file that holds the access token"},
    {"authority", USES_AUTHORITY, FORM_URL, FIELD(authority), "AZURE_AUTHORITY_HOST",
     "who signs in, like https://login.microsoftonline.com"},
    {"audience", USES_AUDIENCE, FORM_AUDIENCE, FIELD(audience), NULL,
     "for whom a token is, like https://vault.azure.net"},
    {"verify-challenge", USES_VERIFY_CHALLENGE, FORM_YES_NO, FIELD(verify_challenge), NULL, ""},
};
enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static char **field_of(struct identity_config *config, const struct option *option)
{
    return (char **)(void *)((char *)config + option->field);
}

static unsigned uses_of(const struct identity_row *row)
{
    return row->needs | row->may |
           (row->kind->asks_tenant ? USES_TENANT | USES_AUTHORITY | USES_VERIFY_CHALLENGE : 0);
}

/* --- What is written --- */

/* Names the identities for which it is. */
static CK_RV refuse_unused(const struct settings *section, const struct option *option,
                           const struct identity_row *row)
{
    struct buffer words SCOPED(buffer_free) = BUFFER_INIT(WORDS_LIMIT);
    CK_RV rv = CKR_OK;

    for (const struct identity_row *other = identity_rows; other->word != NULL && rv == CKR_OK; other++) {
        if ((uses_of(other) & option->use) != 0) {
            rv = buffer_printf(&words, "%s%s", words.size == 0 ? "" : ", ", other->word);
        }
    }
    return settings_refuse(section, option->name, "%s is not used by identity = %s; it belongs to %s",
                           option->name, row->word, buffer_text(&words));
}

/* Of a resource group and an identity there: what may stand in their names, and the slashes between. */
static bool is_resource_id(const char *text)
{
    return strncmp(text, "/subscriptions/", 15) == 0 &&
           text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/._()-")] == 0;
}

static CK_RV read_audience(const struct settings *section, const char *text, char **ret_text)
{
    if (text[strlen(text) - 1] == '/') {
        return settings_refuse(section, "audience",
                               "audience: without the slash at the end; the service refuses such tokens");
    }
    return option_copy(text, ret_text);
}

static CK_RV read_key_uri(const struct settings *section, const struct option *option, const char *text,
                          char **ret_text)
{
    struct hsm_uri uri;
    CK_RV rv = hsm_uri_read(section, option->name, HSM_URI_OBJECT, &uri);

    if (rv != CKR_OK) {
        return rv;
    }
    hsm_uri_done(&uri);
    return option_copy(text, ret_text);
}

static CK_RV read_written(const struct settings *section, const struct option *option,
                          const struct identity_row *row, struct identity_config *config)
{
    const char *text = option->form == FORM_YES_NO ? NULL : settings_text(section, option->name);
    char **field = field_of(config, option);
    struct place place;

    switch (option->form) {
    case FORM_PLAIN:
        if (!option_is_plain(text) && ((row->may & RESOURCE_IDS) == 0 || !is_resource_id(text))) {
            return settings_refuse(section, option->name, "%s = \"%s\" is not understood: %s", option->name,
                                   text, option->what);
        }
        return option_copy(text, field);
    case FORM_URL:
        return option_read_url(section, option->name, text, authority_example, &place, field);
    case FORM_URI:
        return read_key_uri(section, option, text, field);
    case FORM_AUDIENCE:
        return read_audience(section, text, field);
    case FORM_YES_NO:
        return CKR_OK; /* read with its preset */
    case FORM_PATH:
        break;
    }
    return option_copy(text, field);
}

static CK_RV read_option(const struct settings *section, const struct option *option,
                         const struct identity_row *row, struct identity_config *config)
{
    if (!settings_written(section, option->name)) {
        return (row->needs & option->use) == 0
                   ? CKR_OK
                   : settings_refuse(section, option->name, "%s is missing: %s", option->name, option->what);
    }
    return (uses_of(row) & option->use) == 0 ? refuse_unused(section, option, row)
                                             : read_written(section, option, row, config);
}

/* --- What the environment completes --- */

/* An authority may lack its https:// there. */
static CK_RV complete_url(const char *text, char **ret_url)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(HOST_NAME_SIZE + 64);
    struct place place;
    CK_RV rv = buffer_printf(&url, "%s%s", strstr(text, "://") == NULL ? "https://" : "", text);

    return rv == CKR_OK ? option_parse_url(buffer_text(&url), &place, ret_url) : rv;
}

static CK_RV complete(const struct option *option, struct identity_config *config)
{
    const char *text = settings_environment(option->variable);
    char **field = field_of(config, option);

    if (*field != NULL || text == NULL || *text == 0) {
        return CKR_OK;
    }
    if (option->form == FORM_URL) {
        return complete_url(text, field);
    }
    return option->form == FORM_PLAIN && !option_is_plain(text) ? CKR_DATA_INVALID : option_copy(text, field);
}

/* The first one is kept. */
static CK_RV __attribute__((format(printf, 2, 3)))
note_problem(struct identity_config *config, const char *format, ...)
{
    char text[PROBLEM_LIMIT];
    va_list arguments;

    if (config->problem != NULL) {
        return CKR_OK;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return option_copy(text, &config->problem);
}

static CK_RV complete_all(const struct identity_row *row, struct identity_config *config)
{
    CK_RV rv = CKR_OK;

    for (size_t i = 0; i < OPTION_COUNT && rv == CKR_OK; i++) {
        if ((row->completed & options[i].use) == 0) {
            continue;
        }
        rv = complete(&options[i], config);
        if (rv == CKR_DATA_INVALID || rv == CKR_DATA_LEN_RANGE) {
            rv =
                note_problem(config, "$%s is not understood: it is %s", options[i].variable, options[i].what);
        } else if (rv == CKR_OK && *field_of(config, &options[i]) == NULL &&
                   (options[i].use & (USES_AUTHORITY | USES_TENANT)) == 0) { /* the vault tells its tenant */
            rv = note_problem(config, "neither %s nor $%s is set", options[i].name, options[i].variable);
        }
    }
    return rv;
}

/* --- What follows from the cloud --- */

static CK_RV read_defaults(const struct settings *section, const struct cloud *cloud,
                           const struct identity_row *row, struct identity_config *config)
{
    CK_RV rv = CKR_OK;

    if (cloud == NULL && config->audience == NULL && (uses_of(row) & USES_AUDIENCE) != 0) {
        return settings_refuse(
            section, "vault",
            "the host is in none of the known clouds: `audience` must say for whom a token is, "
            "like https://vault.azure.net");
    }
    if (cloud == NULL) {
        cloud = cloud_public();
    }
    if (config->authority == NULL) {
        rv = option_copy(cloud->authority, &config->authority);
    }
    return rv == CKR_OK && config->audience == NULL ? option_copy(cloud->audience, &config->audience) : rv;
}

static CK_RV read_word(const struct settings *section, const struct identity_row **ret_row)
{
    const struct identity_row *row = identity_rows;
    const char *word;
    CK_RV rv = option_require(section, "identity", "how to sign in, like client-secret", &word);

    if (rv != CKR_OK) {
        return rv;
    }
    while (strcmp(row->word, word) != 0) {
        row++;
    }
    if ((row->may & NOT_SET_ID) != 0 && process_is_secure()) {
        return settings_refuse(section, "identity", "identity = %s is refused in a set-id process", word);
    }
    *ret_row = row;
    return CKR_OK;
}

CK_RV identity_config_read(const struct settings *section, const struct cloud *cloud,
                           struct identity_config *ret_config)
{
    const struct identity_row *row = NULL;
    CK_RV rv;

    memset(ret_config, 0, sizeof *ret_config);
    rv = read_word(section, &row);
    for (size_t i = 0; i < OPTION_COUNT && rv == CKR_OK; i++) {
        rv = read_option(section, &options[i], row, ret_config);
    }
    if (rv == CKR_OK) {
        rv = complete_all(row, ret_config);
    }
    if (rv == CKR_OK) {
        rv = read_defaults(section, cloud, row, ret_config);
    }
    if (rv == CKR_OK) {
        ret_config->kind = ret_config->problem == NULL ? row->kind : &absent_kind;
        ret_config->verify_challenge = settings_yes(section, "verify-challenge");
    }
    return rv;
}

void identity_config_done(struct identity_config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].form != FORM_YES_NO) {
            free(*field_of(config, &options[i]));
        }
    }
    free(config->problem);
    memset(config, 0, sizeof *config);
}

CK_RV identity_config_open(const struct identity_config *config, const char *about, struct http_client *http,
                           struct identity **ret_identity)
{
    struct identity_options who = {
        .about = about,
        .http = http,
        .problem = config->problem,
        .client_id = config->client_id,
        .client_secret_file = config->client_secret_file,
        .client_certificate_file = config->client_certificate_file,
        .client_certificate_key = config->client_certificate_key,
        .federated_token_file = config->federated_token_file,
        .token_file = config->token_file,
    };

    return config->kind->open(&who, ret_identity);
}
