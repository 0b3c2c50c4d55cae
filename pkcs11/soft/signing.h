/*
 * What a session signs, verifies or digests, and what sign.c asks of each kind of key. Guarded by the session's
 * lock.
 */
#ifndef BYOK_PKCS11_SOFT_SIGNING_H
#define BYOK_PKCS11_SOFT_SIGNING_H

#include "pkcs11/soft/hmac.h"
#include "pkcs11/soft/mechanism.h"
#include "pkcs11/soft/object.h"

struct signing {
    const struct mechanism *mechanism; /* NULL: none */
    CK_ULONG began;
    CK_OBJECT_HANDLE key;
    bool verify;
    bool parted;              /* an Update has been made */
    struct signature_way how; /* with the hash that the parameter names */
    size_t mac_size;          /* HMAC: bytes that are given out */
    EVP_MD_CTX *hashing;      /* kept from one operation to the next */
    EVP_MAC_CTX *mac;
    struct buffer input;     /* what is signed: data that is collected, or its digest */
    bool whole;              /* `input` is */
    struct buffer signature; /* of `input`, not fetched */
    bool done;               /* it is there */
    struct value_use use;    /* of the key's value */
};

void signing_init(struct signing *signing, bool verify);
/* Wiped; the next may begin. */
void signing_end(struct signing *signing);
void signing_done(struct signing *signing);
/* Where its key has been closed: wiped, but for the fact, which the next call tells. */
void signing_cancel(struct signing *signing);

/* Data in parts. The key is the one it began with. CKR_DATA_LEN_RANGE where too much is to be collected. */
MUST_USE CK_RV signing_begin(struct hmac_set *hmacs, struct signing *signing, const struct object *key);
MUST_USE CK_RV signing_add(struct signing *signing, struct bytes in);
/* What is signed, in parts that came, maybe none; it stays, for a call with a larger buffer. */
MUST_USE CK_RV signing_parts(struct hmac_set *hmacs, struct signing *signing, const struct object *key,
                             struct bytes *ret_input);
/* What is signed, of data that comes in one call; lent by `in` or by `digest`. */
MUST_USE CK_RV signing_whole(struct hmac_set *hmacs, struct signing *signing, const struct object *key,
                             struct bytes in, unsigned char digest[LONGEST_HASH], struct bytes *ret_input);

enum { MOST_DIGESTED = 4 };

struct digesting {
    const struct mechanism *mechanism; /* NULL: none */
    CK_ULONG began;
    bool parted;
    bool keyed;                           /* some key's value is part of it */
    EVP_MD_CTX *context;                  /* kept from one operation to the next */
    struct value_use uses[MOST_DIGESTED]; /* leased values that are part of it */
    bool cancelled;
};

void digesting_end(struct digesting *digesting);
void digesting_done(struct digesting *digesting);
void digesting_cancel(struct digesting *digesting);

struct soft_session;

/* Whether one does; the logout ends it that came since it began. */
bool digesting_runs(struct soft_session *session);

/*
 * One kind of key. The key is entered for the call; `input` is what is signed: HMAC's value, a digest where the
 * mechanism hashes, else the data.
 */
struct sign_way {
    /* Whether it may be used so as far as known: checks that cost no request. */
    CK_RV(*permits)
    (const struct soft_session *session, const struct object *key, const struct mechanism *mechanism,
     bool verify);
    /* Bytes of a signature: known, or the most there can be. */
    size_t (*size)(const struct signing *signing, const struct object *key, bool *ret_known);
    /* Lent by `input` or by the operation. */
    CK_RV(*make)
    (struct soft_session *session, struct signing *signing, const struct object *key, struct bytes input,
     struct bytes *ret_signature);
    CK_RV(*check)
    (struct soft_session *session, const struct signing *signing, const struct object *key,
     struct bytes input, struct bytes signature);
};

extern const struct sign_way sign_hmac, sign_service, sign_local;

/* What RSASSA-PSS and ECDSA say of the length of a digest that the application made. CKR_DATA_LEN_RANGE. */
MUST_USE CK_RV signing_check_input(const struct signing *signing, struct bytes input);

#endif
