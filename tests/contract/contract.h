/*
 * One suite over every kind of token: what a row says a token can do, it must do as the standard says it.
 * What differs from kind to kind stands in the row and nowhere else.
 */
#ifndef BYOK_TESTS_CONTRACT_H
#define BYOK_TESTS_CONTRACT_H

#include "tests/suite.h"
#include <stdbool.h>

/* The codes that a pass-through token takes from the HSM underneath, and the others from the standard. */
struct contract_codes {
    CK_RV bad_blob;           /* C_UnwrapKey of what does not open */
    CK_RV bad_blob_length;    /* ... of what has not the length of the modulus */
    CK_RV bad_tag;            /* C_Decrypt of a changed GCM ciphertext */
    CK_RV bad_padding;        /* C_Decrypt of a changed CBC ciphertext */
    CK_RV bad_wrapped;        /* C_UnwrapKey under AES of a changed blob */
    CK_RV key_too_long;       /* C_WrapKey of what does not fit into the modulus */
    CK_RV missing_key_type;   /* C_UnwrapKey without CKA_KEY_TYPE */
    CK_RV wrong_parameters;   /* OAEP with two different hashes */
    CK_RV not_a_wrapping_key; /* C_WrapKey under a private key */
    CK_RV unknown_key;        /* C_EncryptInit with a handle of nothing */
};

struct contract_row {
    const char *name;   /* of the row */
    const char *token;  /* its label */
    const char *kek;    /* an RSA-2048 key pair, label */
    const char *kek_id; /* CKA_ID */
    bool sha256;        /* knows OAEP with SHA-256 */
    bool login_once;    /* C_Login changes nothing: the first is welcome, whatever the PIN */
    bool key_info;      /* CKA_PUBLIC_KEY_INFO is there */
    struct contract_codes codes;
};

extern const struct contract_row *row;
extern CK_FUNCTION_LIST *p11;
extern CK_SLOT_ID slot;

/* Fills in the two above; false, with a line that says why, where there is no such token. */
bool contract_begin(CK_FUNCTION_LIST *functions, const char *name);
/* All rooms in one TAP run; how many tests failed. */
int contract_run(void);

/* For each test its own session, open while it runs: cmocka_unit_test_setup_teardown(test, in, out). */
int in(void **state);
int out(void **state);
#define with_session(test) cmocka_unit_test_setup_teardown(test, in, out)
extern CK_SESSION_HANDLE session;

/* All objects that fit; at most `most`. */
CK_ULONG find(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most);
CK_OBJECT_HANDLE public_kek(void);
CK_OBJECT_HANDLE private_kek(void);

/* An AES session key: ENCRYPT, DECRYPT, WRAP, UNWRAP, extractable and readable. */
CK_OBJECT_HANDLE generate_aes(CK_ULONG size);
/* The same with this value. */
CK_OBJECT_HANDLE create_aes(const unsigned char *value, CK_ULONG size);
/* A key's CKA_VALUE into `value`, of at least 64 bytes. */
CK_ULONG value_of(CK_OBJECT_HANDLE key, unsigned char *value);

/* What is asked of an unwrapped key: AES, all usages, readable. TEMPLATE_SIZE attributes. */
enum { TEMPLATE_SIZE = 9, MODULUS_SIZE = 256 };
extern CK_ATTRIBUTE data_key_template[TEMPLATE_SIZE];

struct wrapping {
    const char *name;
    CK_MECHANISM mechanism;
    CK_ULONG most; /* bytes that fit under RSA-2048 */
};

/* The ways this row wraps under RSA; the first is OAEP with SHA-1. */
extern const struct wrapping wrappings[];
CK_ULONG wrapping_count(void);

extern CK_BBOOL truth, untruth;
#define ATTRIBUTE(type, variable)                                                                            \
    {                                                                                                        \
        (type), &(variable), sizeof(variable)                                                                \
    }

#define assert_rv(call, expected) assert_rv_at((call), (expected), #call, __FILE__, __LINE__)
void assert_rv_at(CK_RV got, CK_RV expected, const char *call, const char *file, int line);

/* The rooms of the suite. */
extern const struct room session_room, object_room, wrap_room, secret_key_room, sign_room, bad_call_room;

#endif
