/* Rotation: a new version by request, and the policy that would do it by the calendar. */
#include "tests/standin/vault_call.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { SHORTEST_DAYS = 28 };

static const char bad_value[] = "Property  has invalid value\r\n";

/* --- Durations: ISO 8601, PnYnMnD --- */

struct duration {
    int years, months, days;
};

static bool read_duration(const char *words, struct duration *ret_duration)
{
    struct duration read = {0};
    char *end;

    if (words == NULL || *words++ != 'P' || *words == '\0') {
        return false;
    }
    while (isdigit((unsigned char)*words)) {
        long number = strtol(words, &end, 10);
        int *part = *end == 'Y' ? &read.years : *end == 'M' ? &read.months : *end == 'D' ? &read.days : NULL;

        if (part == NULL || number > 36500) {
            return false;
        }
        *part = (int)number;
        words = end + 1;
    }
    *ret_duration = read;
    return *words == '\0';
}

static bool is_long_enough(const char *words)
{
    struct duration duration;

    return read_duration(words, &duration) &&
           duration.years * 365 + duration.months * 30 + duration.days >= SHORTEST_DAYS;
}

static int64_t add_duration(int64_t from, const struct duration *duration)
{
    time_t start = (time_t)from;
    struct tm calendar;

    gmtime_r(&start, &calendar);
    calendar.tm_year += duration->years;
    calendar.tm_mon += duration->months;
    calendar.tm_mday += duration->days;
    return timegm(&calendar);
}

void rotation_dates(const struct key *key, struct key_version *version)
{
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(key->rotation_policy, "attributes");
    struct duration duration;

    if (version->exp == 0 &&
        read_duration(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(attributes, "expiryTime")),
                      &duration)) {
        version->exp = add_duration(version->created, &duration);
    }
}

/* --- A new version --- */

/* False: an answer was given. */
static bool find_to_rotate(struct call *call, struct key **ret_key)
{
    struct key_version *version;

    if (is_mhsm(call) && !call->standin->settings.mhsm_rotation) {
        call_refuse(call, 400, "NotSupported", NULL, text("action 'rotate' not supported"));
        return false;
    }
    if (is_mhsm(call) && key_find(call->keys, call->route.name) == NULL) {
        call_refuse(call, 404, "KeyNotFound", NULL,
                    text("Key not found: Key not found: %s/keys/%s", call->base, call->route.name));
        return false;
    }
    *ret_key = call_find_key(call, &version);
    return *ret_key != NULL && call_may_add(call);
}

static void inherit(struct key_version *version)
{
    const struct key_version *from = version->older;

    version->uses = from->uses;
    version->exportable = from->exportable;
    version->tags = from->tags == NULL ? NULL : need(cJSON_Duplicate(from->tags, true));
    version->release_policy =
        from->release_policy == NULL ? NULL : need(cJSON_Duplicate(from->release_policy, true));
}

void vault_rotate(struct call *call)
{
    struct snapshot shot OWNED(snapshot_done) = {.pair = NULL};

    {
        struct key *key;

        LOCKED(call->standin);
        if (!find_to_rotate(call, &key)) {
            return;
        }
        key_add_version(call->keys, key->name, &key->newest->kind);
        inherit(key->newest);
        rotation_dates(key, key->newest);
        shot = snapshot_of(call, key, key->newest);
    }
    answer_bundle(call, &shot);
}

/* --- The policy --- */

static cJSON *action(const char *when, const char *how_long, const char *what)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddStringToObject(need(cJSON_AddObjectToObject(json, "trigger")), when, how_long);
    cJSON_AddStringToObject(need(cJSON_AddObjectToObject(json, "action")), "type", what);
    return json;
}

/* What is said where nobody has set one. */
static cJSON *default_policy(void)
{
    cJSON *json = need(cJSON_CreateObject());

    cJSON_AddItemToArray(need(cJSON_AddArrayToObject(json, "lifetimeActions")),
                         action("timeBeforeExpiry", "P30D", "Notify"));
    cJSON_AddNullToObject(json, "attributes");
    return json;
}

static cJSON *policy_with_id(const struct call *call, const struct key *key)
{
    cJSON *json = need(cJSON_CreateObject()), *item;
    char *id OWNED(owned_free) = text("%s%skeys/%s/rotationpolicy", is_mhsm(call) ? "" : call->base,
                                      is_mhsm(call) ? "" : "/", key->name);

    cJSON_AddStringToObject(json, "id", id);
    cJSON_ArrayForEach(item, key->rotation_policy)
    {
        cJSON_AddItemToObject(json, item->string, need(cJSON_Duplicate(item, true)));
    }
    return json;
}

void vault_get_policy(struct call *call)
{
    struct key_version *version;
    const struct key *key;

    LOCKED(call->standin);
    key = call_find_key(call, &version);
    if (key == NULL) {
        return;
    }
    if (key->rotation_policy != NULL) {
        answer_json(call->answer, 200, policy_with_id(call, key));
    } else if (is_mhsm(call)) {
        call_not_found(call, "rotationpolicy");
    } else {
        answer_json(call->answer, 200, default_policy());
    }
}

/*
 * What one action of a request says; NULL: it is none.
 * Rotation goes by either time, a notice by the second.
 */
static cJSON *read_action(const struct call *call, const cJSON *asked, bool expires)
{
    const cJSON *trigger = cJSON_GetObjectItemCaseSensitive(asked, "trigger");
    const char *after = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(trigger, "timeAfterCreate"));
    const char *before = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(trigger, "timeBeforeExpiry"));
    const char *type = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(asked, "action"), "type"));
    bool rotates = type != NULL && strcasecmp(type, "Rotate") == 0;
    struct duration duration;

    if (type == NULL || (!rotates && strcasecmp(type, "Notify") != 0) ||
        (after == NULL) == (before == NULL)) {
        return NULL;
    }
    if (after != NULL) {
        return rotates && is_long_enough(after)
                   ? action("timeAfterCreate", after, is_mhsm(call) ? type : "Rotate")
                   : NULL;
    }
    if (!read_duration(before, &duration) || (rotates && !expires)) {
        return NULL;
    }
    return action("timeBeforeExpiry", before, is_mhsm(call) ? type : rotates ? "Rotate" : "Notify");
}

static bool is_notice(const cJSON *action)
{
    const cJSON *what = cJSON_GetObjectItemCaseSensitive(action, "action");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(what, "type"));

    return type != NULL && strcasecmp(type, "Notify") == 0;
}

/* False: a 400 was given. */
static bool read_actions(struct call *call, bool expires, cJSON *actions)
{
    const cJSON *asked;
    bool notice = false;

    cJSON_ArrayForEach(asked, cJSON_GetObjectItemCaseSensitive(call->body, "lifetimeActions"))
    {
        cJSON *read = read_action(call, asked, expires);

        if (read == NULL) {
            call_bad_parameter(call, bad_value);
            return false;
        }
        notice = notice || is_notice(read);
        cJSON_AddItemToArray(actions, read);
    }
    if (is_mhsm(call) && notice) {
        call_refuse(call, 400, "NotSupported", NULL, text("action 'rotationpolicy' not supported"));
        return false;
    }
    if (!is_mhsm(call) && !notice) {
        cJSON_AddItemToArray(actions, action("timeBeforeExpiry", "P30D", "Notify"));
    }
    return true;
}

/* NULL: a 400 was given. */
static cJSON *read_policy(struct call *call, const struct key *key)
{
    cJSON *json OWNED(owned_json) = need(cJSON_CreateObject()), *attributes, *whole;
    const cJSON *asked = cJSON_GetObjectItemCaseSensitive(call->body, "attributes");
    const char *expiry = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(asked, "expiryTime"));
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(key->rotation_policy, "attributes");
    const cJSON *created = cJSON_GetObjectItemCaseSensitive(before, "created");
    double now = (double)time(NULL);

    if (!cJSON_IsObject(call->body) || (expiry != NULL && !is_long_enough(expiry))) {
        call_bad_parameter(call, bad_value);
        return NULL;
    }
    if (!read_actions(call, expiry != NULL, need(cJSON_AddArrayToObject(json, "lifetimeActions")))) {
        return NULL;
    }
    attributes = need(cJSON_AddObjectToObject(json, "attributes"));
    cJSON_AddItemToObject(attributes, "expiryTime",
                          expiry == NULL ? cJSON_CreateNull() : cJSON_CreateString(expiry));
    cJSON_AddNumberToObject(attributes, "created", created == NULL ? now : created->valuedouble);
    cJSON_AddNumberToObject(attributes, "updated", now);
    whole = json;
    json = NULL;
    return whole;
}

void vault_set_policy(struct call *call)
{
    struct key_version *version;
    struct key *key;
    cJSON *policy;

    LOCKED(call->standin);
    if (is_mhsm(call) && !call->standin->settings.mhsm_rotation) {
        call_refuse(call, 400, "NotSupported", NULL, text("action 'rotationpolicy' not supported"));
        return;
    }
    key = call_find_key(call, &version);
    policy = key == NULL ? NULL : read_policy(call, key);
    if (policy == NULL) {
        return;
    }
    cJSON_Delete(key->rotation_policy);
    key->rotation_policy = policy;
    answer_json(call->answer, 200, policy_with_id(call, key));
}
