/* Keys and versions as people write and paste them. */
#include "backends/keyvault/vault_config_private.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One entry of a list while it is read. */
struct entry {
    const struct settings *section;
    const char *option; /* "keys", "older" */
    const struct vault_config *config;
    char text[KEY_TEXT_SIZE];
};

static CK_RV refuse(const struct entry *entry, const char *why)
{
    return settings_refuse(entry->section, entry->option, "\"%s\": %s", entry->text, why);
}

/* --- What is pasted --- */

enum { VERSION_LENGTH = 32 };

static bool is_version_in_any_case(const char *text)
{
    return strspn(text, "0123456789abcdefABCDEF") == VERSION_LENGTH && text[VERSION_LENGTH] == 0;
}

static void lower(char *text)
{
    for (; *text != 0; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static void trim(char *text)
{
    static const char blanks[] = " \t\r\n";
    size_t size, before = strspn(text, blanks);

    memmove(text, text + before, strlen(text + before) + 1);
    for (size = strlen(text); size > 0 && strchr(blanks, text[size - 1]) != NULL; size--) {
        text[size - 1] = 0;
    }
}

/*
 * Blanks round it, a slash behind a version, and its digits in capital letters are no mistakes. A slash behind
 * a name is one: a version may have been meant there, of a variable that is empty, say.
 */
static void tidy(char *text)
{
    char *last, *end;

    trim(text);
    end = text + strlen(text);
    if (end - text > VERSION_LENGTH + 1 && end[-1] == '/' && end[-VERSION_LENGTH - 2] == '/') {
        end[-1] = 0;
        if (!is_version_in_any_case(end - VERSION_LENGTH - 1)) {
            end[-1] = '/';
        }
    }
    last = strrchr(text, '/');
    if (last != NULL && is_version_in_any_case(last + 1)) {
        lower(last + 1);
    }
}

static CK_RV take(struct entry *entry, const char *text)
{
    if (strlen(text) >= sizeof entry->text) {
        return settings_refuse(entry->section, entry->option,
                               "%s: an entry is longer than any key identifier", entry->option);
    }
    strcpy(entry->text, text);
    tidy(entry->text);
    return CKR_OK;
}

/* --- Identifiers --- */

#define VERSION_RULE                                                                                         \
    "a key version is 32 lower-case hexadecimal digits; without one (and without the slash) the latest is "  \
    "used"
#define IDENTIFIER "https://HOST/keys/NAME[/VERSION]"

/* What else lies in a vault, and is pasted in a key's place. */
static const struct {
    const char *collection, *why;
} others[] = {
    {CERTIFICATES, "this is a certificate; its key has the same name and version, under /keys/ instead of "
                   "/certificates/"},
    {"/secrets/", "this is a secret, not a key; the key of a certificate is under /keys/"},
    {"/deletedkeys/", "this key is deleted: have it recovered, and write /keys/ instead of /deletedkeys/"},
};

static CK_RV refuse_path(const struct entry *entry, const char *path)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strncasecmp(path, others[i].collection, strlen(others[i].collection)) == 0) {
            return refuse(entry, others[i].why);
        }
    }
    if (strpbrk(path, "?#") != NULL) {
        return refuse(entry, "an identifier ends before the '?' or '#'");
    }
    if (strncasecmp(path, KEYS, sizeof KEYS - 1) == 0 && strchr(path + sizeof KEYS - 1, '/') != NULL) {
        return refuse(entry, VERSION_RULE ", and nothing follows it");
    }
    return refuse(entry, "this is no key identifier; one looks like " IDENTIFIER);
}

static bool is_private_link(const char *host)
{
    return strstr(host, ".privatelink.") != NULL;
}

static CK_RV read_identifier(const struct entry *entry, struct key_id *ret_id)
{
    struct place place;
    const char *path;

    if (strncasecmp(entry->text, "http://", 7) == 0) {
        return refuse(entry, "an identifier begins with https://");
    }
    if (!place_parse(entry->text, &place, &path)) {
        return refuse(entry, "this is no key identifier; one looks like " IDENTIFIER);
    }
    if (!place_equal(&place, &entry->config->vault)) {
        return is_private_link(place.host)
                   ? refuse(entry, "a vault is called by its public name, over a private endpoint, too")
                   : settings_refuse(
                         entry->section, entry->option,
                         "\"%s\" is a key of another vault than %s: it needs a token section of its own",
                         entry->text, entry->config->url);
    }
    return key_id_parse(entry->text, ret_id) ? CKR_OK : refuse_path(entry, path);
}

/* --- Short ones --- */

static CK_RV refuse_name(const struct entry *entry)
{
    if (strncasecmp(entry->text, "/subscriptions/", 15) == 0) {
        return refuse(entry, "this is a resource ID, which is for managing the vault; write the key's name, "
                             "NAME/VERSION, or its identifier, " IDENTIFIER);
    }
    if (strchr(entry->text, '.') != NULL && strcasestr(entry->text, KEYS) != NULL) {
        return refuse(entry, "an identifier begins with https://");
    }
    return refuse(entry, "the name of a key is 1 to 127 letters, digits and hyphens");
}

static CK_RV refuse_version(const struct entry *entry, const char *version)
{
    const char *slash = strchr(version, '/');

    if (slash != NULL && strncasecmp(entry->text, "keys/", 5) == 0) {
        return refuse(entry, "without the whole address `keys/` is left out: NAME/VERSION");
    }
    return refuse(entry, VERSION_RULE);
}

static CK_RV read_short(const struct entry *entry, struct key_id *ret_id)
{
    const char *slash = strchr(entry->text, '/');
    size_t length = slash == NULL ? strlen(entry->text) : (size_t)(slash - entry->text);
    struct key_id id = {.name = "", .version = ""};

    if (length < sizeof id.name) {
        memcpy(id.name, entry->text, length);
    }
    if (!key_name_valid(id.name)) {
        return refuse_name(entry);
    }
    if (slash != NULL) {
        if (!key_version_valid(slash + 1)) {
            return refuse_version(entry, slash + 1);
        }
        strcpy(id.version, slash + 1);
    }
    *ret_id = id;
    return CKR_OK;
}

/* Each by its name, NAME/VERSION, or a full identifier. */
static CK_RV read_entry(const struct entry *entry, struct key_id *ret_id)
{
    return strstr(entry->text, "://") == NULL ? read_short(entry, ret_id) : read_identifier(entry, ret_id);
}

/* --- keys --- */

static bool is_among(const struct key_id *ids, size_t count, const struct key_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (key_name_equal(ids[i].name, id->name) && strcmp(ids[i].version, id->version) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct key_id *ids, size_t *count, const struct key_id *id)
{
    ids[(*count)++] = *id;
}

/* `versions = latest`: the key rolls; the version that was written may have wrapped what is in use. */
static void add_rolling(struct vault_config *config, struct key_id *id)
{
    if (id->version[0] != 0 && !is_among(config->older, config->older_count, id)) {
        add(config->older, &config->older_count, id);
    }
    id->version[0] = 0;
    if (!is_among(config->keys, config->key_count, id)) {
        add(config->keys, &config->key_count, id);
    }
}

static CK_RV read_keys(const struct settings *section, bool latest, struct vault_config *config)
{
    struct entry entry = {.section = section, .option = "keys", .config = config};

    for (size_t i = 0; i < settings_list_count(section, "keys"); i++) {
        struct key_id id;
        CK_RV rv = take(&entry, settings_list_item(section, "keys", i));

        if (rv == CKR_OK) {
            rv = read_entry(&entry, &id);
        }
        if (rv != CKR_OK) {
            return rv;
        }
        if (latest) {
            add_rolling(config, &id);
        } else if (is_among(config->keys, config->key_count, &id)) {
            return settings_refuse(section, "keys", "\"%s\" is listed twice", entry.text);
        } else {
            add(config->keys, &config->key_count, &id);
        }
    }
    return CKR_OK;
}

/* --- older --- */

/* The one key that is configured, in whatever versions; NULL: there is none, or more than one. */
static const char *only_name(const struct vault_config *config)
{
    for (size_t i = 1; i < config->key_count; i++) {
        if (!key_name_equal(config->keys[i].name, config->keys[0].name)) {
            return NULL;
        }
    }
    return config->key_count == 0 ? NULL : config->keys[0].name;
}

static CK_RV read_bare_version(const struct entry *entry, struct key_id *ret_id)
{
    const char *name = only_name(entry->config);

    if (name == NULL) {
        return refuse(entry, "this is a version; of which key? Write NAME/VERSION, for `keys` does not name "
                             "exactly one key");
    }
    *ret_id = (struct key_id){.version = ""};
    strcpy(ret_id->name, name);
    strcpy(ret_id->version, entry->text);
    lower(ret_id->version);
    return CKR_OK;
}

static CK_RV read_older_entry(const struct entry *entry, struct key_id *ret_id)
{
    CK_RV rv;

    if (is_version_in_any_case(entry->text)) {
        return read_bare_version(entry, ret_id);
    }
    rv = read_entry(entry, ret_id);
    if (rv == CKR_OK && ret_id->version[0] == 0) {
        return refuse(entry, "this names no version; write NAME/VERSION, or the identifier with its version");
    }
    return rv;
}

/* What `keys` brought stands there already, and may be named again. */
static CK_RV read_older(const struct settings *section, struct vault_config *config)
{
    struct entry entry = {.section = section, .option = "older", .config = config};
    size_t brought = config->older_count;

    for (size_t i = 0; i < settings_list_count(section, "older"); i++) {
        struct key_id id;
        CK_RV rv = take(&entry, settings_list_item(section, "older", i));

        if (rv == CKR_OK) {
            rv = read_older_entry(&entry, &id);
        }
        if (rv != CKR_OK) {
            return rv;
        }
        if (is_among(config->older + brought, config->older_count - brought, &id)) {
            return settings_refuse(section, "older", "\"%s\" is listed twice", entry.text);
        }
        if (!is_among(config->older, brought, &id)) {
            add(config->older, &config->older_count, &id);
        }
    }
    return CKR_OK;
}

CK_RV vault_config_read_keys(const struct settings *section, struct vault_config *config)
{
    size_t keys = settings_list_count(section, "keys"), older = settings_list_count(section, "older");
    CK_RV rv;

    config->keys = calloc(keys + 1, sizeof *config->keys);
    config->older = calloc(keys + older + 1, sizeof *config->older);
    if (config->keys == NULL || config->older == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = read_keys(section, strcmp(settings_text(section, "versions"), "latest") == 0, config);
    return rv == CKR_OK ? read_older(section, config) : rv;
}
