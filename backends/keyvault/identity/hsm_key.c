/* Signing with a key in an HSM. */
#include "backends/keyvault/identity/hsm_key.h"
#include "backends/base/hsm_inside.h"
#include "backends/base/hsm_login.h"
#include "backends/base/hsm_slots.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3, TEMPLATE_SIZE = 4, DIGEST_SIZE = 32 };

struct hsm_key {
    char *about;
    struct hsm_uri uri;
    struct hsm_module *module;
    struct hsm_watch watch;
    struct hsm_login *login; /* NULL: no PIN is named */
};

/* What the HSM is given. */
enum signed_form { SIGNED_TEXT, SIGNED_DIGEST, SIGNED_DIGEST_INFO };

/* In the order in which they are tried. */
static const struct hsm_mechanism {
    CK_MECHANISM_TYPE type;
    enum assertion_algorithm algorithm;
    enum signed_form form;
} mechanisms[] = {
    {CKM_SHA256_RSA_PKCS_PSS, ASSERTION_PS256, SIGNED_TEXT},
    {CKM_RSA_PKCS_PSS, ASSERTION_PS256, SIGNED_DIGEST},
    {CKM_SHA256_RSA_PKCS, ASSERTION_RS256, SIGNED_TEXT},
    {CKM_RSA_PKCS, ASSERTION_RS256, SIGNED_DIGEST_INFO},
};
enum { MECHANISM_COUNT = sizeof mechanisms / sizeof mechanisms[0] };

void hsm_key_free(struct hsm_key *key)
{
    if (key == NULL) {
        return;
    }
    if (key->module != NULL) {
        hsm_module_leave(key->module, &key->watch);
    }
    hsm_uri_done(&key->uri);
    free(key->about);
    free(key);
}

CK_RV hsm_key_new(const char *about, const char *uri, struct hsm_key **ret_key)
{
    struct buffer problem SCOPED(buffer_free) = BUFFER_INIT(2 * HSM_URI_PROBLEM_LIMIT);
    struct hsm_key *key = calloc(1, sizeof *key);
    CK_RV rv;

    if (key == NULL) {
        return CKR_HOST_MEMORY;
    }
    atomic_init(&key->watch.slot, HSM_SLOT_NEVER_SOUGHT);
    key->about = strdup(about);
    rv = key->about == NULL
             ? CKR_HOST_MEMORY
             : hsm_uri_parse("client-certificate-key", uri, HSM_URI_OBJECT, &problem, &key->uri);
    if (rv == CKR_OK) {
        rv = hsm_module_enter(key->uri.module_path, false, &key->watch, &key->module);
    }
    if (rv == CKR_OK) {
        rv = hsm_login_enter(key->module, &key->uri, &key->login);
    }
    if (rv != CKR_OK) {
        hsm_key_free(key);
        return rv;
    }
    *ret_key = key;
    return CKR_OK;
}

static bool fail(CK_RV rv, const char *doing, CK_RV said, struct identity_failure *ret_failure)
{
    return identity_fail(ret_failure, rv, "client-certificate-key: %s: %s (0x%lx)", doing,
                         p11_kit_strerror(said), said);
}

/* --- The token --- */

static CK_RV look(const struct hsm_key *key, const CK_FUNCTION_LIST *functions, struct hsm_slots *ret_slots)
{
    *ret_slots = (struct hsm_slots){.functions = functions};
    return hsm_slots_look(&key->uri, ret_slots);
}

/* Many modules see a token that came later only when they are initialised again. */
static bool find_slot(struct hsm_key *key, struct hsm_slots *ret_slots, struct identity_failure *ret_failure)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned generation = atomic_load(&key->module->generation);
        const CK_FUNCTION_LIST *functions = hsm_module_ready(key->module, key->about);
        CK_RV rv;

        if (functions == NULL) {
            return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                                 "client-certificate-key: the HSM's library %s cannot be used",
                                 key->module->path);
        }
        rv = look(key, functions, ret_slots);
        if (ret_slots->fits != 0) {
            return true;
        }
        if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
            hsm_module_revive(key->module, generation, key->about);
        } else if (ret_slots->busy || !hsm_module_restart(key->module, key->about)) {
            break;
        }
    }
    return identity_fail(ret_failure, CKR_DEVICE_ERROR, "client-certificate-key: no token of %s fits the URI",
                         key->module->path);
}

/* CKR_CANCEL: the module was started anew meanwhile. */
static CK_RV open_session(struct hsm_key *key, const struct hsm_slots *slots, struct hsm_signing *signing)
{
    unsigned life;
    CK_RV rv = hsm_module_session_begin(key->module, &life);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = slots->functions->C_OpenSession(slots->slot, CKF_SERIAL_SESSION, NULL, NULL, &signing->session);
    if (rv != CKR_OK) {
        hsm_module_session_end(key->module, life);
    }
    if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
        hsm_module_revive(key->module, life, key->about);
        return CKR_CANCEL;
    }
    signing->life = life;
    return rv;
}

/* --- The key --- */

/* The URI's label and id, of a private key. */
static CK_ULONG write_template(const struct hsm_key *key, CK_ATTRIBUTE template[TEMPLATE_SIZE])
{
    static CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    const CK_ATTRIBUTE *named[] = {p11_kit_uri_get_attribute(key->uri.parsed, CKA_LABEL),
                                   p11_kit_uri_get_attribute(key->uri.parsed, CKA_ID)};
    CK_ULONG count = 0;

    template[count++] = (CK_ATTRIBUTE){CKA_CLASS, &private_key, sizeof private_key};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (named[i] != NULL) {
            template[count++] = *named[i];
        }
    }
    return count;
}

static CK_RV find_objects(const struct hsm_signing *signing, CK_OBJECT_HANDLE found[2], CK_ULONG *ret_count)
{
    CK_ATTRIBUTE template[TEMPLATE_SIZE];
    CK_ULONG size = write_template(signing->key, template);
    CK_RV rv = signing->functions->C_FindObjectsInit(signing->session, template, size);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = signing->functions->C_FindObjects(signing->session, found, 2, ret_count);
    signing->functions->C_FindObjectsFinal(signing->session);
    return rv;
}

static bool find_key(const struct hsm_signing *signing, CK_OBJECT_HANDLE *ret_object,
                     struct identity_failure *ret_failure)
{
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;
    CK_RV rv = find_objects(signing, found, &count);

    if (rv != CKR_OK) {
        return fail(CKR_DEVICE_ERROR, "the key cannot be looked for", rv, ret_failure);
    }
    if (count != 1) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "client-certificate-key: %s",
                             count == 0
                                 ? "the token has no such private key, or shows it only after a login: "
                                   "check object, id and pin-source"
                                 : "more than one private key of the token fits: add object or id");
    }
    *ret_object = found[0];
    return true;
}

static bool can_sign(const struct hsm_signing *signing, CK_SLOT_ID slot, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_INFO info;

    return signing->functions->C_GetMechanismInfo(slot, type, &info) == CKR_OK &&
           (info.flags & CKF_SIGN) != 0;
}

static bool begin(struct hsm_signing *signing, CK_SLOT_ID slot, CK_OBJECT_HANDLE object,
                  struct identity_failure *ret_failure)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, DIGEST_SIZE};
    CK_RV rv = CKR_MECHANISM_INVALID;

    for (size_t i = 0; i < MECHANISM_COUNT; i++) {
        bool is_pss = mechanisms[i].algorithm == ASSERTION_PS256;
        CK_MECHANISM how = {mechanisms[i].type, is_pss ? &pss : NULL, is_pss ? sizeof pss : 0};

        if (!can_sign(signing, slot, how.mechanism)) {
            continue;
        }
        rv = signing->functions->C_SignInit(signing->session, &how, object);
        if (rv == CKR_OK) {
            signing->mechanism = &mechanisms[i];
            signing->algorithm = mechanisms[i].algorithm;
            return true;
        }
    }
    return fail(CKR_USER_NOT_LOGGED_IN, "the key does not sign with RSA and SHA-256", rv, ret_failure);
}

static bool prepare(struct hsm_signing *signing, CK_SLOT_ID slot, struct identity_failure *ret_failure)
{
    struct hsm_key *key = signing->key;
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_RV rv = key->login == NULL
                   ? CKR_OK
                   : hsm_login_ensure(key->login, key->about, signing->functions, signing->session);

    if (rv != CKR_OK) {
        return fail(CKR_USER_NOT_LOGGED_IN, "no login at the HSM", rv, ret_failure);
    }
    return find_key(signing, &object, ret_failure) && begin(signing, slot, object, ret_failure);
}

static void end(struct hsm_signing *signing)
{
    signing->functions->C_CloseSession(signing->session);
    hsm_module_session_end(signing->key->module, signing->life);
    signing->functions = NULL;
}

static bool begin_with(struct hsm_key *key, struct hsm_signing *ret_signing,
                       struct identity_failure *ret_failure)
{
    struct hsm_signing signing = {.key = key};
    struct hsm_slots slots;
    CK_RV rv = CKR_CANCEL;

    for (int i = 0; i < TRIES && rv == CKR_CANCEL; i++) {
        if (!find_slot(key, &slots, ret_failure)) {
            return false;
        }
        rv = open_session(key, &slots, &signing);
    }
    if (rv != CKR_OK) {
        return fail(CKR_DEVICE_ERROR, "the HSM opens no session", rv, ret_failure);
    }
    signing.functions = slots.functions;
    if (!prepare(&signing, slots.slot, ret_failure)) {
        end(&signing);
        return false;
    }
    *ret_signing = signing;
    return true;
}

bool hsm_key_begin(struct hsm_key *key, struct hsm_signing *ret_signing, struct identity_failure *ret_failure)
{
    struct hsm_inside mark;

    if (!hsm_inside_begin(&mark, key->module)) {
        return fail(CKR_DEVICE_ERROR, "the HSM is waiting for this thread", CKR_FUNCTION_FAILED, ret_failure);
    }
    bool begun = begin_with(key, ret_signing, ret_failure);

    hsm_inside_end(&mark);
    return begun;
}

void hsm_key_end(struct hsm_signing *signing)
{
    struct hsm_inside mark;

    if (signing->functions != NULL && hsm_inside_begin(&mark, signing->key->module)) {
        end(signing);
        hsm_inside_end(&mark);
    }
}

/* --- The signature --- */

/* DigestInfo of SHA-256 (RFC 8017, 9.2, note 1), up to the digest. */
static const unsigned char digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                            0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static CK_RV write_signed(enum signed_form form, struct bytes text, struct buffer *to)
{
    unsigned char digest[DIGEST_SIZE];
    CK_RV rv;

    if (form == SIGNED_TEXT) {
        return buffer_append(to, text.data, text.size);
    }
    rv = libcrypto_sha256(text, digest);
    if (rv == CKR_OK && form == SIGNED_DIGEST_INFO) {
        rv = buffer_append(to, digest_info, sizeof digest_info);
    }
    return rv == CKR_OK ? buffer_append(to, digest, sizeof digest) : rv;
}

bool hsm_key_sign(void *arg, struct bytes text, struct buffer *ret_signature,
                  struct identity_failure *ret_failure)
{
    const struct hsm_signing *signing = arg;
    struct buffer data SCOPED(buffer_free) = BUFFER_INIT(ASSERTION_LIMIT);
    CK_ULONG size = SIGNATURE_LIMIT;
    struct hsm_inside mark;
    CK_RV rv = write_signed(signing->mechanism->form, text, &data);

    if (rv == CKR_OK) {
        rv = buffer_resize(ret_signature, size);
    }
    if (rv == CKR_OK && !hsm_inside_begin(&mark, signing->key->module)) {
        rv = CKR_FUNCTION_FAILED;
    }
    if (rv == CKR_OK) {
        rv = signing->functions->C_Sign(signing->session, data.data, data.size, ret_signature->data, &size);
        hsm_inside_end(&mark);
    }
    if (rv == CKR_OK) {
        rv = buffer_resize(ret_signature, size);
    }
    return rv == CKR_OK || fail(CKR_DEVICE_ERROR, "the HSM does not sign", rv, ret_failure);
}
