/* What the tests of the soft token share. */
#include "tests/pkcs11/soft/soft_test.h"
#include "backends/token_policy.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct key_service *fake;
struct token *token;
struct token_session *session;
CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY, secret_class = CKO_SECRET_KEY;
CK_KEY_TYPE aes_type = CKK_AES, generic_type = CKK_GENERIC_SECRET, rsa_type = CKK_RSA;

static CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS sha256 = {CKM_SHA256, CKG_MGF1_SHA256, 0, NULL, 0};
CK_MECHANISM oaep_none = {CKM_RSA_PKCS_OAEP, NULL, 0};
CK_MECHANISM oaep_sha1 = {CKM_RSA_PKCS_OAEP, &sha1, sizeof sha1};
CK_MECHANISM oaep_sha256 = {CKM_RSA_PKCS_OAEP, &sha256, sizeof sha256};
CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};

static char folder[64];
static struct settings_file *settings;
static const char *const fake_words[] = {"fake", NULL};
static const struct setting_option every_option[] = {
    {.name = "backend", .type = SETTING_WORD, .words = fake_words},
};

const char *soft_folder(void)
{
    return folder;
}

void soft_write(const char *name, struct bytes content)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
}

int soft_begin(void **state)
{
    (void)state;
    token = NULL;
    session = NULL;
    settings = NULL;
    snprintf(folder, sizeof folder, "/tmp/byok-soft.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    fake = fake_key_service_new();
    fake_add(fake, "kek", 2048);
    fake_configure(fake, "kek");
    return 0;
}

CK_RV soft_try_open(const char *options)
{
    const struct setting_group groups[] = {
        {NULL, every_option, 1},
        {NULL, token_policy_options, token_policy_option_count},
        {"fake", soft_token_options, soft_token_option_count},
    };
    const struct setting_group global = {NULL, NULL, 0};
    char text[1024], reserved[256];
    CK_RV rv;

    snprintf(text, sizeof text, "token \"soft\" {\n    backend = fake\n%s\n}\n", options);
    soft_write("conf", bytes_of_text(text));
    snprintf(reserved, sizeof reserved, "config=%s/conf", folder);
    assert_rv(settings_read(reserved, &global, groups, COUNT(groups), &settings), CKR_OK);
    rv = soft_token_open(fake, settings_section(settings, 0), 1, &token);
    if (rv != CKR_OK) {
        fake = fake_key_service_new(); /* the token owned the other */
    }
    return rv;
}

void soft_open(const char *options)
{
    assert_rv(soft_try_open(options), CKR_OK);
    assert_rv(token->ops->open_session(token, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
              CKR_OK);
}

struct token *soft_open_another(struct key_service *service, unsigned number)
{
    struct token *another = NULL;

    assert_rv(soft_token_open(service, settings_section(settings, 0), number, &another), CKR_OK);
    return another;
}

int soft_setup(void **state)
{
    if (soft_begin(state) != 0) {
        return -1;
    }
    soft_open("");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

int soft_end(void **state)
{
    (void)state;
    if (session != NULL) {
        token->ops->close_session(session);
    }
    if (token != NULL) {
        token->ops->close(token);
    } else {
        fake->ops->close(fake);
    }
    settings_free(settings);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

CK_ULONG find(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most)
{
    CK_ULONG found = 0;

    assert_rv(CALL(find_objects_init, template, count), CKR_OK);
    assert_rv(CALL(find_objects, ret_objects, most, &found), CKR_OK);
    assert_rv(CALL(find_objects_final), CKR_OK);
    return found;
}

static CK_ULONG find_labelled(CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *ret_objects,
                              CK_ULONG most)
{
    char text[256];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, class), {CKA_LABEL, text, strlen(label)}};

    snprintf(text, sizeof text, "%s", label);
    return find(template, COUNT(template), ret_objects, most);
}

CK_OBJECT_HANDLE the(CK_OBJECT_CLASS class, const char *label)
{
    CK_OBJECT_HANDLE found[2] = {0, 0};

    assert_int_equal(find_labelled(class, label, found, 2), 1);
    return found[0];
}

CK_ULONG count_of(CK_OBJECT_CLASS class, const char *label)
{
    CK_OBJECT_HANDLE found[4];

    return find_labelled(class, label, found, COUNT(found));
}

CK_OBJECT_HANDLE aes_key(const void *value, CK_ULONG size)
{
    unsigned char copy[64];
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class),
                               ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               {CKA_VALUE, copy, size},
                               ATTRIBUTE(CKA_ENCRYPT, yes),
                               ATTRIBUTE(CKA_DECRYPT, yes),
                               ATTRIBUTE(CKA_WRAP, yes),
                               ATTRIBUTE(CKA_UNWRAP, yes),
                               ATTRIBUTE(CKA_SENSITIVE, no),
                               ATTRIBUTE(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key = 0;

    memcpy(copy, value, size);
    assert_rv(CALL(create_object, template, COUNT(template), &key), CKR_OK);
    return key;
}

CK_ULONG read_value(CK_OBJECT_HANDLE key, unsigned char *value, CK_ULONG room)
{
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, room};

    assert_rv(CALL(get_attribute_value, key, &attribute, 1), CKR_OK);
    return attribute.ulValueLen;
}

CK_RV wrap_under(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, unsigned char blob[512], CK_ULONG *size)
{
    CK_OBJECT_HANDLE key = aes_key("0123456789abcdef0123456789abcdef", 32);
    CK_RV rv;

    *size = 512;
    rv = CALL(wrap_key, mechanism, kek, key, blob, size);
    assert_rv(CALL(destroy_object, key), CKR_OK);
    return rv;
}

CK_RV unwrap_under(CK_OBJECT_HANDLE kek, CK_MECHANISM *mechanism, unsigned char *blob, CK_ULONG size,
                   CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type),
                               ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes),
                               ATTRIBUTE(CKA_DECRYPT, yes)};

    return CALL(unwrap_key, mechanism, kek, blob, size, template, COUNT(template), ret_key);
}
