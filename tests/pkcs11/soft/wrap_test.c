/* One blob and its key. */
#include "tests/pkcs11/soft/wrap_test.h"

unsigned char blob[512];
CK_ULONG blob_size;

CK_OBJECT_HANDLE public_kek(void)
{
    return the(CKO_PUBLIC_KEY, "kek");
}

CK_OBJECT_HANDLE private_kek(void)
{
    return the(CKO_PRIVATE_KEY, "kek");
}

void wrap_ok(void)
{
    assert_rv(wrap_under(public_kek(), &oaep_sha256, blob, &blob_size), CKR_OK);
    assert_int_equal(blob_size, 256);
}

void assert_opens(CK_MECHANISM *mechanism)
{
    unsigned char value[64];
    CK_OBJECT_HANDLE key;

    assert_rv(unwrap_under(private_kek(), mechanism, blob, blob_size, &key), CKR_OK);
    assert_int_equal(read_value(key, value, sizeof value), 32);
    assert_memory_equal(value, "0123456789abcdef0123456789abcdef", 32);
}
