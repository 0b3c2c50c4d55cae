/* What `policy = strict` adds. */
#include "pkcs11/soft/policy.h"
#include "backends/base/libcrypto.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <string.h>

enum { DIGEST_SIZE = 32, KEPT_SIZE = 16, FIRST_ROOM = 64, MOST_VALUES = 1024 * 1024 };

/* A place in the table; without flags it is free. The digest is salted, so its beginning says where to look. */
struct bound_value {
    unsigned char digest[KEPT_SIZE];
    unsigned flags;
};

/* What is wrapped by one and decrypted by the other is in the clear; and the reverse puts chosen keys in. */
static const unsigned conflicts[] = {
    LOCAL_WRAP | LOCAL_DECRYPT,
    LOCAL_UNWRAP | LOCAL_ENCRYPT,
    LOCAL_SIGN | LOCAL_DECRYPT,
};

/* What may be in a conflict at all. */
#define PARTIES (LOCAL_WRAP | LOCAL_DECRYPT | LOCAL_UNWRAP | LOCAL_ENCRYPT | LOCAL_SIGN)

static bool conflict(unsigned flags)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        if ((flags & conflicts[i]) == conflicts[i]) {
            return true;
        }
    }
    return false;
}

void policy_init(struct policy *policy, const char *label, bool strict)
{
    memset(policy, 0, sizeof *policy);
    policy->label = label;
    policy->strict = strict;
    pthread_mutex_init(&policy->lock, NULL);
}

void policy_done(struct policy *policy)
{
    wipe(policy->salt, sizeof policy->salt);
    free(policy->values);
    pthread_mutex_destroy(&policy->lock);
}

CK_RV policy_check(const struct policy *policy, const struct local_key *key)
{
    return policy->strict && conflict(key->flags) ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
}

/* The two halves of a pair have one. */
static struct bytes value_of(const struct local_key *key)
{
    if (key->class == CKO_SECRET_KEY) {
        return secret_bytes(&key->value->secret);
    }
    return key_numbers_public(key->value->numbers.rsa, key->value->numbers.ec, CKA_PUBLIC_KEY_INFO).bytes;
}

static CK_RV get_salt(struct policy *policy, unsigned char ret_salt[DIGEST_SIZE])
{
    unsigned char fresh[DIGEST_SIZE];
    CK_RV rv = libcrypto_random(fresh, sizeof fresh);

    if (rv != CKR_OK) {
        return rv;
    }
    pthread_mutex_lock(&policy->lock);
    if (!policy->salted) {
        memcpy(policy->salt, fresh, sizeof policy->salt);
        policy->salted = true;
    }
    memcpy(ret_salt, policy->salt, DIGEST_SIZE);
    pthread_mutex_unlock(&policy->lock);
    wipe(fresh, sizeof fresh);
    return CKR_OK;
}

/* Salted, so that the digest of a short value tells nothing about it. */
static CK_RV digest_of(struct policy *policy, const struct local_key *key, unsigned char digest[DIGEST_SIZE])
{
    struct secret text SCOPED(secret_free) = SECRET_INIT;
    struct bytes value = value_of(key);
    CK_RV rv = secret_new(DIGEST_SIZE + value.size, &text);

    if (rv == CKR_OK) {
        rv = get_salt(policy, text.data);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    memcpy(text.data + DIGEST_SIZE, value.data, value.size);
    return libcrypto_sha256(secret_bytes(&text), digest);
}

/* The place of this value, or the free one where it belongs; there always is one. */
static struct bound_value *place_of(struct bound_value *values, size_t room, const unsigned char *digest)
{
    size_t at;

    memcpy(&at, digest, sizeof at);
    for (at &= room - 1; values[at].flags != 0; at = (at + 1) & (room - 1)) {
        if (memcmp(values[at].digest, digest, KEPT_SIZE) == 0) {
            break;
        }
    }
    return &values[at];
}

/* At most half full. */
static CK_RV make_room_locked(struct policy *policy)
{
    size_t room = policy->room == 0 ? FIRST_ROOM : policy->room * 2;
    struct bound_value *values;

    if (policy->count < policy->room / 2) {
        return CKR_OK;
    }
    values = calloc(room, sizeof *values);
    if (values == NULL) {
        return CKR_HOST_MEMORY;
    }
    for (size_t i = 0; i < policy->room; i++) {
        if (policy->values[i].flags != 0) {
            *place_of(values, room, policy->values[i].digest) = policy->values[i];
        }
    }
    free(policy->values);
    policy->values = values;
    policy->room = room;
    return CKR_OK;
}

static CK_RV bind_locked(struct policy *policy, const unsigned char digest[DIGEST_SIZE], unsigned flags)
{
    CK_RV rv = make_room_locked(policy);
    struct bound_value *place;

    if (rv != CKR_OK) {
        return rv;
    }
    place = place_of(policy->values, policy->room, digest);
    if (conflict(place->flags | flags)) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    if (place->flags == 0) {
        if (policy->count == MOST_VALUES) {
            return CKR_DEVICE_MEMORY;
        }
        memcpy(place->digest, digest, KEPT_SIZE);
        policy->count++;
    }
    place->flags |= flags;
    return CKR_OK;
}

static CK_RV bind(struct policy *policy, const unsigned char digest[DIGEST_SIZE], unsigned flags)
{
    CK_RV rv;

    pthread_mutex_lock(&policy->lock);
    rv = bind_locked(policy, digest, flags);
    pthread_mutex_unlock(&policy->lock);
    if (rv == CKR_DEVICE_MEMORY) {
        log_error(
            policy->label,
            "policy = strict remembers the usages of %d different keys, and there have been as many since the "
            "module was initialised; new keys are refused until it is initialised again",
            MOST_VALUES);
    }
    return rv;
}

CK_RV policy_admit(struct policy *policy, struct local_key *key)
{
    unsigned char digest[DIGEST_SIZE];
    CK_RV rv = policy_check(policy, key);

    if (rv != CKR_OK || !policy->strict) {
        return rv;
    }
    if (key->source == LOCAL_UNWRAPPED) {
        key->flags |= LOCAL_SENSITIVE;
    }
    if ((key->flags & PARTIES) == 0) {
        return CKR_OK;
    }
    rv = digest_of(policy, key, digest);
    return rv == CKR_OK ? bind(policy, digest, key->flags & PARTIES) : rv;
}

unsigned policy_uses(unsigned uses)
{
    return (uses & (KEY_USE_WRAP | KEY_USE_UNWRAP)) != 0 ? uses & ~(unsigned)KEY_USE_DECRYPT : uses;
}
