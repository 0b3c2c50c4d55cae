/* What `policy = strict` adds. */
#include "pkcs11/soft/policy.h"
#include "backends/base/libcrypto.h"
#include "backends/base/scope.h"
#include <string.h>

enum { DIGEST_SIZE = 32, FIRST_ROOM = 16, MOST_VALUES = 64 * 1024 };

struct bound_value {
    unsigned char digest[DIGEST_SIZE];
    unsigned flags;
};

/* What is wrapped by one and decrypted by the other is in the clear; and the reverse puts chosen keys in. */
static const unsigned conflicts[] = {
    LOCAL_WRAP | LOCAL_DECRYPT,
    LOCAL_UNWRAP | LOCAL_ENCRYPT,
    LOCAL_SIGN | LOCAL_DECRYPT,
};

static bool conflict(unsigned flags)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        if ((flags & conflicts[i]) == conflicts[i]) {
            return true;
        }
    }
    return false;
}

void policy_init(struct policy *policy, bool strict)
{
    memset(policy, 0, sizeof *policy);
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
        return secret_bytes(&key->value);
    }
    return key_numbers_public(key->numbers.rsa, key->numbers.ec, CKA_PUBLIC_KEY_INFO).bytes;
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

static struct bound_value *find_locked(const struct policy *policy, const unsigned char digest[DIGEST_SIZE])
{
    for (size_t i = 0; i < policy->count; i++) {
        if (memcmp(policy->values[i].digest, digest, DIGEST_SIZE) == 0) {
            return &policy->values[i];
        }
    }
    return NULL;
}

static CK_RV add_locked(struct policy *policy, const unsigned char digest[DIGEST_SIZE], unsigned flags)
{
    size_t room = policy->room == 0 ? FIRST_ROOM : policy->room * 2;
    struct bound_value *values;

    if (policy->count == MOST_VALUES) {
        return CKR_DEVICE_MEMORY;
    }
    if (policy->count == policy->room) {
        values = realloc(policy->values, room * sizeof *values);
        if (values == NULL) {
            return CKR_HOST_MEMORY;
        }
        policy->values = values;
        policy->room = room;
    }
    memcpy(policy->values[policy->count].digest, digest, DIGEST_SIZE);
    policy->values[policy->count++].flags = flags;
    return CKR_OK;
}

static CK_RV bind_locked(struct policy *policy, const unsigned char digest[DIGEST_SIZE], unsigned flags)
{
    struct bound_value *value = find_locked(policy, digest);

    if (value == NULL) {
        return add_locked(policy, digest, flags);
    }
    if (conflict(value->flags | flags)) {
        return CKR_TEMPLATE_INCONSISTENT;
    }
    value->flags |= flags;
    return CKR_OK;
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
    rv = digest_of(policy, key, digest);
    if (rv == CKR_OK) {
        pthread_mutex_lock(&policy->lock);
        rv = bind_locked(policy, digest, key->flags);
        pthread_mutex_unlock(&policy->lock);
    }
    return rv;
}

unsigned policy_uses(unsigned uses)
{
    return (uses & (KEY_USE_WRAP | KEY_USE_UNWRAP)) != 0 ? uses & ~(unsigned)KEY_USE_DECRYPT : uses;
}
