/*
 * The certificates that this token shows, as its configuration says: none; those of the service, known by name
 * first and fetched when somebody looks inside; or those in the PEM files of a folder. One that was known once
 * stays until the token is closed, so its handle does. All threads; no lock is held while the service is asked
 * or a file is read.
 */
#ifndef BYOK_PKCS11_SOFT_CERTIFICATES_H
#define BYOK_PKCS11_SOFT_CERTIFICATES_H

#include "backends/base/file.h"
#include "pkcs11/soft/catalogue.h"
#include "pkcs11/soft/certificate.h"

enum certificate_place { CERTIFICATES_NONE, CERTIFICATES_OF_SERVICE, CERTIFICATES_IN_FILES };

struct held_certificate {
    CK_OBJECT_HANDLE handle; /* constant, and the name: the service's, or the file's without .pem */
    char name[KEY_NAME_SIZE];

    struct ask_once asking;
    struct certificate *content; /* NULL: not known, or not to be had */
    struct service_key *key;     /* whose it is, NULL: not known */
    int64_t asked;               /* clock_now() of the last answer about the content, 0: never */
    int64_t matched;             /* clock_now() of the last search for its key among all, 0: never */
    bool bad;                    /* that was none, or no certificate */
    unsigned long listed;        /* number of the last listing or reading that had it */
    struct file_version file;
};

/* A name that the service does not know: remembered for a moment, and not for ever. */
struct missed_name {
    char name[KEY_NAME_SIZE];
    int64_t at; /* clock_now(), 0: none */
};

enum { MISSED_NAMES = 16 };

struct certificates {
    enum certificate_place place;
    const char *folder;
    struct catalogue *catalogue;
    struct object_store *store;

    pthread_mutex_t lock; /* for all below, and for what is not constant in each */
    struct held_certificate **held;
    size_t count, room;
    struct ask_once listing;
    unsigned long listings;
    int64_t listed, refused; /* clock_now(), 0: never */
    bool told;               /* that this caller may not see all: once is enough */
    struct missed_name missed[MISSED_NAMES];
    size_t next_missed;
};

/* Shows none until `place` and `folder` are set, before its first use. */
void certificates_init(struct certificates *certificates, struct catalogue *catalogue,
                       struct object_store *store);
void certificates_done(struct certificates *certificates);

/*
 * Before a find: learns which there are, or whether there is one of this name (empty: all). A caller who may
 * not list or read them sees none: CKR_OK.
 */
MUST_USE CK_RV certificates_learn(struct certificates *certificates, struct bytes name,
                                  struct deadline deadline, struct service_answer *ret_answer);

/* In a stable order, from 0; NULL: no more. */
struct held_certificate *certificates_at(struct certificates *certificates, size_t index, bool *ret_shown);

/*
 * What it holds, asked for where it is not known or older than `refresh`; CKR_OK with NULL: it is not to be
 * had. To be given back with certificate_free.
 */
MUST_USE CK_RV certificates_content(struct certificates *certificates, struct held_certificate *held,
                                    struct deadline deadline, struct certificate **ret_content,
                                    struct service_answer *ret_answer);

/* CKA_LABEL and CKA_ID: those of the key it certifies, or its own name. Lent for the life of the token. */
struct bytes certificates_text(struct certificates *certificates, struct held_certificate *held);

/* certificate_files.c: reads the folder where it has changed. */
void certificates_read_folder(struct certificates *certificates, struct deadline deadline);
/* certificate_service.c: the lock is held, but not while the service is asked. */
MUST_USE CK_RV certificates_list_locked(struct certificates *certificates, struct deadline deadline,
                                        struct service_answer *answer);
MUST_USE CK_RV certificates_learn_one_locked(struct certificates *certificates, struct bytes name,
                                             struct deadline deadline, struct service_answer *answer);
MUST_USE CK_RV certificates_fetch_locked(struct certificates *certificates, struct held_certificate *held,
                                         struct deadline deadline, struct service_answer *answer);

/* NULL: there is none of this name. The lock is held. */
struct held_certificate *certificates_find_locked(const struct certificates *certificates, struct bytes name);
/* One of this name, made where there is none; CKR_HOST_MEMORY. The lock is held. */
MUST_USE CK_RV certificates_hold_locked(struct certificates *certificates, struct bytes name,
                                        struct held_certificate **ret_held);

#endif
