/* What the configuration says of a soft token, and its parts made as it says. */
#include "pkcs11/soft/soft.h"
#include "pkcs11/soft/token.h"
#include <string.h>

enum { LARGEST_RSA_BITS = 4096 };

static const char *const wrap_words[] = {"auto", "local", "service", NULL};

static const char *const random_words[] = {"local", "service", NULL};

static const char *const certificate_words[] = {"none", "vault", NULL};

static const char *const outage_words[] = {"close", "keep", NULL};

static const char *const policy_words[] = {"compatible", "strict", NULL};

enum { MOST_OLDER = 256 };

enum { LEAST_CHECK = 100, SECOND = 1000, DAY = 24 * 60 * 60 * SECOND };

const struct setting_option soft_token_options[] = {
    {"wrap", SETTING_WORD, "auto", wrap_words, 0, 0},
    {"refresh", SETTING_DURATION, "5m", NULL, SECOND, DAY},
    {"older-versions", SETTING_NUMBER, "16", NULL, 0, MOST_OLDER},
    {"lease", SETTING_DURATION_OR_OFF, "1h", NULL, 2 * LEAST_CHECK, 30 * (int64_t)DAY},
    {"lease-check", SETTING_DURATION, "5m", NULL, LEAST_CHECK, DAY},
    {"outage", SETTING_WORD, "close", outage_words, 0, 0},
    {"public-keys", SETTING_PATH, NULL, NULL, 0, 0},
    {"policy", SETTING_WORD, "compatible", policy_words, 0, 0},
    {"require-hsm", SETTING_YES_NO, "no", NULL, 0, 0},
    {"require-purge-protection", SETTING_YES_NO, "no", NULL, 0, 0},
    {"random", SETTING_WORD, "local", random_words, 0, 0},
    {"certificates", SETTING_PATH, "none", certificate_words, 0, 0},
};
const size_t soft_token_option_count = sizeof soft_token_options / sizeof soft_token_options[0];

static bool copy_text(const char *from, char **to)
{
    *to = from == NULL ? NULL : strdup(from);
    return from == NULL || *to != NULL;
}

static enum wrap_place place_of(const char *word)
{
    for (size_t i = 0; wrap_words[i] != NULL; i++) {
        if (word != NULL && strcmp(word, wrap_words[i]) == 0) {
            return (enum wrap_place)i;
        }
    }
    return WRAP_AUTO;
}

static bool is_strict(const struct settings *section)
{
    const char *word = settings_text(section, "policy");

    return word != NULL && strcmp(word, "strict") == 0;
}

static bool keeps_in_outage(const struct settings *section)
{
    const char *word = settings_text(section, "outage");

    return word != NULL && strcmp(word, "keep") == 0;
}

static CK_RV check_lease(const struct soft_token *token, const struct settings *section)
{
    const struct lease_book *book = &token->leases;

    return book->length == 0 || 2 * book->check <= book->length
               ? CKR_OK
               : settings_refuse(section, "lease-check", "at most half of `lease`, which is %lld s",
                                 (long long)(book->length / SECOND));
}

static CK_RV choose_certificates(struct soft_token *token, const struct settings *section)
{
    const char *word = settings_text(section, "certificates");
    struct certificates *certificates = &token->certificates;

    if (word == NULL || strcmp(word, "none") == 0) {
        return CKR_OK;
    }
    if (strcmp(word, "vault") == 0) {
        certificates->place = CERTIFICATES_OF_SERVICE;
        return token->service->ops->each_certificate != NULL && token->service->ops->certificate != NULL
                   ? CKR_OK
                   : settings_refuse(section, "certificates", "this kind of token keeps no certificates");
    }
    certificates->place = CERTIFICATES_IN_FILES;
    token->certificate_folder = strdup(word);
    certificates->folder = token->certificate_folder;
    return certificates->folder == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

static CK_RV choose_random(struct soft_token *token, const struct settings *section)
{
    const char *word = settings_text(section, "random");

    token->random_there = word != NULL && strcmp(word, "service") == 0;
    return !token->random_there || token->service->ops->random != NULL
               ? CKR_OK
               : settings_refuse(section, "random", "this kind of token has no generator at its service");
}

static CK_RV choose_policy(struct soft_token *token, const struct settings *section)
{
    CK_RV rv = token_policy_read(section, &token->asked);

    token->catalogue.access.rules =
        (struct key_rules){.min_rsa_bits = token->asked.min_rsa_bits,
                           .in_hardware = settings_yes(section, "require-hsm"),
                           .purge_protected = settings_yes(section, "require-purge-protection")};
    return rv == CKR_OK && token->asked.min_rsa_bits > LARGEST_RSA_BITS
               ? settings_refuse(section, "min-rsa-bits", "a key service has no RSA keys above %d bits",
                                 LARGEST_RSA_BITS)
               : rv;
}

/* Fills in everything that is taken apart when it is closed, whether it succeeds or not. */
static CK_RV prepare(struct soft_token *token, const struct settings *section, unsigned number)
{
    struct key_access *access = &token->catalogue.access;
    bool copied = copy_text(settings_title(section), &token->label);

    copied = copy_text(settings_text(section, "public-keys"), &token->public_keys) && copied;
    pthread_mutex_init(&token->lock, NULL);
    pthread_cond_init(&token->unpinned, NULL);
    digest_states_init(&token->digests);
    TAILQ_INIT(&token->all_sessions);
    policy_init(&token->policy, token->label, is_strict(section));
    access->strict = token->policy.strict;
    object_store_init(&token->store, number, &token->policy);
    access->service = token->service;
    access->label = token->label;
    access->place = place_of(settings_text(section, "wrap"));
    access->refresh = settings_milliseconds(section, "refresh");
    access->lease_check = settings_milliseconds(section, "lease-check");
    access->public_keys = token->public_keys;
    access->keys = &token->catalogue;
    access->leases = &token->leases;
    lease_book_init(&token->leases, access, settings_milliseconds(section, "lease"), access->lease_check,
                    keeps_in_outage(section));
    access->older_versions = (unsigned)settings_number(section, "older-versions");
    access->memory = version_memory_new();
    certificates_init(&token->certificates, &token->catalogue, &token->store);
    if (object_store_add_profile(&token->store) != CKR_OK ||
        catalogue_init(&token->catalogue, &token->store) != CKR_OK || !copied || access->memory == NULL) {
        return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

CK_RV soft_token_configure(struct soft_token *token, const struct settings *section, unsigned number)
{
    CK_RV rv = prepare(token, section, number);

    if (rv == CKR_OK) {
        rv = check_lease(token, section);
    }
    if (rv == CKR_OK) {
        rv = choose_policy(token, section);
    }
    if (rv == CKR_OK) {
        rv = choose_certificates(token, section);
    }
    return rv == CKR_OK ? choose_random(token, section) : rv;
}
