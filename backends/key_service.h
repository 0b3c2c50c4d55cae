/*
 * What a key service does for the soft token: the lower of the two interfaces. A service keeps a few keys and
 * has a few verbs; everything else that Cryptoki promises, pkcs11/soft makes of them. Requests arrive validated
 * (lengths, mechanism parameters, usages that are known), so the service only carries them out.
 *
 * Threads: every function but open and close may be called by all threads at once; they block on the network
 * until the deadline at most. No lock is held by the caller, and none by the service while it waits.
 *
 * Errors: the CK_RV is the one for the C_ function that is named in the comment and reaches the application
 * unchanged; its cause has been logged. Who wants to know the cause reads struct service_answer, which is filled
 * in whatever the result; nobody infers it from a CK_RV.
 */
#ifndef BYOK_BACKENDS_KEY_SERVICE_H
#define BYOK_BACKENDS_KEY_SERVICE_H

#include "backends/base/buffer.h"
#include "backends/base/deadline.h"
#include "backends/base/ec.h"
#include "backends/base/rsa.h"
#include "backends/base/secret.h"
#include "backends/base/settings.h"

enum {
    KEY_NAME_SIZE = 128,   /* 127 characters and a zero */
    KEY_VERSION_SIZE = 65, /* the vault's have 32 characters */
    KEY_TEXT_SIZE = 512,   /* a full identifier, which is a URL */
    REQUEST_ID_SIZE = 65,
    PRINCIPAL_SIZE = 65
};

struct key_ref {
    const char *name;
    const char *version; /* NULL: the latest */
    bool trial;          /* a ciphertext that it calls bad is no line in the log: others are tried, or the
                            caller tells it */
};

enum key_type { KEY_TYPE_UNKNOWN, KEY_TYPE_RSA, KEY_TYPE_EC, KEY_TYPE_OCT };

/* What signs a digest; the names of RFC 7518 without their prefix. PSS: MGF1 and salt as the digest. */
enum signature_algorithm {
    SIGNATURE_RS256, /* digests of 32, 48, 64 bytes; the service makes the DigestInfo */
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_PS384,
    SIGNATURE_PS512,
    SIGNATURE_ES256, /* with P-256, P-384, P-521 and a digest of 32, 48, 64 bytes */
    SIGNATURE_ES384,
    SIGNATURE_ES512
};

/* What a symmetric key that stays in the service does (oct-HSM). */
enum aes_algorithm {
    AES_KW,      /* RFC 3394; wrap and unwrap */
    AES_KWP,     /* RFC 5649; wrap and unwrap */
    AES_CBC,     /* encrypt and decrypt, whole blocks */
    AES_CBC_PAD, /* PKCS #7 */
    AES_GCM      /* the service chooses the IV when it encrypts */
};

enum aes_verb { AES_WRAP, AES_UNWRAP, AES_ENCRYPT, AES_DECRYPT };

enum { AES_IV_SIZE = 16, AES_TAG_SIZE = 16 };

struct aes_task {
    enum aes_verb verb;
    enum aes_algorithm algorithm;
    unsigned key_bits; /* 128, 192, 256; 0: not known, the service is asked for each in turn */
    struct bytes data;
    struct bytes iv;       /* CBC: 16 bytes. GCM decrypt: 12 */
    struct bytes aad, tag; /* GCM; the tag when it decrypts */
};

/* What comes with the value. */
struct aes_extra {
    unsigned key_bits;                                /* what the key turned out to have, 0: not learned */
    unsigned char iv[AES_IV_SIZE], tag[AES_TAG_SIZE]; /* GCM encrypt */
    size_t iv_size, tag_size;
};

/* What a key may be used for, as its owner set it (key_ops). */
enum key_use {
    KEY_USE_ENCRYPT = 1 << 0,
    KEY_USE_DECRYPT = 1 << 1,
    KEY_USE_SIGN = 1 << 2,
    KEY_USE_VERIFY = 1 << 3,
    KEY_USE_WRAP = 1 << 4,
    KEY_USE_UNWRAP = 1 << 5
};

/* What may not have been told. */
enum told { NOT_TOLD, TOLD_NO, TOLD_YES };

/* What is known of one version of a key. A listing tells less than asking for the key. */
struct key_info {
    char name[KEY_NAME_SIZE];
    char version[KEY_VERSION_SIZE]; /* "": not known (a listing names keys, not versions) */
    enum key_type type;
    bool enabled;
    enum told in_hardware;
    enum told recoverable;     /* once deleted it can be had back for a time */
    enum told purge_protected; /* and nobody can delete it for good before that is over */
    bool uses_known;
    unsigned uses;                        /* enum key_use, or-ed; only where uses_known */
    int64_t created, not_before, expires; /* seconds since 1970, 0: not set or not known */
    struct rsa_public *rsa;               /* NULL: not RSA, or not told. Owned: free or take */
    struct ec_public *ec;                 /* the same for EC */
};

/* A certificate that the service keeps. */
struct certificate_info {
    char name[KEY_NAME_SIZE];
    char key_name[KEY_NAME_SIZE]; /* of the key it certifies, "": not told */
    struct bytes der;             /* X.509; lent */
};

enum service_verdict {
    VERDICT_NONE, /* no request was made */
    VERDICT_ACCEPTED,
    VERDICT_BAD_BLOB,    /* the service calls the ciphertext bad, for whatever reason */
    VERDICT_BAD_REQUEST, /* it calls something else bad */
    VERDICT_DISABLED,    /* the key is disabled */
    VERDICT_REFUSED,     /* this caller may not, or the key may not do this */
    VERDICT_GONE,        /* there is no such key or version */
    VERDICT_NO_ACCESS,   /* the credential is refused, or there is none */
    VERDICT_NO_CALLER,   /* the identity service says that the application is disabled or unknown */
    VERDICT_UNREACHABLE  /* everything else: network, firewall, throttling, errors of the service, time */
};

struct service_answer {
    enum service_verdict verdict;
    char version[KEY_VERSION_SIZE];          /* which version did it; "": not told */
    bool of_version;                         /* REFUSED by what this version's owner lets it do (key_ops),
                                                whoever asks: another version may */
    unsigned status;                         /* HTTP status of the last try, 0: none came */
    unsigned tries;                          /* requests to the key service, without those for a token */
    int64_t date;                            /* the service's clock, seconds since 1970; 0: not told */
    char request_id[REQUEST_ID_SIZE];        /* the service's */
    char client_request_id[REQUEST_ID_SIZE]; /* ours */
    char principal[PRINCIPAL_SIZE];          /* the object id of who asked, "": not known */
};

struct key_service_ops;

/* An instance; a kind's private struct holds it as its first member. Constant once opened. */
struct key_service {
    const struct key_service_ops *ops;
    int64_t timeout;          /* milliseconds that one C_ call may take */
    const char *manufacturer; /* for CK_TOKEN_INFO: at most 32 characters of ASCII, stable */
    const char *model;        /* at most 16 */
    char serial[17];          /* at most 16; differs from store to store, the same on every start */
    unsigned aes_algorithms;  /* 1 << enum aes_algorithm, or-ed: what its symmetric keys do; 0: it has none */
};

/* Called for each key; `info` is lent for the call (its `rsa` may be taken). False ends the walk. */
typedef bool key_visitor(void *arg, struct key_info *info);
/* Called for each configured key; the strings are lent for the life of the service. */
typedef void key_ref_visitor(void *arg, const struct key_ref *key);
/* Called for each certificate's name, lent for the call. False ends the walk. */
typedef bool certificate_name_visitor(void *arg, const char *name);
/* Called once, with what is lent for the call. */
typedef CK_RV certificate_visitor(void *arg, const struct certificate_info *certificate);

struct key_service_ops {
    const char *name; /* the word in the configuration: "keyvault" */

    /* Wipes its secrets and frees it; takes a half-opened one and NULL. No network. */
    void (*close)(struct key_service *service);

    /* The keys that the configuration names, in its order. No network. */
    void (*each_named)(struct key_service *service, key_ref_visitor *visit, void *arg);

    /*
     * Versions that the configuration says may have wrapped what is still in use, in its order; `version` is
     * never NULL. No network. NULL: it cannot say so.
     */
    void (*each_older)(struct key_service *service, key_ref_visitor *visit, void *arg);

    /* The key's full identifier, for the log and for records; with its version where there is one. No network. */
    void (*identify)(struct key_service *service, const struct key_ref *key, char ret_text[KEY_TEXT_SIZE]);

    /* All keys the caller may list (for C_FindObjects); one request for each page. */
    CK_RV(*each_key)
    (struct key_service *service, struct deadline deadline, key_visitor *visit, void *arg,
     struct service_answer *ret_answer);

    /* The versions of a key, in no order, each with its name, version, dates and whether it is enabled; one
     * request for each page. NULL: a service without versions. */
    CK_RV(*each_version)
    (struct key_service *service, const char *name, struct deadline deadline, key_visitor *visit, void *arg,
     struct service_answer *ret_answer);

    /* What can be known of a key. CK_RV as of a call that is neither C_WrapKey nor C_UnwrapKey. */
    CK_RV(*public_part)
    (struct key_service *service, const struct key_ref *key, struct deadline deadline,
     struct key_info *ret_info, struct service_answer *ret_answer);

    /*
     * C_WrapKey and C_UnwrapKey. The blob replaces what ret_blob held; ret_key must be empty. An answer whose
     * length no RSA key could give is CKR_DEVICE_ERROR.
     */
    CK_RV(*wrap)
    (struct key_service *service, const struct key_ref *kek, enum rsa_padding padding, struct bytes key,
     struct deadline deadline, struct buffer *ret_blob, struct service_answer *ret_answer);
    CK_RV(*unwrap)
    (struct key_service *service, const struct key_ref *kek, enum rsa_padding padding, struct bytes blob,
     struct deadline deadline, struct secret *ret_key, struct service_answer *ret_answer);

    /* C_Encrypt and C_Decrypt: the same under the permissions of other names. */
    CK_RV(*encrypt)
    (struct key_service *service, const struct key_ref *key, enum rsa_padding padding, struct bytes plain,
     struct deadline deadline, struct buffer *ret_blob, struct service_answer *ret_answer);
    CK_RV(*decrypt)
    (struct key_service *service, const struct key_ref *key, enum rsa_padding padding, struct bytes blob,
     struct deadline deadline, struct secret *ret_plain, struct service_answer *ret_answer);

    /*
     * The rest is NULL where a service cannot do it.
     *
     * C_Sign. The digest has the algorithm's length. The signature replaces what ret_signature held: as long
     * as the modulus, or r and s one after the other, each as long as a coordinate.
     */
    CK_RV(*sign)
    (struct key_service *service, const struct key_ref *key, enum signature_algorithm algorithm,
     struct bytes digest, struct deadline deadline, struct buffer *ret_signature,
     struct service_answer *ret_answer);

    /*
     * C_WrapKey, C_UnwrapKey, C_Encrypt and C_Decrypt with a symmetric key of the service. The ciphertext or
     * plaintext goes to ret_value, which must be empty. Without a request: CKR_MECHANISM_INVALID for what
     * aes_algorithms lacks, CKR_DATA_LEN_RANGE for more than the service takes.
     */
    CK_RV(*aes)
    (struct key_service *service, const struct key_ref *key, const struct aes_task *task,
     struct deadline deadline, struct secret *ret_value, struct aes_extra *ret_extra,
     struct service_answer *ret_answer);

    /* C_GenerateRandom: fills `size` bytes; when it fails, what came before is wiped. */
    CK_RV(*random)
    (struct key_service *service, unsigned char *ret_data, size_t size, struct deadline deadline,
     struct service_answer *ret_answer);

    /* The names of its certificates; one request for each page. */
    CK_RV(*each_certificate)
    (struct key_service *service, struct deadline deadline, certificate_name_visitor *visit, void *arg,
     struct service_answer *ret_answer);
    /* The newest version of one of them. What `visit` returns is the result; CKR_OBJECT_HANDLE_INVALID: there
     * is none. */
    CK_RV(*certificate)
    (struct key_service *service, const char *name, struct deadline deadline, certificate_visitor *visit,
     void *arg, struct service_answer *ret_answer);
};

/* Frees what an info owns; the struct may be filled in again. */
static inline void key_info_done(struct key_info *info)
{
    rsa_public_free(info->rsa);
    ec_public_free(info->ec);
    info->rsa = NULL;
    info->ec = NULL;
}

#endif
