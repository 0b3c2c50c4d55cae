/* Contexts that wait with a key for its next message: nobody notices but by the clock, and they end with the key. */
#include "pkcs11/soft/soft.h"
#include "tests/pkcs11/soft/lease_test.h"
#include <stdlib.h>
#include <string.h>

enum { TURNS = 400, TEXT = 48, ROOM = 256, SEED = 5649 };

static unsigned char iv[16], text[TEXT];
static CK_AES_CTR_PARAMS counter = {128, {7}};
static CK_GCM_PARAMS usual = {iv, 12, 96, NULL, 0, 128}, longer = {iv, 16, 128, text, 5, 96};

/* A result, or the code that there was instead. */
struct result {
    CK_RV rv;
    CK_ULONG size;
    unsigned char bytes[ROOM];
};

static void assert_same(const struct result *one, const struct result *other)
{
    assert_int_equal(one->rv, other->rv);
    if (one->rv == CKR_OK) {
        assert_int_equal(one->size, other->size);
        assert_memory_equal(one->bytes, other->bytes, one->size);
    }
}

/* --- AES --- */

static CK_MECHANISM ways[] = {
    {CKM_AES_ECB, NULL, 0},
    {CKM_AES_CBC, iv, 16},
    {CKM_AES_CBC_PAD, iv, 16},
    {CKM_AES_CTR, &counter, sizeof counter},
    {CKM_AES_GCM, &usual, sizeof usual},
    {CKM_AES_GCM, &longer, sizeof longer},
};

static CK_MECHANISM wraps[] = {
    {CKM_AES_KEY_WRAP, NULL, 0},
    {CKM_AES_KEY_WRAP, iv, 8},
    {CKM_AES_KEY_WRAP_KWP, NULL, 0},
    {CKM_AES_KEY_WRAP_PAD, iv, 4},
};

static struct result encrypted(CK_MECHANISM *way, CK_OBJECT_HANDLE key, CK_ULONG size)
{
    struct result result = {.size = ROOM};

    assert_rv(CALL(encrypt_init, way, key), CKR_OK);
    result.rv = CALL(encrypt, text, size, result.bytes, &result.size);
    return result;
}

static struct result encrypted_in_parts(CK_MECHANISM *way, CK_OBJECT_HANDLE key, CK_ULONG size)
{
    struct result result = {.size = ROOM};
    CK_ULONG rest = ROOM;

    assert_rv(CALL(encrypt_init, way, key), CKR_OK);
    result.rv = CALL(encrypt_update, text, size, result.bytes, &result.size);
    if (result.rv == CKR_OK) {
        result.rv = CALL(encrypt_final, result.bytes + result.size, &rest);
        result.size += rest;
    }
    return result;
}

static struct result decrypted(CK_MECHANISM *way, CK_OBJECT_HANDLE key, struct result *from)
{
    struct result result = {.size = ROOM};

    assert_rv(CALL(decrypt_init, way, key), CKR_OK);
    result.rv = CALL(decrypt, from->bytes, from->size, result.bytes, &result.size);
    return result;
}

static struct result wrapped(CK_MECHANISM *way, CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE target)
{
    struct result result = {.size = ROOM};

    result.rv = CALL(wrap_key, way, key, target, result.bytes, &result.size);
    return result;
}

static struct result unwrapped(CK_MECHANISM *way, CK_OBJECT_HANDLE key, struct result *from)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes), ATTRIBUTE(CKA_SENSITIVE, no)};
    struct result result = {.size = ROOM};
    CK_OBJECT_HANDLE opened;

    result.rv = CALL(unwrap_key, way, key, from->bytes, from->size, template, COUNT(template), &opened);
    if (result.rv == CKR_OK) {
        result.size = read_value(opened, result.bytes, ROOM);
        assert_rv(CALL(destroy_object, opened), CKR_OK);
    }
    return result;
}

static CK_OBJECT_HANDLE new_key(void)
{
    return aes_key("the same value, whoever holds it", 32);
}

static void scramble(void)
{
    for (size_t i = 0; i < sizeof iv; i++) {
        iv[i] = (unsigned char)rand();
    }
    memcpy(counter.cb, iv, sizeof iv);
}

/* What comes of it is what comes of a key that has never been used. Now and then what is to be opened is bad. */
static void try_one(CK_OBJECT_HANDLE used, CK_OBJECT_HANDLE target)
{
    CK_OBJECT_HANDLE fresh = new_key();
    CK_MECHANISM *way = &ways[(unsigned)rand() % COUNT(ways)],
                 *wrap = &wraps[(unsigned)rand() % COUNT(wraps)];
    CK_ULONG size = (CK_ULONG)rand() % (TEXT + 1);
    struct result sealed, same, opened;

    scramble();
    sealed = encrypted(way, used, size);
    same = rand() % 2 == 0 ? encrypted(way, fresh, size) : encrypted_in_parts(way, fresh, size);
    assert_same(&sealed, &same);
    if (sealed.rv == CKR_OK) {
        sealed.bytes[sealed.size == 0 ? 0 : sealed.size - 1] ^= rand() % 4 == 0;
        opened = decrypted(way, used, &sealed);
        same = decrypted(way, fresh, &sealed);
        assert_same(&opened, &same);
    }
    sealed = wrapped(wrap, used, target);
    same = wrapped(wrap, fresh, target);
    assert_same(&sealed, &same);
    sealed.bytes[3] ^= rand() % 4 == 0;
    opened = unwrapped(wrap, used, &sealed);
    same = unwrapped(wrap, fresh, &sealed);
    assert_same(&opened, &same);
    assert_rv(CALL(destroy_object, fresh), CKR_OK);
}

static void test_a_key_that_has_been_used_does_what_a_new_one_does(void **state)
{
    CK_OBJECT_HANDLE used = new_key(), target = aes_key("fedcba9876543210", 16);

    (void)state;
    srand(SEED);
    for (unsigned i = 0; i < TURNS; i++) {
        try_one(used, target);
    }
}

static void test_messages_with_ivs_of_changing_lengths(void **state)
{
    static const CK_ULONG sizes[] = {12, 12, 16, 12, 8, 8, 12, 12};
    CK_OBJECT_HANDLE used = new_key();
    CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};

    (void)state;
    assert_rv(CALL(message_encrypt_init, &gcm, used), CKR_OK);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char tag[16], out[TEXT];
        CK_GCM_PARAMS whole = {iv, sizes[i], sizes[i] * 8, NULL, 0, 128};
        CK_MECHANISM once = {CKM_AES_GCM, &whole, sizeof whole};
        struct gcm_message_params parameter = {iv, sizes[i], 0, CKG_NO_GENERATE, tag, 128};
        struct result wanted;
        CK_ULONG size = sizeof out;

        scramble();
        wanted = encrypted(&once, used, TEXT);
        assert_rv(CALL(encrypt_message, &parameter, sizeof parameter, NULL, 0, text, TEXT, out, &size),
                  CKR_OK);
        assert_memory_equal(out, wanted.bytes, TEXT);
        assert_memory_equal(tag, wanted.bytes + TEXT, sizeof tag);
    }
}

/* --- HMAC --- */

static CK_OBJECT_HANDLE mac_key(void)
{
    char value[] = "another value that is held by two";
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SIGN, yes),
                               ATTRIBUTE(CKA_VERIFY, yes),
                               {CKA_VALUE, value, sizeof value - 1}};
    CK_OBJECT_HANDLE key;

    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

static struct result signed_by(CK_MECHANISM *way, CK_OBJECT_HANDLE key, CK_ULONG size)
{
    struct result result = {.size = ROOM};

    assert_rv(CALL(sign_init, way, key), CKR_OK);
    result.rv = CALL(sign, text, size, result.bytes, &result.size);
    return result;
}

static void verify_in_parts(CK_MECHANISM *way, CK_OBJECT_HANDLE key, CK_ULONG size, struct result *signature)
{
    assert_rv(CALL(verify_init, way, key), CKR_OK);
    assert_rv(CALL(verify_update, text, size / 2), CKR_OK);
    assert_rv(CALL(verify_update, text + size / 2, size - size / 2), CKR_OK);
    assert_rv(CALL(verify_final, signature->bytes, signature->size), signature->rv);
}

static void test_a_mac_key_that_has_been_used_does_what_a_new_one_does(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC};
    CK_OBJECT_HANDLE used = mac_key(), fresh;
    struct result one, other;

    (void)state;
    srand(SEED);
    for (unsigned i = 0; i < TURNS; i++) {
        CK_MECHANISM way = {types[(unsigned)rand() % COUNT(types)], NULL, 0};
        CK_ULONG size = (CK_ULONG)rand() % TEXT;

        fresh = mac_key();
        one = signed_by(&way, used, size);
        other = signed_by(&way, fresh, size);
        assert_same(&one, &other);
        one.bytes[0] ^= rand() % 4 == 0;
        one.rv = one.bytes[0] == other.bytes[0] ? CKR_OK : CKR_SIGNATURE_INVALID;
        verify_in_parts(&way, used, size, &one);
        assert_rv(CALL(destroy_object, fresh), CKR_OK);
    }
}

/* --- Their end --- */

static unsigned waiting(CK_OBJECT_HANDLE handle)
{
    struct object *object = object_enter(&((struct soft_token *)token)->store, handle);
    struct key_value *value = object->local->value;
    unsigned count = 0;

    for (size_t i = 0; i < MOST_SPARES; i++) {
        count += (atomic_load(&value->spares.slot[i]) != NULL) + (atomic_load(&value->macs.slot[i]) != NULL);
    }
    object_leave(object);
    return count;
}

static void test_none_waits_for_a_closed_key(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = data_key(), mac = leased_mac_key(), target = aes_key("fedcba9876543210", 16);

    (void)state;
    assert_rv(encrypted(&ways[1], key, TEXT).rv, CKR_OK);
    assert_rv(encrypted(&ways[4], key, TEXT).rv, CKR_OK);
    assert_rv(wrapped(&wraps[0], key, target).rv, CKR_OK);
    assert_rv(signed_by(&hmac, mac, TEXT).rv, CKR_OK);
    assert_int_equal(waiting(key), 3);
    assert_int_equal(waiting(mac), 1);
    close_by(key);
    assert_int_equal(waiting(key), 0);
    assert_int_equal(waiting(mac), 0);
    answering(works);
    use_until(key, CKR_OK);
    assert_rv(signed_by(&hmac, mac, TEXT).rv, CKR_OK);
    assert_int_equal(waiting(key), 1);
    assert_int_equal(waiting(mac), 1);
}

static void test_none_waits_that_failed(void **state)
{
    CK_OBJECT_HANDLE key = new_key();
    struct result bad = {.size = 20};

    (void)state;
    assert_rv(decrypted(&ways[4], key, &bad).rv, CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(encrypted(&ways[1], key, 5).rv, CKR_DATA_LEN_RANGE);
    bad.size = 24;
    assert_rv(unwrapped(&wraps[0], key, &bad).rv, CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(waiting(key), 0);
}

static void test_only_so_many_wait(void **state)
{
    CK_OBJECT_HANDLE key = new_key(), target = aes_key("fedcba9876543210", 16);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_rv(encrypted(&ways[i], key, TEXT).rv, CKR_OK);
    }
    assert_rv(wrapped(&wraps[0], key, target).rv, CKR_OK);
    assert_int_equal(waiting(key), MOST_SPARES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_token(test_a_key_that_has_been_used_does_what_a_new_one_does),
        with_token(test_messages_with_ivs_of_changing_lengths),
        with_token(test_a_mac_key_that_has_been_used_does_what_a_new_one_does),
        with_token(test_none_waits_for_a_closed_key),
        with_token(test_none_waits_that_failed),
        with_token(test_only_so_many_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
