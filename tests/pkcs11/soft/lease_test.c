/* What the tests of leases share. */
#include "pkcs11/soft/soft.h"

#include "tests/pkcs11/soft/lease_test.h"
#include <string.h>

enum { LONGEST_WAIT = 20 * 1000, LOOK = 10 };

const struct fake_rule works = {VERDICT_NONE, CKR_OK, 200},
                       disabled = {VERDICT_DISABLED, CKR_KEY_FUNCTION_NOT_PERMITTED, 403},
                       gone = {VERDICT_GONE, CKR_UNWRAPPING_KEY_HANDLE_INVALID, 404},
                       no_caller = {VERDICT_NO_CALLER, CKR_USER_NOT_LOGGED_IN, 0};

void data_blob(unsigned char blob[512], CK_ULONG *ret_size)
{
    struct buffer made = BUFFER_INIT(512);

    fake_encrypt(fake, "kek", RSA_PADDING_OAEP_SHA256, bytes_of("0123456789abcdef", 16), &made);
    memcpy(blob, made.data, made.size);
    *ret_size = made.size;
    buffer_free(&made);
}

CK_OBJECT_HANDLE data_key_of(unsigned char *blob, CK_ULONG size)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_SENSITIVE, no),       ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_ENCRYPT, yes),        ATTRIBUTE(CKA_DECRYPT, yes),
                               ATTRIBUTE(CKA_WRAP, yes),           ATTRIBUTE(CKA_UNWRAP, yes)};
    CK_OBJECT_HANDLE key = 0;

    assert_rv(CALL(unwrap_key, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek"), blob, size, template,
                   COUNT(template), &key),
              CKR_OK);
    return key;
}

CK_OBJECT_HANDLE data_key(void)
{
    unsigned char blob[512];
    CK_ULONG size;

    data_blob(blob, &size);
    return data_key_of(blob, size);
}

CK_OBJECT_HANDLE leased_mac_key(void)
{
    unsigned char blob[512];
    CK_ULONG size, object;
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, generic_type),
                               ATTRIBUTE(CKA_SIGN, yes), ATTRIBUTE(CKA_VERIFY, yes)};

    data_blob(blob, &size);
    assert_rv(CALL(unwrap_key, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek"), blob, size, template,
                   COUNT(template), &object),
              CKR_OK);
    return object;
}

CK_RV use_in(struct token_session *in, CK_OBJECT_HANDLE key)
{
    unsigned char iv[12] = {1}, text[20] = {2}, out[64];
    CK_GCM_PARAMS parameter = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM gcm = {CKM_AES_GCM, &parameter, sizeof parameter};
    CK_ULONG size = sizeof out;
    CK_RV rv = token->ops->encrypt_init(in, &gcm, key);

    return rv == CKR_OK ? token->ops->encrypt(in, text, sizeof text, out, &size) : rv;
}

CK_RV use(CK_OBJECT_HANDLE key)
{
    return use_in(session, key);
}

void make_check_due(void)
{
    unsigned char text[16] = {0}, out[512];
    CK_ULONG size = sizeof out;

    fake_rule(fake, FAKE_DECRYPT, fake_refused);
    assert_rv(CALL(decrypt_init, &oaep_sha256, the(CKO_PRIVATE_KEY, "kek")), CKR_OK);
    (void)text;
    memset(out, 1, 256);
    size = 256;
    assert_rv(CALL(decrypt, out, 256, out, &size), CKR_KEY_FUNCTION_NOT_PERMITTED);
    fake_rule(fake, FAKE_DECRYPT, works);
}

void close_by(CK_OBJECT_HANDLE key)
{
    answering(disabled);
    make_check_due();
    assert_rv(use(key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void age(struct lease *lease, int64_t milliseconds)
{
    struct leasehold *hold;

    lease->accepted -= milliseconds;
    lease->due -= milliseconds;
    lease->closed_at -= milliseconds;
    lease->attempted -= lease->attempted == 0 ? 0 : milliseconds;
    lease->hinted -= milliseconds;
    lease->first_refusal -= milliseconds;
    atomic_store(&lease->quiet_until, 0);
    LIST_FOREACH(hold, &lease->holds, of_lease)
    {
        hold->attempted -= hold->attempted == 0 ? 0 : milliseconds;
    }
}

void age_leases(int64_t milliseconds)
{
    struct lease_book *book = &((struct soft_token *)token)->leases;

    pthread_mutex_lock(&book->lock);
    for (struct lease *lease = book->leases; lease != NULL; lease = lease->next) {
        age(lease, milliseconds);
    }
    atomic_fetch_sub(&book->first_end, milliseconds);
    pthread_mutex_unlock(&book->lock);
}

void opens(CK_OBJECT_HANDLE key)
{
    age_leases(2 * SECOND);
    assert_rv(use(key), CKR_OK);
}

void pass_time(int64_t milliseconds)
{
    deadline_sleep(deadline_in(2 * milliseconds + 1000), milliseconds);
}

int64_t use_until(CK_OBJECT_HANDLE key, CK_RV wanted)
{
    int64_t began = clock_now();
    CK_RV rv;

    while ((rv = use(key)) != wanted && clock_now() - began < LONGEST_WAIT) {
        pass_time(LOOK);
    }
    assert_rv(rv, wanted);
    return clock_now() - began;
}

unsigned asked(void)
{
    return fake_count(fake, FAKE_UNWRAP);
}
