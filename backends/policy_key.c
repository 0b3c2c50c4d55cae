/* How large an HSM's RSA key is. */
#include "backends/policy_key.h"
#include "backends/audit.h"
#include "backends/base/log.h"
#include "backends/token_key.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST_MODULUS = 16384 / 8, REASON_ROOM = 160 };

void policy_keys_init(struct policy_keys *keys, const char *title, const char *label, unsigned min_bits)
{
    memset(keys, 0, sizeof *keys);
    keys->title = title;
    keys->label = label;
    keys->min_bits = min_bits;
    atomic_init(&keys->changing, 0);
    atomic_init(&keys->epoch, 0);
    pthread_mutex_init(&keys->lock, NULL);
}

void policy_keys_done(struct policy_keys *keys)
{
    pthread_mutex_destroy(&keys->lock);
}

void policy_known_init(struct policy_known *known)
{
    memset(known, 0, sizeof *known);
    pthread_mutex_init(&known->lock, NULL);
}

void policy_known_done(struct policy_known *known)
{
    pthread_mutex_destroy(&known->lock);
}

void policy_keys_change(struct policy_keys *keys)
{
    atomic_fetch_add(&keys->changing, 1);
}

void policy_keys_changed(struct policy_keys *keys)
{
    atomic_fetch_add(&keys->epoch, 1);
    atomic_fetch_sub(&keys->changing, 1);
}

static bool is_known(const struct policy_keys *keys, struct policy_known *known, CK_OBJECT_HANDLE key)
{
    bool found = false;

    pthread_mutex_lock(&known->lock);
    for (size_t i = 0; i < known->count && !found; i++) {
        found = known->key[i].handle == key && known->key[i].epoch == atomic_load(&keys->epoch);
    }
    pthread_mutex_unlock(&known->lock);
    return found;
}

/* `epoch` is from before the HSM was asked. */
static void remember(struct policy_known *known, CK_OBJECT_HANDLE key, unsigned long epoch)
{
    pthread_mutex_lock(&known->lock);
    known->key[known->next].handle = key;
    known->key[known->next].epoch = epoch;
    known->next = (known->next + 1) % POLICY_KNOWN;
    known->count = known->count < POLICY_KNOWN ? known->count + 1 : POLICY_KNOWN;
    pthread_mutex_unlock(&known->lock);
}

static unsigned bits_of(const unsigned char *modulus, CK_ULONG size)
{
    while (size != 0 && *modulus == 0) {
        modulus++;
        size--;
    }
    return size == 0 ? 0 : (unsigned)(size * 8) - (unsigned)__builtin_clz(*modulus) + 24;
}

struct facts {
    bool is_rsa, is_on_token;
    unsigned bits; /* 0: not told */
};

/* The modulus itself, which no application can have got wrong; else what the HSM says of it. */
static CK_RV learn(struct token_session *below, CK_OBJECT_HANDLE key, struct facts *ret_facts)
{
    unsigned char modulus[LONGEST_MODULUS] = {0};
    CK_KEY_TYPE type = CKK_RSA;
    CK_BBOOL on_token = CK_FALSE;
    CK_ULONG bits = 0;
    CK_ATTRIBUTE list[] = {
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &on_token, sizeof on_token},
        {CKA_MODULUS, modulus, sizeof modulus},
    };
    CK_ATTRIBUTE size = {CKA_MODULUS_BITS, &bits, sizeof bits};
    CK_RV rv = token_key_attributes(below, key, list, sizeof list / sizeof list[0]);

    if (rv != CKR_OK) {
        return rv;
    }
    *ret_facts = (struct facts){.is_rsa = type == CKK_RSA, .is_on_token = on_token != CK_FALSE};
    if (!ret_facts->is_rsa) {
        return CKR_OK;
    }
    if (list[2].ulValueLen <= sizeof modulus) {
        ret_facts->bits = bits_of(modulus, list[2].ulValueLen);
    }
    if (ret_facts->bits != 0) {
        return CKR_OK;
    }
    rv = token_key_attributes(below, key, &size, 1);
    ret_facts->bits = size.ulValueLen == sizeof bits && bits <= LONGEST_MODULUS * 8 ? (unsigned)bits : 0;
    return rv;
}

static bool is_news(struct policy_keys *keys, CK_OBJECT_HANDLE key, unsigned bits)
{
    bool told = false;

    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->told_count && !told; i++) {
        told = keys->told[i].handle == key && keys->told[i].bits == bits;
    }
    if (!told) {
        keys->told[keys->told_next].handle = key;
        keys->told[keys->told_next].bits = bits;
        keys->told_next = (keys->told_next + 1) % POLICY_TOLD;
        keys->told_count = keys->told_count < POLICY_TOLD ? keys->told_count + 1 : POLICY_TOLD;
    }
    pthread_mutex_unlock(&keys->lock);
    return !told;
}

static void refuse(struct policy_keys *keys, struct token_session *below, CK_OBJECT_HANDLE key, unsigned bits)
{
    bool news = is_news(keys, key, bits);
    char name[KEY_TEXT_SIZE], reason[REASON_ROOM];

    if (!news && !audit_wanted()) {
        return;
    }
    (void)token_key_name(below, keys->label, key, name);
    if (bits != 0) {
        snprintf(reason, sizeof reason, "min-rsa-bits is %u, and it has %u", keys->min_bits, bits);
    } else {
        snprintf(reason, sizeof reason,
                 "min-rsa-bits is %u, and the HSM tells neither its modulus nor how many bits that has",
                 keys->min_bits);
    }
    if (news) {
        log_warning(keys->title, "key %s is refused: %s", name, reason);
    }
    audit_event(AUDIT_REFUSED, keys->title, "hsm", name, reason, NULL);
}

CK_RV policy_key_check(struct policy_keys *keys, struct policy_known *known, struct token_session *below,
                       CK_OBJECT_HANDLE key, CK_RV bad_handle)
{
    bool changing = atomic_load(&keys->changing) != 0;
    unsigned long epoch = atomic_load(&keys->epoch);
    struct facts facts = {.is_rsa = false};

    if (!changing && is_known(keys, known, key)) {
        return CKR_OK;
    }
    CK_RV rv = learn(below, key, &facts);

    if (rv != CKR_OK) {
        return rv == CKR_OBJECT_HANDLE_INVALID ? bad_handle : rv;
    }
    if (facts.is_rsa && facts.bits < keys->min_bits) {
        refuse(keys, below, key, facts.bits);
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    if (facts.is_on_token && !changing) {
        remember(known, key, epoch);
    }
    return CKR_OK;
}
