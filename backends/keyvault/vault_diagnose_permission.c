/* Permissions, each tried with what harms nobody: random bytes are wrapped and opened again. */
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "backends/keyvault/vault_diagnose_private.h"
#include <string.h>

enum { TRIED_SIZE = 32, LARGEST_BLOCK = 512, SMALLEST_BLOCK = 256 };

/* One key while its uses are tried. */
struct trials {
    const struct examination *examination;
    const struct key_ref *key;
    const struct key_info *info;
    bool wraps, named; /* as of the key */
    unsigned char random[TRIED_SIZE];
    struct buffer wrapped, encrypted; /* of those, once it worked */
    unsigned key_bits;                /* of a symmetric key, once one of the sizes worked */
    bool sealed;                      /* what is to be opened was made there, just now */
    bool differs;                     /* what came back is not what was sent */
};

static void trials_done(struct trials *trials)
{
    wipe(trials->random, sizeof trials->random);
    buffer_free(&trials->wrapped);
    buffer_free(&trials->encrypted);
}

/* --- One request each --- */

static CK_RV try_seal(struct trials *trials, enum vault_verb verb, struct buffer *blob,
                      struct service_answer *answer)
{
    return vault_client_seal(&trials->examination->vault->client, verb, trials->key, RSA_PADDING_OAEP_SHA1,
                             bytes_of(trials->random, TRIED_SIZE), vault_diagnose_time(trials->examination),
                             blob, answer);
}

/*
 * Where nothing could be sealed, a blob without meaning: the service calls it bad, where the caller may ask, and
 * refuses the caller otherwise.
 */
static CK_RV try_open(struct trials *trials, enum vault_verb verb, const struct buffer *blob,
                      struct service_answer *answer)
{
    static const unsigned char nothing[LARGEST_BLOCK] = {0};
    size_t size = trials->info->rsa == NULL ? SMALLEST_BLOCK : rsa_public_bits(trials->info->rsa) / 8;
    struct bytes sent =
        blob->size != 0 ? buffer_bytes(blob) : bytes_of(nothing, size < LARGEST_BLOCK ? size : LARGEST_BLOCK);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    CK_RV rv =
        vault_client_open(&trials->examination->vault->client, verb, trials->key, RSA_PADDING_OAEP_SHA1, sent,
                          vault_diagnose_time(trials->examination), &plain, answer);

    trials->differs =
        rv == CKR_OK && !bytes_equal_secret(secret_bytes(&plain), bytes_of(trials->random, TRIED_SIZE));
    return rv;
}

static CK_RV try_sign(struct trials *trials, struct service_answer *answer)
{
    static const enum signature_algorithm by_curve[EC_CURVES] = {
        [EC_P256] = SIGNATURE_ES256, [EC_P384] = SIGNATURE_ES384, [EC_P521] = SIGNATURE_ES512};
    static const size_t digests[EC_CURVES] = {[EC_P256] = 32, [EC_P384] = 48, [EC_P521] = 64};
    struct buffer signature SCOPED(buffer_free) = BUFFER_INIT(LARGEST_BLOCK);
    const struct ec_public *ec = trials->info->ec;
    enum ec_curve curve = ec == NULL ? EC_P256 : ec_public_curve(ec);
    unsigned char digest[64];

    if (libcrypto_random(digest, sizeof digest) != CKR_OK) {
        return CKR_HOST_MEMORY;
    }
    return vault_client_sign(&trials->examination->vault->client, trials->key,
                             ec == NULL ? SIGNATURE_RS256 : by_curve[curve],
                             bytes_of(digest, ec == NULL ? 32 : digests[curve]),
                             vault_diagnose_time(trials->examination), &signature, answer);
}

/* RFC 3394, which symmetric keys of every api-version do. */
static CK_RV try_aes(struct trials *trials, enum aes_verb verb, struct service_answer *answer)
{
    static const unsigned char nothing[TRIED_SIZE + 8] = {0};
    struct aes_task task = {.verb = verb, .algorithm = AES_KW, .key_bits = trials->key_bits};
    struct secret value SCOPED(secret_free) = SECRET_INIT;
    struct aes_extra extra = {.key_bits = 0};
    CK_RV rv;

    trials->sealed = verb == AES_UNWRAP && trials->wrapped.size != 0;
    task.data = verb == AES_WRAP            ? bytes_of(trials->random, TRIED_SIZE)
                : trials->wrapped.size == 0 ? bytes_of(nothing, sizeof nothing)
                                            : buffer_bytes(&trials->wrapped);
    rv = vault_client_aes(&trials->examination->vault->client, trials->key, &task,
                          vault_diagnose_time(trials->examination), &value, &extra, answer);
    if (rv == CKR_OK && verb == AES_WRAP) {
        trials->key_bits = extra.key_bits;
        return buffer_append(&trials->wrapped, value.data, value.size);
    }
    trials->differs =
        rv == CKR_OK && !bytes_equal_secret(secret_bytes(&value), bytes_of(trials->random, TRIED_SIZE));
    return rv;
}

static CK_RV try_verb(struct trials *trials, enum vault_verb verb, struct service_answer *answer)
{
    bool symmetric = trials->info->type == KEY_TYPE_OCT;

    switch (verb) {
    case VAULT_WRAP:
        return symmetric ? try_aes(trials, AES_WRAP, answer)
                         : try_seal(trials, verb, &trials->wrapped, answer);
    case VAULT_UNWRAP:
        return symmetric ? try_aes(trials, AES_UNWRAP, answer)
                         : try_open(trials, verb, &trials->wrapped, answer);
    case VAULT_ENCRYPT:
        return try_seal(trials, verb, &trials->encrypted, answer);
    case VAULT_DECRYPT:
        return try_open(trials, verb, &trials->encrypted, answer);
    default:
        return try_sign(trials, answer);
    }
}

/* --- What came of it --- */

static const struct trial {
    enum vault_verb verb;
    const char *check;
    enum key_use use;
    unsigned types;         /* 1 << enum key_type, or-ed */
    const char *needed_for; /* NULL: for the main thing */
} all_trials[] = {
    {VAULT_WRAP, "wrap-permission", KEY_USE_WRAP,
     1 << KEY_TYPE_UNKNOWN | 1 << KEY_TYPE_RSA | 1 << KEY_TYPE_OCT, NULL},
    {VAULT_UNWRAP, "unwrap-permission", KEY_USE_UNWRAP,
     1 << KEY_TYPE_UNKNOWN | 1 << KEY_TYPE_RSA | 1 << KEY_TYPE_OCT, NULL},
    {VAULT_ENCRYPT, "encrypt-permission", KEY_USE_ENCRYPT, 1 << KEY_TYPE_UNKNOWN | 1 << KEY_TYPE_RSA,
     "C_Encrypt with the key itself"},
    {VAULT_DECRYPT, "decrypt-permission", KEY_USE_DECRYPT, 1 << KEY_TYPE_UNKNOWN | 1 << KEY_TYPE_RSA,
     "C_Decrypt with the key itself"},
    {VAULT_SIGN, "sign-permission", KEY_USE_SIGN,
     1 << KEY_TYPE_UNKNOWN | 1 << KEY_TYPE_RSA | 1 << KEY_TYPE_EC, "C_Sign with the key itself"},
};

static void tell_accepted(const struct trials *trials, const struct trial *trial)
{
    struct diagnosis *diagnosis = trials->examination->diagnosis;

    if (trials->differs) {
        diagnosis_fail(diagnosis, trial->check,
                       "see what stands on the way, and whether this is the vault that is meant",
                       "%s with %s gives back something else than what was sent",
                       vault_verb_name(trial->verb), trials->key->name);
    } else {
        diagnosis_ok(diagnosis, trial->check, "%s is permitted with %s", vault_verb_name(trial->verb),
                     trials->key->name);
    }
}

/* What is not needed for wrapping is no failure, whatever says no to it. */
static void tell_refused(const struct trials *trials, const struct trial *trial,
                         const struct service_answer *answer)
{
    if (trial->needed_for != NULL) {
        diagnosis_ok(trials->examination->diagnosis, trial->check,
                     "%s is not permitted with %s; it takes that for %s", vault_verb_name(trial->verb),
                     trials->key->name, trial->needed_for);
        return;
    }
    if (answer->of_version) {
        vault_diagnose_tell(trials->examination, vault_diagnose_fault(trials->named), "key-operations");
    } else {
        vault_diagnose_tell(trials->examination, FINDING_FAIL, trial->check);
    }
}

/* False: nothing more is learned by asking on. */
static bool tell(const struct trials *trials, const struct trial *trial, const struct service_answer *answer)
{
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        tell_accepted(trials, trial);
        return true;
    case VERDICT_BAD_BLOB:
        if (trials->sealed) {
            vault_diagnose_tell(trials->examination, FINDING_FAIL, trial->check);
            return true;
        }
        diagnosis_ok(trials->examination->diagnosis, trial->check,
                     "%s is permitted with %s: it was a blob without meaning that was turned down",
                     vault_verb_name(trial->verb), trials->key->name);
        return true;
    case VERDICT_REFUSED:
        tell_refused(trials, trial, answer);
        return true;
    case VERDICT_BAD_REQUEST: /* of a type that nobody told */
        vault_diagnose_tell(trials->examination, vault_diagnose_fault(trials->named), "key-type");
        return false;
    case VERDICT_DISABLED:
        vault_diagnose_tell(trials->examination, vault_diagnose_fault(trials->named), "key-enabled");
        return false;
    case VERDICT_GONE:
        vault_diagnose_tell(trials->examination, FINDING_FAIL, "key");
        return false;
    default:
        vault_diagnose_tell(trials->examination, FINDING_FAIL, trial->check);
        return false;
    }
}

static bool is_to_be_tried(const struct trials *trials, const struct trial *trial)
{
    const struct key_info *info = trials->info;
    bool makes = trial->verb == VAULT_WRAP || trial->verb == VAULT_ENCRYPT || trial->verb == VAULT_SIGN;

    return (trial->types & 1U << info->type) != 0 && (!info->uses_known || (info->uses & trial->use) != 0) &&
           (trials->wraps || !makes);
}

void vault_diagnose_permissions(const struct examined_key *examined)
{
    struct trials trials SCOPED(trials_done) = {.examination = examined->examination,
                                                .key = &examined->key,
                                                .info = &examined->info,
                                                .wraps = examined->wraps,
                                                .named = examined->named,
                                                .wrapped = BUFFER_INIT(LARGEST_BLOCK),
                                                .encrypted = BUFFER_INIT(LARGEST_BLOCK)};
    struct service_answer answer;
    bool more = libcrypto_random(trials.random, TRIED_SIZE) == CKR_OK;

    for (size_t i = 0; more && i < sizeof all_trials / sizeof all_trials[0]; i++) {
        if (is_to_be_tried(&trials, &all_trials[i])) {
            memset(&answer, 0, sizeof answer);
            trials.sealed = trials.differs = false;
            (void)!try_verb(&trials, all_trials[i].verb, &answer);
            more = tell(&trials, &all_trials[i], &answer);
        }
    }
}
