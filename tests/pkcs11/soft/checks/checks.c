/* What the checks share: keys of each origin, and calls with one thing wrong. */
#include "tests/pkcs11/soft/checks/checks.h"
#include <string.h>

enum { MOST_MORE = 12 };

void assert_either_at(CK_RV rv, CK_RV a, CK_RV b, const char *call, const char *file, int line)
{
    if (rv != a && rv != b) {
        print_error("# %s\n# is 0x%lx, neither 0x%lx nor 0x%lx\n", call, rv, a, b);
        _fail(file, line);
    }
}

void assert_refused_at(CK_RV rv, const char *call, const char *file, int line)
{
    if (rv != CKR_ATTRIBUTE_READ_ONLY && rv != CKR_ACTION_PROHIBITED && rv != CKR_TEMPLATE_INCONSISTENT &&
        rv != CKR_ATTRIBUTE_TYPE_INVALID) {
        print_error("# %s\n# is 0x%lx, which is no refusal\n", call, rv);
        _fail(file, line);
    }
}

struct buffer sealed(enum rsa_padding padding, struct bytes text)
{
    struct buffer blob = BUFFER_INIT(512);

    fake_encrypt(fake, "kek", padding, text, &blob);
    return blob;
}

static CK_RV unwrap_data_key(CK_ATTRIBUTE *list, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct buffer blob = sealed(RSA_PADDING_OAEP_SHA1, bytes_of_text(DATA_KEY));
    CK_RV rv =
        CALL(unwrap_key, &oaep_sha1, the(CKO_PRIVATE_KEY, "kek"), blob.data, blob.size, list, count, ret_key);

    buffer_free(&blob);
    return rv;
}

CK_RV make_key(enum origin origin, const CK_ATTRIBUTE *more, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    static char value[] = DATA_KEY;
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32, base = 2;
    CK_ATTRIBUTE list[3 + MOST_MORE] = {ATTRIBUTE(CKA_CLASS, secret_class),
                                        ATTRIBUTE(CKA_KEY_TYPE, aes_type)};

    assert_true(count <= MOST_MORE);
    if (origin == CREATED) {
        list[base++] = (CK_ATTRIBUTE){CKA_VALUE, value, 32};
    } else if (origin == GENERATED) {
        list[base++] = (CK_ATTRIBUTE)ATTRIBUTE(CKA_VALUE_LEN, size);
    }
    if (count != 0) {
        memcpy(list + base, more, count * sizeof *more);
    }
    switch (origin) {
    case CREATED:
        return CALL(create_object, list, base + count, ret_key);
    case GENERATED:
        return CALL(generate_key, &generate, list, base + count, ret_key);
    default:
        return unwrap_data_key(list, base + count, ret_key);
    }
}

CK_OBJECT_HANDLE key_with(enum origin origin, const CK_ATTRIBUTE *more, CK_ULONG count)
{
    CK_OBJECT_HANDLE key = 0;

    assert_rv(make_key(origin, more, count, &key), CKR_OK);
    assert_int_not_equal(key, 0);
    return key;
}

CK_OBJECT_HANDLE key_that_may(CK_ATTRIBUTE_TYPE use)
{
    const CK_ATTRIBUTE more[] = {ATTRIBUTE(use, yes)};

    return key_with(CREATED, more, 1);
}

bool flag_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = 7;
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, flag);

    assert_rv(CALL(get_attribute_value, object, &attribute, 1), CKR_OK);
    assert_int_equal(attribute.ulValueLen, 1);
    assert_true(flag <= CK_TRUE);
    return flag == CK_TRUE;
}

CK_ULONG number_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG number = 0;
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, number);

    assert_rv(CALL(get_attribute_value, object, &attribute, 1), CKR_OK);
    return number;
}

CK_RV set_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool flag)
{
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, yes);

    attribute.pValue = flag ? &yes : &no;
    return CALL(set_attribute_value, object, &attribute, 1);
}

CK_RV copy_with_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool flag, CK_OBJECT_HANDLE *ret_copy)
{
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, yes);

    attribute.pValue = flag ? &yes : &no;
    return CALL(copy_object, object, &attribute, 1, ret_copy);
}

CK_RV unwrap_as(CK_KEY_TYPE type, CK_ULONG value_len, CK_MECHANISM *mechanism, struct bytes blob,
                CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE list[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, type),
                           ATTRIBUTE(CKA_VALUE_LEN, value_len)};
    unsigned char copy[600];

    assert_true(blob.size <= sizeof copy);
    memcpy(copy, blob.data, blob.size);
    return CALL(unwrap_key, mechanism, the(CKO_PRIVATE_KEY, "kek"), copy, blob.size, list,
                value_len == 0 ? 2 : 3, ret_key);
}

CK_RV decrypt_with(CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism, struct bytes blob, CK_BYTE *out,
                   CK_ULONG *out_size)
{
    unsigned char copy[600];
    CK_RV rv = CALL(decrypt_init, mechanism, key);

    assert_true(blob.size <= sizeof copy);
    memcpy(copy, blob.data, blob.size);
    return rv == CKR_OK ? CALL(decrypt, copy, blob.size, out, out_size) : rv;
}

bool lists(CK_MECHANISM_TYPE type, CK_FLAGS flag)
{
    CK_MECHANISM_INFO info;

    return token->ops->get_mechanism_info(token, type, &info) == CKR_OK && (info.flags & flag) == flag;
}
