/* What a key is, and how long it and its older versions will do. */
#include "backends/keyvault/vault_diagnose_private.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DAY = 24 * 60 * 60,
    SOON = 30 * DAY, /* seconds before a key's end that its owner is told */
    TEXT_SIZE = EXAMINED_KEY_SIZE + 200
};

static struct diagnosis *diagnosis_of(const struct examined_key *examined)
{
    return examined->examination->diagnosis;
}

static const char *protection(enum told in_hardware)
{
    return in_hardware == TOLD_YES ? ", in an HSM" : in_hardware == TOLD_NO ? ", protected by software" : "";
}

static void tell_type(const struct examined_key *examined)
{
    const struct key_info *info = &examined->info;
    struct diagnosis *diagnosis = diagnosis_of(examined);

    switch (info->type) {
    case KEY_TYPE_RSA:
        diagnosis_ok(diagnosis, "key-type", "%s is RSA of %u bits%s", examined->text,
                     rsa_public_bits(info->rsa), protection(info->in_hardware));
        break;
    case KEY_TYPE_OCT:
        diagnosis_ok(diagnosis, "key-type", "%s is a symmetric key%s", examined->text,
                     protection(info->in_hardware));
        break;
    case KEY_TYPE_EC:
        diagnosis_warn(diagnosis, "key-type", "name an RSA key where keys are to be wrapped",
                       "%s is an EC key%s: it signs, and wraps nothing", examined->text,
                       protection(info->in_hardware));
        break;
    default:
        diagnosis_ok(diagnosis, "key-type", "the type and size of %s are not told without get%s",
                     examined->text, protection(info->in_hardware));
    }
}

static void tell_operations(const struct examined_key *examined)
{
    unsigned both = KEY_USE_WRAP | KEY_USE_UNWRAP, uses = examined->info.uses;
    char text[TEXT_SIZE];

    if (!examined->info.uses_known || examined->info.type == KEY_TYPE_EC) {
        return;
    }
    if ((uses & both) == both) {
        diagnosis_ok(diagnosis_of(examined), "key-operations",
                     "the operations of %s (key_ops) have wrapKey and unwrapKey", examined->text);
    } else if ((uses & both) != 0) {
        snprintf(text, sizeof text, "the operations of %s (key_ops) lack %s", examined->text,
                 (uses & KEY_USE_WRAP) == 0 ? "wrapKey" : "unwrapKey");
        vault_diagnose_tell_fault(examined, "key-operations", "have the key's owner add it", text);
    } else {
        diagnosis_warn(diagnosis_of(examined), "key-operations",
                       "have the key's owner add wrapKey and unwrapKey where it is to wrap keys",
                       "the operations of %s (key_ops) have neither wrapKey nor unwrapKey", examined->text);
    }
}

/* True: it can be used at all. */
static bool examine_enabled(const struct examined_key *examined)
{
    char text[TEXT_SIZE];

    if (!examined->told) {
        return true;
    }
    if (!examined->info.enabled) {
        snprintf(text, sizeof text, "%s is disabled: nothing is wrapped or unwrapped under it",
                 examined->text);
        vault_diagnose_tell_fault(examined, "key-enabled", "its owner can enable it", text);
        return false;
    }
    diagnosis_ok(diagnosis_of(examined), "key-enabled", "%s is enabled", examined->text);
    return true;
}

static void tell_end(struct examined_key *examined, int64_t now)
{
    int64_t ends = examined->info.expires;
    char date[EXAMINED_DATE_SIZE], span[EXAMINED_DATE_SIZE], text[TEXT_SIZE];

    vault_diagnose_date(ends, date);
    vault_diagnose_span(ends > now ? ends - now : 0, span);
    if (ends <= now) {
        examined->wraps = false;
        snprintf(text, sizeof text,
                 "%s has expired, %s: nothing is wrapped under it any more; what was wrapped still opens",
                 examined->text, date);
        vault_diagnose_tell_fault(examined, "key-dates", "rotate the key, or give it a later end", text);
    } else if (ends - now < SOON) {
        diagnosis_warn(diagnosis_of(examined), "key-dates", "rotate the key in time, or give it a later end",
                       "%s expires in %s, %s; from then on nothing is wrapped under it", examined->text, span,
                       date);
    } else {
        diagnosis_ok(diagnosis_of(examined), "key-dates", "%s expires on %s", examined->text, date);
    }
}

static void examine_dates(struct examined_key *examined)
{
    int64_t now = (int64_t)time(NULL), begins = examined->info.not_before;
    char date[EXAMINED_DATE_SIZE], text[TEXT_SIZE];

    examined->wraps = true;
    if (!examined->told) {
        return;
    }
    if (begins > now) {
        examined->wraps = false;
        vault_diagnose_date(begins, date);
        snprintf(text, sizeof text, "%s is not valid before %s: until then nothing is wrapped under it",
                 examined->text, date);
        vault_diagnose_tell_fault(examined, "key-dates", "wait, or give the key an earlier beginning", text);
    } else if (examined->info.expires == 0) {
        diagnosis_ok(diagnosis_of(examined), "key-dates", "%s does not expire", examined->text);
    } else {
        tell_end(examined, now);
    }
}

static void tell_recovery(const struct examined_key *examined)
{
    const struct key_info *info = &examined->info;
    struct diagnosis *diagnosis = diagnosis_of(examined);

    if (info->recoverable == TOLD_NO) {
        diagnosis_warn(diagnosis, "soft-delete", "switch on soft delete and purge protection in the vault",
                       "soft delete is off: once %s is deleted, all that was wrapped under it is lost",
                       examined->text);
    } else if (info->recoverable == TOLD_YES) {
        diagnosis_ok(diagnosis, "soft-delete", "soft delete is on: %s can be recovered once it was deleted",
                     examined->text);
    }
    if (info->purge_protected == TOLD_NO) {
        diagnosis_warn(diagnosis, "purge-protection",
                       "switch on purge protection in the vault; it cannot be switched off again",
                       "purge protection is off: who may purge can end a deleted %s at once and for ever",
                       examined->text);
    } else if (info->purge_protected == TOLD_YES) {
        diagnosis_ok(diagnosis, "purge-protection", "purge protection is on for %s", examined->text);
    } else {
        diagnosis_warn(diagnosis, "purge-protection", "grant get or list, or ask the vault's owner",
                       "whether %s is under soft delete and purge protection is not told", examined->text);
    }
}

/* --- Versions --- */

struct versions {
    const struct vault_config *config;
    struct key_info latest; /* by creation, whatever its state */
    unsigned count, enabled;
    unsigned older_enabled; /* of those that the configuration names */
};

static bool is_configured(const struct vault_config *config, const char *name, const char *version)
{
    for (size_t i = 0; i < config->older_count; i++) {
        if (key_name_equal(config->older[i].name, name) && strcmp(config->older[i].version, version) == 0) {
            return true;
        }
    }
    return false;
}

static unsigned count_configured(const struct vault_config *config, const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < config->older_count; i++) {
        count += key_name_equal(config->older[i].name, name) ? 1 : 0;
    }
    return count;
}

static bool note_version(void *arg, struct key_info *info)
{
    struct versions *versions = arg;

    if (info->enabled && is_configured(versions->config, info->name, info->version)) {
        versions->older_enabled++;
    }
    versions->count++;
    versions->enabled += info->enabled ? 1 : 0;
    if (versions->count == 1 || info->created > versions->latest.created) {
        versions->latest = *info;
    }
    return true;
}

static void tell_versions(const struct examined_key *examined, const struct versions *versions)
{
    unsigned older = versions->count - 1, enabled = versions->enabled - (versions->latest.enabled ? 1 : 0);
    const char *pinned = examined->key.version;

    if (pinned != NULL && strcmp(pinned, versions->latest.version) != 0) {
        diagnosis_warn(diagnosis_of(examined), "key-versions",
                       "leave the version out, or set versions = latest, where the key is to roll by itself",
                       "%s is pinned, and is not the latest version, which is %s", examined->text,
                       versions->latest.version);
    } else if (older == 0) {
        diagnosis_ok(diagnosis_of(examined), "key-versions", "%s has one version, %s", examined->text,
                     versions->latest.version);
    } else {
        diagnosis_ok(
            diagnosis_of(examined), "key-versions",
            "the latest version of %s is %s; of %u older ones %u are still enabled, and what was wrapped "
            "under those opens",
            examined->key.name, versions->latest.version, older, enabled);
    }
}

static void tell_older(const struct examined_key *examined, const struct versions *versions)
{
    unsigned configured = count_configured(versions->config, examined->key.name);

    if (versions->older_enabled < configured) {
        diagnosis_warn(
            diagnosis_of(examined), "key-versions",
            "have them enabled, or recovered, where something is still wrapped under them; `byok-pkcs11 "
            "keys` lists all",
            "not there, or not enabled: %u of %u older versions of %s that the configuration names; what was "
            "wrapped under them does not open",
            configured - versions->older_enabled, configured, examined->key.name);
    }
}

static void examine_versions(const struct examined_key *examined)
{
    const struct examination *examination = examined->examination;
    struct versions versions = {.config = &examination->vault->config};
    struct service_answer answer;

    if (!examined->listed) {
        return;
    }
    if (vault_client_each_version(&examination->vault->client, examined->key.name,
                                  vault_diagnose_time(examination), note_version, &versions,
                                  &answer) != CKR_OK) {
        vault_diagnose_tell(examination, FINDING_WARN, "key-versions");
    } else if (versions.count != 0) {
        tell_versions(examined, &versions);
        tell_older(examined, &versions);
    }
}

bool vault_diagnose_properties(struct examined_key *examined)
{
    tell_type(examined);
    tell_operations(examined);
    tell_recovery(examined);
    examine_versions(examined);
    examine_dates(examined);
    return examine_enabled(examined);
}
