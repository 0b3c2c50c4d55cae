/*
 * What the objects of a service's key answer: public and private key, or one secret key. Some is the same for every key, some is
 * in the key's name, and some is in its public part, which may cost a request; so the caller gets that first.
 */
#ifndef BYOK_PKCS11_SOFT_KEY_ATTRIBUTE_H
#define BYOK_PKCS11_SOFT_KEY_ATTRIBUTE_H

#include "pkcs11/soft/attribute.h"
#include "pkcs11/soft/key_numbers.h"
#include "pkcs11/soft/service_key.h"

/* A key as one call sees it. */
struct key_view {
    CK_OBJECT_CLASS class;
    struct service_key *key;
    const struct key_access *access;
    const struct public_part *part; /* NULL: not known, or not to be had */
    char version[KEY_VERSION_SIZE];
    char unique_id[KEY_NAME_SIZE + KEY_VERSION_SIZE + 64];
};

/* The view of one of its objects; it must not outlive `part`. */
void key_view_init(struct key_view *view, CK_OBJECT_CLASS class, struct service_key *key,
                   const struct key_access *access, const struct public_part *part);
struct attribute_value key_attribute(const struct key_view *view, CK_ATTRIBUTE_TYPE type);

/* True for attributes that only the public part can tell, not even by assumption. */
bool key_attribute_is_public_part(CK_ATTRIBUTE_TYPE type);
/* True for those that are assumed until the public part is known: key type and usages. */
bool key_attribute_is_assumed(CK_ATTRIBUTE_TYPE type);

/* False where no key of any service could match, whatever its name and public part. */
bool key_attribute_could_match(CK_OBJECT_CLASS class, const CK_ATTRIBUTE *wanted);

/* The name that a CKA_UNIQUE_ID of this service holds, empty where it is another's. */
struct bytes key_name_of_unique_id(const struct key_access *access, struct bytes unique_id);

/*
 * Whether the key may be used so. All is assumed to be allowed until its owner's choice is known; under a strict
 * policy that leaves out decryption.
 */
bool key_permits(const struct key_access *access, const struct public_part *part, enum key_use use);
/* The same without a policy, which a public part has gone through. */
bool key_allows(const struct public_part *part, enum key_use use);

#endif
