/* The settings and their table. */
#include "tests/standin/settings.h"
#include "tests/standin/text.h"
#include <string.h>

enum type { TYPE_NUMBER, TYPE_FLAG, TYPE_TEXT };

static const struct option {
    const char *name;
    enum type type;
    size_t offset, size;
} options[] = {
#define OPTION(type, member)                                                                                 \
    {                                                                                                        \
#member, type, offsetof(struct settings, member), sizeof((struct settings *)0)->member               \
    }
    OPTION(TYPE_NUMBER, token_lifetime),
    OPTION(TYPE_NUMBER, page_size),
    OPTION(TYPE_NUMBER, empty_pages),
    OPTION(TYPE_NUMBER, permission_delay_ms),
    OPTION(TYPE_NUMBER, key_delay_ms),
    OPTION(TYPE_NUMBER, assertion_skew),
    OPTION(TYPE_NUMBER, arc_key_size),
    OPTION(TYPE_NUMBER, leeway),
    OPTION(TYPE_NUMBER, clock_ahead),
    OPTION(TYPE_NUMBER, recoverable_days),
    OPTION(TYPE_NUMBER, delete_delay_ms),
    OPTION(TYPE_NUMBER, recover_delay_ms),
    OPTION(TYPE_FLAG, keep_leading_zeros),
    OPTION(TYPE_FLAG, tell_exportable),
    OPTION(TYPE_FLAG, mhsm_rotation),
    OPTION(TYPE_FLAG, disabled_encrypts),
    OPTION(TYPE_FLAG, rbac),
    OPTION(TYPE_NUMBER, quota_per_10s),
    OPTION(TYPE_NUMBER, quota_per_second),
    OPTION(TYPE_FLAG, firewall),
    OPTION(TYPE_FLAG, private_link),
    OPTION(TYPE_FLAG, challenge_uri),
    OPTION(TYPE_FLAG, opens_once),
    OPTION(TYPE_TEXT, recovery_level),
    OPTION(TYPE_TEXT, audience),
    OPTION(TYPE_TEXT, mhsm_audience),
    OPTION(TYPE_TEXT, challenge_by),
    OPTION(TYPE_TEXT, challenge_resource),
    OPTION(TYPE_TEXT, challenge_tenant),
    OPTION(TYPE_TEXT, challenge_authority),
    OPTION(TYPE_TEXT, challenge_header),
    OPTION(TYPE_TEXT, token_tenant),
    OPTION(TYPE_TEXT, quota_retry_after),
    OPTION(TYPE_TEXT, arc_realm),
};

enum { OPTIONS = sizeof options / sizeof *options };

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .token_lifetime = 3599,
        .assertion_skew = 300,
        .challenge_by = "resource",
        .page_size = 25,
        .recoverable_days = 7,
        .tell_exportable = true,
        .mhsm_rotation = true,
        .recovery_level = "CustomizedRecoverable+Purgeable",
        .audience = "https://vault.azure.net",
        .mhsm_audience = "https://managedhsm.azure.net",
    };
}

static bool set(struct settings *settings, const struct option *option, const cJSON *value)
{
    char *at = (char *)settings + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
        *(int *)(void *)at = value->valueint;
        return cJSON_IsNumber(value) && value->valueint >= 0;
    case TYPE_FLAG:
        *(bool *)(void *)at = cJSON_IsTrue(value);
        return cJSON_IsBool(value);
    case TYPE_TEXT:
        break;
    }
    if (!cJSON_IsString(value) || strlen(value->valuestring) >= option->size) {
        return false;
    }
    strcpy(at, value->valuestring);
    return true;
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

bool settings_change(struct settings *settings, const cJSON *changes, const char **ret_wrong)
{
    struct settings changed = *settings;
    const cJSON *change;

    cJSON_ArrayForEach(change, changes)
    {
        const struct option *option = find(change->string);

        if (option == NULL || !set(&changed, option, change)) {
            *ret_wrong = change->string;
            return false;
        }
    }
    *settings = changed;
    return true;
}

cJSON *settings_json(const struct settings *settings)
{
    cJSON *json = need(cJSON_CreateObject());

    for (size_t i = 0; i < OPTIONS; i++) {
        const char *at = (const char *)settings + options[i].offset;

        if (options[i].type == TYPE_NUMBER) {
            cJSON_AddNumberToObject(json, options[i].name, *(const int *)(const void *)at);
        } else if (options[i].type == TYPE_FLAG) {
            cJSON_AddBoolToObject(json, options[i].name, *(const bool *)(const void *)at);
        } else {
            cJSON_AddStringToObject(json, options[i].name, at);
        }
    }
    return json;
}
