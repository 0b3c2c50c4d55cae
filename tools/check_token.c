/* What an application will find: the token, the keys, and whether wrapping and unwrapping works. */
#include "backends/key_service.h"
#include "tools/answers.h"
#include "tools/check.h"
#include "tools/keks.h"
#include <stdio.h>
#include <string.h>

enum { KEKS_MOST = 64 };

struct names {
    char name[KEKS_MOST][KEY_NAME_SIZE + KEY_VERSION_SIZE];
    unsigned count, most;
    bool listed; /* nobody has named them */
};

static void add_named(void *arg, const struct key_ref *key)
{
    struct names *names = arg;

    if (names->count < names->most) {
        snprintf(names->name[names->count++], sizeof names->name[0], "%s%s%s", key->name,
                 key->version == NULL ? "" : "/", key->version == NULL ? "" : key->version);
    }
}

static bool add_listed(void *arg, struct key_info *info)
{
    struct key_ref key = {info->name, NULL};
    struct names *names = arg;

    if (info->enabled) {
        add_named(names, &key);
    }
    return names->count < names->most;
}

/* The names of a service's keys: the configured ones, or else the first of its list. */
static CK_RV name_keys(const struct settings *section, struct names *ret_names)
{
    struct key_service *service;
    struct service_answer answer = {.verdict = VERDICT_NONE};
    CK_RV rv = backend_kind_of(section)->open_service(section, &service);

    if (rv != CKR_OK) {
        return rv;
    }
    ret_names->most = KEKS_MOST;
    service->ops->each_named(service, add_named, ret_names);
    if (ret_names->count == 0) {
        ret_names->most = DIAGNOSIS_SOME_KEYS;
        ret_names->listed = true;
        rv = service->ops->each_key(service, deadline_in(service->timeout), add_listed, ret_names, &answer);
    }
    service->ops->close(service);
    return rv;
}

/* Who says that a key is for wrapping decides what it means when it does not. */
enum choice {
    NAMED,  /* the configuration */
    LISTED, /* nobody: the vault has it, for something else perhaps */
    FOUND   /* an HSM, by CKA_UNWRAP */
};

struct trying {
    const struct kek_search *in;
    struct diagnosis *diagnosis;
    enum choice choice;
    unsigned count, good;
};

static bool may_be_kek(const struct trying *trying, const struct kek *kek)
{
    if (kek->type != CKK_RSA && kek->type != CKK_AES && kek->type != CK_UNAVAILABLE_INFORMATION) {
        if (trying->choice == NAMED) {
            diagnosis_fail(trying->diagnosis, "kek", "name an RSA key", "\"%s\" is %s key, which cannot wrap",
                           kek->label, kek->type == CKK_EC ? "an EC" : "no RSA");
        }
        return false;
    }
    if (kek->wraps == 0) {
        diagnosis_warn(trying->diagnosis, "kek", "import the public key too, with the same CKA_ID",
                       "\"%s\" can unwrap, but the token has no public key to wrap with", kek->label);
    }
    return kek->wraps != 0;
}

/* What the owner of the key, or the HSM, says. Not told is no no. */
static bool allows(const struct kek_search *in, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE use)
{
    CK_BBOOL value = CK_TRUE;
    CK_ATTRIBUTE attribute = {use, &value, sizeof value};

    return key == 0 || in->p11->C_GetAttributeValue(in->session, key, &attribute, 1) != CKR_OK ||
           value != CK_FALSE;
}

static bool is_allowed(const struct trying *trying, const struct kek *kek)
{
    bool wraps = allows(trying->in, kek->wraps, CKA_WRAP),
         unwraps = allows(trying->in, kek->unwraps, CKA_UNWRAP);

    if ((!wraps || !unwraps) && trying->choice != LISTED) {
        diagnosis_fail(
            trying->diagnosis, "kek",
            "allow it: of a vault's key by its permitted operations (key_ops), of an HSM's by its attribute",
            "\"%s\" may not be used to %s%s%s", kek->label, wraps ? "" : "wrap (wrapKey, CKA_WRAP)",
            wraps || unwraps ? "" : " nor to ", unwraps ? "" : "unwrap (unwrapKey, CKA_UNWRAP)");
    }
    return wraps && unwraps;
}

static enum finding_status status_of(const struct trying *trying, CK_RV rv)
{
    bool meant_otherwise = rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_WRAPPING_KEY_TYPE_INCONSISTENT;

    return trying->choice == LISTED && meant_otherwise ? FINDING_WARN : FINDING_FAIL;
}

static void tell_success(struct trying *trying, const struct kek *kek, const struct kek_trial *trial)
{
    trying->good++;
    diagnosis_ok(
        trying->diagnosis, "round-trip", "\"%s\": a new key was wrapped and unwrapped (%s)%s", kek->label,
        trial->mechanism,
        trial->compared ? "" : "; whether the same came back is not known, for CKM_AES_CBC may not be used");
}

static void try_key(struct trying *trying, const struct kek *kek)
{
    struct kek_trial trial;

    if (!may_be_kek(trying, kek) || !is_allowed(trying, kek)) {
        return;
    }
    CK_RV rv = kek_try(trying->in, kek, &trial);

    if (rv != CKR_OK) {
        answer_tell(trying->diagnosis, status_of(trying, rv), "round-trip",
                    &(struct answered){trial.function, kek->label, rv});
    } else if (trial.compared && !trial.same) {
        diagnosis_fail(trying->diagnosis, "round-trip",
                       "do not use this key: what it wrapped, nobody can read",
                       "\"%s\": the key that came back is another one", kek->label);
    } else {
        tell_success(trying, kek, &trial);
    }
}

static void try_label(struct trying *trying, const char *label)
{
    struct kek kek;
    CK_RV rv = kek_named(trying->in, label, &kek);

    if (rv != CKR_OK) {
        answer_tell(trying->diagnosis, FINDING_FAIL, "kek", &(struct answered){"looking for", label, rv});
        return;
    }
    diagnosis_forget(trying->diagnosis);
    try_key(trying, &kek);
}

static void try_names(const struct kek_search *in, const struct settings *section,
                      struct diagnosis *diagnosis)
{
    struct names names = {.count = 0};
    CK_RV rv = name_keys(section, &names);
    struct trying trying = {in, diagnosis, names.listed ? LISTED : NAMED, 0, 0};

    if (rv != CKR_OK) {
        answer_tell(diagnosis, FINDING_FAIL, "kek", &(struct answered){"listing the keys", "", rv});
        return;
    }
    for (unsigned i = 0; i < names.count; i++) {
        try_label(&trying, names.name[i]);
    }
    if (names.count == 0) {
        diagnosis_warn(diagnosis, "kek", "create a key, or name it by `keys`",
                       "there is no key that is enabled");
    } else if (names.listed && trying.good == 0) {
        diagnosis_fail(diagnosis, "kek", "name the key-encryption key by `keys`",
                       "none of the keys that were tried wraps and unwraps");
    }
}

static void try_found(void *arg, const struct kek *kek)
{
    struct trying *trying = arg;

    if (trying->count++ < KEKS_MOST) {
        try_key(trying, kek);
    }
}

static void try_all(const struct kek_search *in, struct diagnosis *diagnosis)
{
    struct trying trying = {in, diagnosis, FOUND, 0, 0};
    CK_RV rv = kek_each(in, try_found, &trying);

    if (rv != CKR_OK) {
        answer_tell(diagnosis, FINDING_FAIL, "kek", &(struct answered){"looking for keys", "", rv});
    } else if (trying.count == 0) {
        diagnosis_warn(diagnosis, "kek",
                       "make a key with CKA_UNWRAP, or log in: private keys may be hidden until then",
                       "there is no key that may unwrap");
    } else if (trying.count > KEKS_MOST) {
        diagnosis_warn(diagnosis, "kek", NULL, "%u more keys that may unwrap were not tried",
                       trying.count - KEKS_MOST);
    }
}

void check_token(const struct start *start, size_t index, struct diagnosis *diagnosis)
{
    const struct settings *section = settings_section(start->file, index);
    struct kek_search in = {.p11 = start->p11};
    CK_RV rv = in.p11->C_OpenSession(index, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &in.session);

    if (rv != CKR_OK) {
        answer_tell(diagnosis, FINDING_FAIL, "slot", &(struct answered){"C_OpenSession", "", rv});
        return;
    }
    diagnosis_ok(diagnosis, "slot", "slot %zu, label \"%s\"", index, start_label(section));
    if (backend_kind_of(section)->open_service != NULL) {
        try_names(&in, section, diagnosis);
    } else {
        try_all(&in, diagnosis);
    }
    in.p11->C_CloseSession(in.session);
}
