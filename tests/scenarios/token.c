/* Loading the module; finding tokens and keys in them. */
#include "tests/scenarios/token.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P11_KIT_FUTURE_UNSTABLE_API 1
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

enum { MOST_SLOTS = 16, MOST_KEYS = 64, MOST_TERMS = 4 };

CK_FUNCTION_LIST *p11;
const char *asked = "";

bool module_open(void)
{
    const char *path = getenv("MODULE");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_RV rv;

    if (library == NULL) {
        fprintf(stderr, "service: %s\n", path == NULL ? "MODULE is not set" : dlerror());
        return false;
    }
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&p11) != CKR_OK) {
        fprintf(stderr, "service: %s is no PKCS#11 module\n", path);
        return false;
    }
    rv = ASK(C_Initialize, NULL);
    if (rv != CKR_OK) {
        fprintf(stderr, "service: C_Initialize: %s\n", code_name(rv));
    }
    return rv == CKR_OK;
}

const char *code_name(CK_RV rv)
{
    static char number[24];
    static const struct {
        CK_RV rv;
        const char *name;
    } names[] = {
#define NAMED(code) {code, #code}
        NAMED(CKR_ARGUMENTS_BAD),
        NAMED(CKR_ATTRIBUTE_SENSITIVE),
        NAMED(CKR_ATTRIBUTE_TYPE_INVALID),
        NAMED(CKR_DEVICE_ERROR),
        NAMED(CKR_ENCRYPTED_DATA_INVALID),
        NAMED(CKR_FUNCTION_CANCELED),
        NAMED(CKR_FUNCTION_FAILED),
        NAMED(CKR_GENERAL_ERROR),
        NAMED(CKR_KEY_FUNCTION_NOT_PERMITTED),
        NAMED(CKR_KEY_HANDLE_INVALID),
        NAMED(CKR_MECHANISM_INVALID),
        NAMED(CKR_OBJECT_HANDLE_INVALID),
        NAMED(CKR_OK),
        NAMED(CKR_SESSION_HANDLE_INVALID),
        NAMED(CKR_TOKEN_NOT_PRESENT),
        NAMED(CKR_UNWRAPPING_KEY_HANDLE_INVALID),
        NAMED(CKR_USER_NOT_LOGGED_IN),
        NAMED(CKR_WRAPPED_KEY_INVALID),
        NAMED(CKR_WRAPPING_KEY_HANDLE_INVALID),
        NAMED(CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
#undef NAMED
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].rv == rv) {
            return names[i].name;
        }
    }
    snprintf(number, sizeof number, "0x%lx", rv);
    return number;
}

/* --- Tokens --- */

static CK_RV open_slot(P11KitUri *uri, CK_SESSION_HANDLE *ret_session)
{
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG count = MOST_SLOTS;
    CK_RV rv = ASK(C_GetSlotList, CK_TRUE, slots, &count);

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_TOKEN_INFO info;

        if (ASK(C_GetTokenInfo, slots[i], &info) == CKR_OK && p11_kit_uri_match_token_info(uri, &info)) {
            return ASK(C_OpenSession, slots[i], CKF_SERIAL_SESSION, NULL, NULL, ret_session);
        }
    }
    return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

/* The objects of this class that the URI fits. */
static CK_RV find(CK_SESSION_HANDLE session, P11KitUri *uri, CK_OBJECT_CLASS class,
                  CK_OBJECT_HANDLE *ret_found, CK_ULONG most, CK_ULONG *ret_count)
{
    CK_ATTRIBUTE terms[MOST_TERMS] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG named = 0;
    const CK_ATTRIBUTE *of_uri = p11_kit_uri_get_attributes(uri, &named);
    CK_RV rv;

    if (named > MOST_TERMS - 1) {
        return CKR_ARGUMENTS_BAD;
    }
    memcpy(terms + 1, of_uri, named * sizeof *terms);
    rv = ASK(C_FindObjectsInit, session, terms, named + 1);
    if (rv != CKR_OK) {
        return rv;
    }
    rv = ASK(C_FindObjects, session, ret_found, most, ret_count);
    (void)p11->C_FindObjectsFinal(session);
    return rv;
}

static CK_RV find_one(CK_SESSION_HANDLE session, P11KitUri *uri, CK_OBJECT_CLASS class,
                      CK_OBJECT_HANDLE *ret_key)
{
    CK_ULONG count = 0;
    CK_RV rv = find(session, uri, class, ret_key, 1, &count);

    return rv == CKR_OK && count == 0 ? CKR_KEY_HANDLE_INVALID : rv;
}

static CK_RV find_pair(P11KitUri *uri, struct customer_key *key)
{
    CK_RV rv = find_one(key->session, uri, CKO_PUBLIC_KEY, &key->public);

    return rv == CKR_OK ? find_one(key->session, uri, CKO_PRIVATE_KEY, &key->private) : rv;
}

static CK_RV find_by(P11KitUri *uri, const char *text, struct customer_key *ret_key)
{
    struct customer_key key = {0};
    CK_RV rv = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) == P11_KIT_URI_OK
                   ? open_slot(uri, &key.session)
                   : CKR_ARGUMENTS_BAD;

    if (rv == CKR_OK && (rv = find_pair(uri, &key)) != CKR_OK) {
        customer_key_close(&key);
    }
    if (rv == CKR_OK) {
        *ret_key = key;
    }
    return rv;
}

CK_RV customer_key_find(const char *text, struct customer_key *ret_key)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_RV rv = find_by(uri, text, ret_key);

    p11_kit_uri_free(uri);
    return rv;
}

void customer_key_close(struct customer_key *key)
{
    if (key->session != 0) {
        (void)p11->C_CloseSession(key->session);
    }
    *key = (struct customer_key){0};
}

/* --- What is told of keys --- */

static CK_RV read_text(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type,
                       char *ret_text, size_t size)
{
    CK_ATTRIBUTE read = {type, ret_text, size - 1};
    CK_RV rv = p11->C_GetAttributeValue(session, key, &read, 1);

    ret_text[rv == CKR_OK ? read.ulValueLen : 0] = '\0';
    return rv;
}

static CK_RV list(CK_SESSION_HANDLE session, P11KitUri *uri, char *ret_labels, size_t size)
{
    CK_OBJECT_HANDLE keys[MOST_KEYS];
    CK_ULONG count = 0;
    CK_RV rv = find(session, uri, CKO_PUBLIC_KEY, keys, MOST_KEYS, &count);
    size_t used = 0;

    ret_labels[0] = '\0';
    for (CK_ULONG i = 0; rv == CKR_OK && i < count && used < size; i++) {
        char label[128];

        rv = read_text(session, keys[i], CKA_LABEL, label, sizeof label);
        used += (size_t)snprintf(ret_labels + used, size - used, " %s", label);
    }
    return rv;
}

static CK_RV list_by(P11KitUri *uri, const char *text, char *ret_labels, size_t size)
{
    CK_SESSION_HANDLE session;
    CK_RV rv = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) == P11_KIT_URI_OK ? open_slot(uri, &session)
                                                                                   : CKR_ARGUMENTS_BAD;

    if (rv != CKR_OK) {
        return rv;
    }
    rv = list(session, uri, ret_labels, size);
    (void)p11->C_CloseSession(session);
    return rv;
}

CK_RV token_keys(const char *text, char *ret_labels, size_t size)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_RV rv = list_by(uri, text, ret_labels, size);

    p11_kit_uri_free(uri);
    return rv;
}

void key_version(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, char ret_version[40])
{
    if (read_text(session, key, CKA_BYOK_KEY_VERSION, ret_version, 40) != CKR_OK || ret_version[0] == '\0') {
        strcpy(ret_version, "-");
    }
}
