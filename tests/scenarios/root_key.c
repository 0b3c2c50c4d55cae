/* Making, wrapping and using the root key: all that an application needs to honour a customer's key. */
#include "tests/scenarios/root_key.h"
#include <stdint.h>
#include <string.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;
static CK_ULONG key_size = 32;
#define ALL_OF(value) &(value), sizeof(value)

/* SHA-1, because SoftHSM has no other here; OAEP does not need its hash to resist collisions. */
static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static struct rsa_aes_key_wrap_params long_sha1 = {256, &sha1};
static CK_MECHANISM by_oaep = {CKM_RSA_PKCS_OAEP, ALL_OF(sha1)};
static CK_MECHANISM by_rsa_aes = {CKM_RSA_AES_KEY_WRAP, ALL_OF(long_sha1)};

/* Nobody can read it; whoever has it can wrap it again. */
static CK_ATTRIBUTE root_key_is[] = {{CKA_CLASS, ALL_OF(secret_key)}, {CKA_KEY_TYPE, ALL_OF(aes)},
                                     {CKA_TOKEN, ALL_OF(no)},         {CKA_SENSITIVE, ALL_OF(yes)},
                                     {CKA_EXTRACTABLE, ALL_OF(yes)},  {CKA_ENCRYPT, ALL_OF(yes)},
                                     {CKA_DECRYPT, ALL_OF(yes)},      {CKA_VALUE_LEN, ALL_OF(key_size)}};
enum { GENERATED = 8, UNWRAPPED = 7 }; /* how many of them: a wrapped key brings its own length */

static bool has_two_layers(const struct root_key *root)
{
    return root->outer.session != 0;
}

static void destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *object)
{
    if (*object != 0) {
        (void)p11->C_DestroyObject(session, *object);
    }
    *object = 0;
}

/* --- The outer layer: a blob is a key like any other, only that it is too long for RSA alone --- */

static CK_RV wrap_blob(const struct customer_key *outer, struct blob *inner, struct blob *ret_blob)
{
    CK_ATTRIBUTE blob_is[] = {{CKA_CLASS, ALL_OF(secret_key)}, {CKA_KEY_TYPE, ALL_OF(generic)},
                              {CKA_TOKEN, ALL_OF(no)},         {CKA_EXTRACTABLE, ALL_OF(yes)},
                              {CKA_SENSITIVE, ALL_OF(no)},     {CKA_VALUE, inner->bytes, inner->size}};
    CK_OBJECT_HANDLE object;
    CK_RV rv = ASK(C_CreateObject, outer->session, blob_is, sizeof blob_is / sizeof *blob_is, &object);

    if (rv != CKR_OK) {
        return rv;
    }
    ret_blob->size = BLOB_MOST;
    rv = ASK(C_WrapKey, outer->session, &by_rsa_aes, outer->public, object, ret_blob->bytes, &ret_blob->size);
    destroy(outer->session, &object);
    return rv;
}

static CK_RV unwrap_blob(const struct customer_key *outer, struct blob *blob, CK_OBJECT_HANDLE *ret_inner)
{
    CK_ATTRIBUTE blob_is[] = {{CKA_CLASS, ALL_OF(secret_key)},
                              {CKA_KEY_TYPE, ALL_OF(generic)},
                              {CKA_TOKEN, ALL_OF(no)},
                              {CKA_EXTRACTABLE, ALL_OF(yes)},
                              {CKA_SENSITIVE, ALL_OF(no)}};

    return ASK(C_UnwrapKey, outer->session, &by_rsa_aes, outer->private, blob->bytes, blob->size, blob_is,
               sizeof blob_is / sizeof *blob_is, ret_inner);
}

/* Closed with the outer key, like everything that was unwrapped under it. */
static CK_RV read_blob(const struct customer_key *outer, CK_OBJECT_HANDLE inner, struct blob *ret_blob)
{
    CK_ATTRIBUTE value = {CKA_VALUE, ret_blob->bytes, BLOB_MOST};
    CK_RV rv = ASK(C_GetAttributeValue, outer->session, inner, &value, 1);

    ret_blob->size = value.ulValueLen;
    return rv;
}

/* --- The root key itself --- */

static CK_RV wrap(const struct root_key *root, CK_OBJECT_HANDLE key, struct blob *ret_blob)
{
    struct blob inner = {.size = BLOB_MOST};
    CK_RV rv = ASK(C_WrapKey, root->kek.session, &by_oaep, root->kek.public, key, inner.bytes, &inner.size);

    if (rv == CKR_OK && has_two_layers(root)) {
        return wrap_blob(&root->outer, &inner, ret_blob);
    }
    *ret_blob = inner;
    return rv;
}

static CK_RV unwrap(const struct root_key *root, struct blob *blob, CK_OBJECT_HANDLE *ret_key)
{
    return ASK(C_UnwrapKey, root->kek.session, &by_oaep, root->kek.private, blob->bytes, blob->size,
               root_key_is, UNWRAPPED, ret_key);
}

CK_RV root_key_open(struct root_key *root, const struct blob *blob)
{
    struct blob copy = *blob;

    return has_two_layers(root) ? unwrap_blob(&root->outer, &copy, &root->inner_blob)
                                : unwrap(root, &copy, &root->key);
}

/* The generated key is given up at once: only what came out of the blob is closed with the customer's key. */
CK_RV root_key_make(struct root_key *root, struct blob *ret_blob)
{
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key;
    CK_RV rv = ASK(C_GenerateKey, root->kek.session, &generate, root_key_is, GENERATED, &key);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = wrap(root, key, ret_blob);
    destroy(root->kek.session, &key);
    return rv == CKR_OK ? root_key_open(root, ret_blob) : rv;
}

/* The root key for one use. */
static CK_RV take(struct root_key *root, CK_OBJECT_HANDLE *ret_key)
{
    struct blob inner;
    CK_RV rv;

    if (!has_two_layers(root)) {
        *ret_key = root->key;
        return CKR_OK;
    }
    rv = read_blob(&root->outer, root->inner_blob, &inner);
    return rv == CKR_OK ? unwrap(root, &inner, ret_key) : rv;
}

static void give_back(struct root_key *root, CK_OBJECT_HANDLE key)
{
    if (has_two_layers(root)) {
        destroy(root->kek.session, &key);
    }
}

CK_RV root_key_wrap_again(struct root_key *root, struct blob *ret_blob)
{
    CK_OBJECT_HANDLE key;
    CK_RV rv = take(root, &key);

    if (rv == CKR_OK) {
        rv = wrap(root, key, ret_blob);
        give_back(root, key);
    }
    return rv;
}

void root_key_close(struct root_key *root)
{
    destroy(root->kek.session, &root->key);
    destroy(root->outer.session, &root->inner_blob);
    customer_key_close(&root->kek);
    customer_key_close(&root->outer);
}

/* --- Data --- */

static CK_RV gcm_encrypt(struct root_key *root, CK_OBJECT_HANDLE key, CK_MECHANISM *gcm, CK_BYTE *iv,
                         const CK_BYTE *plain, CK_ULONG plain_size, CK_ULONG *size)
{
    CK_RV rv = ASK(C_GenerateRandom, root->kek.session, iv, IV_SIZE);

    if (rv == CKR_OK && (rv = ASK(C_EncryptInit, root->kek.session, gcm, key)) == CKR_OK) {
        *size -= IV_SIZE;
        rv = ASK(C_Encrypt, root->kek.session, (CK_BYTE *)(uintptr_t)plain, plain_size, iv + IV_SIZE, size);
        *size += IV_SIZE;
    }
    return rv;
}

CK_RV root_key_encrypt(struct root_key *root, const char *name, const CK_BYTE *plain, CK_ULONG plain_size,
                       CK_BYTE *ret_sealed, CK_ULONG *size)
{
    CK_GCM_PARAMS params = {ret_sealed,   IV_SIZE,     8 * IV_SIZE, (CK_BYTE *)(uintptr_t)name,
                            strlen(name), 8 * TAG_SIZE};
    CK_MECHANISM gcm = {CKM_AES_GCM, ALL_OF(params)};
    CK_OBJECT_HANDLE key;
    CK_RV rv = take(root, &key);

    if (rv == CKR_OK) {
        rv = gcm_encrypt(root, key, &gcm, ret_sealed, plain, plain_size, size);
        give_back(root, key);
    }
    return rv;
}

static CK_RV gcm_decrypt(struct root_key *root, CK_OBJECT_HANDLE key, CK_MECHANISM *gcm, CK_BYTE *sealed,
                         CK_ULONG sealed_size, CK_BYTE *ret_plain, CK_ULONG *size)
{
    CK_RV rv = ASK(C_DecryptInit, root->kek.session, gcm, key);

    return rv != CKR_OK
               ? rv
               : ASK(C_Decrypt, root->kek.session, sealed + IV_SIZE, sealed_size - IV_SIZE, ret_plain, size);
}

CK_RV root_key_decrypt(struct root_key *root, const char *name, const CK_BYTE *sealed, CK_ULONG sealed_size,
                       CK_BYTE *ret_plain, CK_ULONG *size)
{
    CK_BYTE *from = (CK_BYTE *)(uintptr_t)sealed;
    CK_GCM_PARAMS params = {from,         IV_SIZE,     8 * IV_SIZE, (CK_BYTE *)(uintptr_t)name,
                            strlen(name), 8 * TAG_SIZE};
    CK_MECHANISM gcm = {CKM_AES_GCM, ALL_OF(params)};
    CK_OBJECT_HANDLE key;
    CK_RV rv = sealed_size < IV_SIZE + TAG_SIZE ? CKR_ENCRYPTED_DATA_INVALID : take(root, &key);

    if (rv == CKR_OK) {
        rv = gcm_decrypt(root, key, &gcm, from, sealed_size, ret_plain, size);
        give_back(root, key);
    }
    return rv;
}
