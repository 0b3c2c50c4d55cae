/*
 * Which version of a key is in use, and which others are known. The latest is the one that was created last,
 * whatever its state: requests that name no version mean it, so their answers tell which it is, and so does a
 * listing.
 */
#ifndef BYOK_PKCS11_SOFT_SERVICE_KEY_VERSION_H
#define BYOK_PKCS11_SOFT_SERVICE_KEY_VERSION_H

#include "pkcs11/soft/service_key.h"

/* What is to be told, without the lock, about what happened under it. */
struct version_roll {
    bool rolled;
    char from[KEY_VERSION_SIZE], to[KEY_VERSION_SIZE];
};

/* The service named this version as the latest ("": it named none). The key's lock is held. */
void service_key_take_version_locked(struct service_key *key, const struct key_access *access,
                                     const char *version, struct version_roll *ret_roll);
/* How long the RSA ciphertexts of a version are. The key's lock is held. */
void service_key_note_size_locked(struct service_key *key, const char *version, size_t blob_size);
/* The size of one version of a symmetric key, which may differ from the others'; 0: not known. */
unsigned service_key_aes_bits(struct service_key *key, const char *version);
void service_key_note_aes_bits(struct service_key *key, const char *version, unsigned bits);
/* A line in the log and a record, where the version in use is another now. */
void service_key_tell_roll(const struct service_key *key, const struct key_access *access,
                           const struct version_roll *roll, const struct service_answer *answer);

/*
 * Another version is the latest, or none that may be used: what is known of it is asked for again, where `version` is
 * the one that was taken for the latest.
 */
void service_key_doubt_version(struct service_key *key, const char *version);

/* Whether the service said within `refresh` which version is the latest. */
bool service_key_version_is_young(const struct service_key *key, const struct key_access *access);
/* Whether a request that names no version, or the pinned one, asks this one, as far as the service said lately. */
bool service_key_is_current(struct service_key *key, const struct key_access *access, const char *version);
/*
 * Asks for it where it did not: by the public part, or by a listing where that is refused. Not for a key that was
 * not in use yet, which costs no request.
 */
void service_key_learn_version(struct service_key *key, struct key_access *access, struct deadline deadline);

/* Before anybody else knows the key: what the configuration says of its other versions. */
void service_key_know_configured(struct service_key *key, const struct key_access *access);
/* Whether a listing would tell more: none was made or refused lately. */
bool service_key_listing_helps(struct service_key *key, const struct key_access *access);
/*
 * Lists the versions, once for all threads; they are in the list afterwards. CKR_OK also where the caller may not
 * list, or there is nothing to list.
 */
MUST_USE CK_RV service_key_list_versions(struct service_key *key, struct key_access *access,
                                         struct deadline deadline, struct service_answer *ret_answer);

#endif
