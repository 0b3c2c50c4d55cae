/*
 * Certificates in the PEM files of a folder: NAME.pem holds one, for the key whose public key it certifies; where
 * that is not known, for the key NAME.
 */
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/certificates.h"
#include "pkcs11/soft/key_numbers.h"
#include "pkcs11/soft/pem.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* RETRY_AGE, in ms: after which the key of a certificate is searched for again. */
enum { LONGEST_FILE = 256 * 1024, RETRY_AGE = 1000 };

static const char ending[] = ".pem";

static const struct key_access *access_of(const struct certificates *certificates)
{
    return &certificates->catalogue->access;
}

static int is_pem(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), tail = sizeof ending - 1;

    return entry->d_name[0] != '.' && length > tail && length - tail < KEY_NAME_SIZE &&
           strcmp(entry->d_name + length - tail, ending) == 0;
}

/* NULL, with one line for each content that is none. */
static struct certificate *read_file(const char *label, const char *path, struct file_version *ret_version)
{
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(LONGEST_FILE);
    struct buffer der SCOPED(buffer_free) = BUFFER_INIT(LONGEST_CERTIFICATE);
    struct certificate *certificate = NULL;

    if (file_read(label, "certificates", path, &pem, ret_version) != CKR_OK) {
        return NULL;
    }
    if (pem_read(buffer_bytes(&pem), "CERTIFICATE", &der) != CKR_OK ||
        certificate_new(buffer_bytes(&der), &certificate) != CKR_OK) {
        log_warning(label, "%s holds no certificate in PEM; it is left out", path);
        return NULL;
    }
    return certificate;
}

enum fit { FITS_NOT, FITS, FITS_UNKNOWN };

static enum fit fit_of(const struct public_part *part, const struct certificate *certificate)
{
    struct attribute_value info;

    if (part == NULL || (part->info.rsa == NULL && part->info.ec == NULL)) {
        return FITS_UNKNOWN;
    }
    info = key_numbers_public(part->info.rsa, part->info.ec, CKA_PUBLIC_KEY_INFO);
    return bytes_equal(info.bytes, buffer_bytes(&certificate->info)) ? FITS : FITS_NOT;
}

static enum fit fit_of_known(struct service_key *key, const struct certificate *certificate)
{
    struct public_part *part SCOPED(public_part_free_scoped) = service_key_known(key);

    return fit_of(part, certificate);
}

/* Only keys that the configuration names are asked for in order to tell. */
static enum fit fit_of_named(struct service_key *key, struct key_access *access,
                             const struct certificate *certificate, struct deadline deadline)
{
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;

    if (!key->configured || service_key_public(key, access, deadline, &part, NULL) != CKR_OK) {
        return FITS_UNKNOWN;
    }
    return fit_of(part, certificate);
}

static struct service_key *key_of(struct certificates *certificates, const char *name,
                                  const struct certificate *certificate, struct deadline deadline)
{
    struct catalogue *catalogue = certificates->catalogue;
    struct service_key *key, *by_name = catalogue_find(catalogue, bytes_of_text(name));
    bool shown;

    for (size_t i = 0; (key = catalogue_at(catalogue, i, &shown)) != NULL; i++) {
        if (fit_of_known(key, certificate) == FITS) {
            return key;
        }
    }
    if (by_name != NULL && fit_of_known(by_name, certificate) == FITS_UNKNOWN) {
        return by_name;
    }
    for (size_t i = 0; (key = catalogue_at(catalogue, i, &shown)) != NULL; i++) {
        if (fit_of_named(key, &catalogue->access, certificate, deadline) == FITS) {
            return key;
        }
    }
    return NULL;
}

/* What is known of a file's certificate before it is looked at again. */
struct before {
    struct held_certificate *held;
    struct certificate *content;
    struct service_key *key;
    struct file_version version;
    int64_t asked, matched;
};

static void before_done(struct before *before)
{
    certificate_free(before->content);
}

static CK_RV look_up(struct certificates *certificates, struct bytes name, struct before *ret_before)
{
    struct held_certificate *held;
    CK_RV rv;

    pthread_mutex_lock(&certificates->lock);
    rv = certificates_hold_locked(certificates, name, &held);
    if (rv == CKR_OK) {
        ret_before->held = held;
        ret_before->content = certificate_hold(held->content);
        ret_before->key = held->key;
        ret_before->version = held->file;
        ret_before->asked = held->asked;
        ret_before->matched = held->matched;
    }
    pthread_mutex_unlock(&certificates->lock);
    return rv;
}

/* The key as before where that is certain, else searched for. */
static void set_key(struct certificates *certificates, struct before *now, struct deadline deadline)
{
    if (now->content == NULL) {
        now->key = NULL;
        return;
    }
    if (now->key != NULL ? fit_of_known(now->key, now->content) == FITS
                         : service_key_is_young(now->matched, RETRY_AGE)) {
        return;
    }
    now->key = key_of(certificates, now->held->name, now->content, deadline);
    now->matched = clock_now();
}

/* One that could not be opened is tried again later. */
static bool is_to_be_read(const struct before *now, const char *path, int64_t refresh)
{
    bool failed = now->asked != 0 && now->version.changed == 0;

    return file_changed(path, &now->version) && !(failed && service_key_is_young(now->asked, refresh));
}

/*
 * A key has one certificate, for one label finds one: that of the file with its name, else the first. Others go
 * by their own name.
 */
static struct service_key *claim_locked(struct certificates *certificates, const struct before *now,
                                        unsigned long number)
{
    struct held_certificate *other;

    for (size_t i = 0; now->key != NULL && i < certificates->count; i++) {
        other = certificates->held[i];
        if (other == now->held || other->key != now->key || other->listed != number) {
            continue;
        }
        if (strcmp(now->held->name, now->key->ref.name) != 0) {
            return NULL;
        }
        other->key = NULL;
    }
    return now->key;
}

static void keep(struct certificates *certificates, const struct before *now, unsigned long number)
{
    struct held_certificate *held = now->held;

    pthread_mutex_lock(&certificates->lock);
    if (held->content != now->content) {
        certificate_free(held->content);
        held->content = certificate_hold(now->content);
    }
    held->file = now->version;
    held->asked = now->asked;
    held->matched = now->matched;
    held->key = claim_locked(certificates, now, number);
    held->listed = number;
    pthread_mutex_unlock(&certificates->lock);
}

static void read_one(struct certificates *certificates, const char *file, unsigned long number,
                     struct deadline deadline)
{
    struct before now SCOPED(before_done) = {.held = NULL};
    char *path SCOPED(scope_free) = NULL;

    if (look_up(certificates, bytes_of(file, strlen(file) - sizeof ending + 1), &now) != CKR_OK) {
        return;
    }
    if (asprintf(&path, "%s/%s", certificates->folder, file) < 0) {
        path = NULL;
        return;
    }
    if (is_to_be_read(&now, path, access_of(certificates)->refresh)) {
        certificate_free(take(now.content));
        now.content = read_file(access_of(certificates)->label, path, &now.version);
        now.key = NULL;
        now.asked = clock_now();
        now.matched = 0;
    }
    set_key(certificates, &now, deadline);
    keep(certificates, &now, number);
}

static void read_all(struct certificates *certificates, struct deadline deadline)
{
    struct dirent **files = NULL;
    int count = scandir(certificates->folder, &files, is_pem, alphasort);

    if (count < 0 && certificates->refused == 0) {
        log_warning(access_of(certificates)->label, "certificates: the folder %s cannot be read: %m",
                    certificates->folder);
    }
    for (int i = 0; i < count; i++) {
        read_one(certificates, files[i]->d_name, certificates->listings + 1, deadline);
        free(files[i]);
    }
    free(files);
    certificates->refused = count < 0 ? clock_now() : 0;
}

void certificates_read_folder(struct certificates *certificates, struct deadline deadline)
{
    CK_RV rv = CKR_OK;

    pthread_mutex_lock(&certificates->lock);
    if (ask_once_join(&certificates->listing, &certificates->lock, deadline, &rv)) {
        pthread_mutex_unlock(&certificates->lock);
        read_all(certificates, deadline);
        pthread_mutex_lock(&certificates->lock);
        certificates->listings++;
        ask_once_answer(&certificates->listing, CKR_OK);
    }
    pthread_mutex_unlock(&certificates->lock);
}
