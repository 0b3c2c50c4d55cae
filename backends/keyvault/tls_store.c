/* The one CA store. */
#include "backends/keyvault/tls_store.h"
#include "backends/base/ask_once.h"
#include "backends/base/file.h"
#include "backends/base/libcrypto_errors.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "backends/keyvault/ca_bundle.h"
#include <curl/curl.h>
#include <dirent.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_CA_FILE = 8 * 1024 * 1024 };

struct entry {
    struct entry *next;
    struct file_version version;
    X509_STORE *store; /* NULL: never built */
    char ca_file[];    /* "": the system's */
};

static struct {
    pthread_mutex_t lock; /* for all below */
    struct ask_once building;
    struct entry *entries; /* as many as the configuration names files */
    struct entry *parents; /* in a forked child: only reachable */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .building = ASK_ONCE_INIT};

DEFINE_SCOPED(X509_STORE, X509_STORE_free)

static void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        closedir(*directory);
    }
}

/* Whether OpenSSL can find certificates there by name, one at a time and only those it needs. */
static bool is_hashed(const char *path)
{
    DIR *directory SCOPED(close_directory) = opendir(path);
    const struct dirent *item;

    while (directory != NULL && (item = readdir(directory)) != NULL) {
        if (strlen(item->d_name) == 10 && strcmp(item->d_name + 8, ".0") == 0) {
            return true;
        }
    }
    return false;
}

/* OpenSSL's own places, else those libcurl was built with. */
static bool add_system(X509_STORE *store)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    OSSL_LIB_CTX *context = libcrypto_context();

    if (is_hashed(X509_get_default_cert_dir()) &&
        X509_STORE_load_path(store, X509_get_default_cert_dir()) == 1) {
        return true;
    }
    if (X509_STORE_load_file_ex(store, X509_get_default_cert_file(), context, NULL) == 1) {
        return true;
    }
    return (curl->cainfo != NULL && X509_STORE_load_file_ex(store, curl->cainfo, context, NULL) == 1) ||
           (curl->capath != NULL && X509_STORE_load_path(store, curl->capath) == 1);
}

static CK_RV build_from_system(const char *about, X509_STORE *store)
{
    if (add_system(store)) {
        return CKR_OK;
    }
    log_error(about,
              "no CA certificates found on this system; install them (Debian: ca-certificates) or name a "
              "file with ca-file");
    return CKR_GENERAL_ERROR;
}

static CK_RV build_from_file(const char *about, const char *ca_file, X509_STORE *store,
                             struct file_version *ret_version)
{
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(LARGEST_CA_FILE);
    size_t count = 0;
    CK_RV rv = file_read(about, "ca-file", ca_file, &pem, ret_version);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = ca_bundle_add(store, buffer_bytes(&pem), &count);
    if (rv == CKR_OK && count == 0) {
        log_error(about, "ca-file %s: no PEM certificate in it", ca_file);
        return CKR_GENERAL_ERROR;
    }
    return rv;
}

static CK_RV build(const char *about, const struct entry *entry, X509_STORE **ret_store,
                   struct file_version *ret_version)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) =
        libcrypto_errors("reading CA certificates");
    X509_STORE *store SCOPED(X509_STORE_free_scoped) = X509_STORE_new();
    CK_RV rv;

    if (store == NULL) {
        return CKR_HOST_MEMORY;
    }
    rv = entry->ca_file[0] == 0 ? build_from_system(about, store)
                                : build_from_file(about, entry->ca_file, store, ret_version);
    if (rv == CKR_OK) {
        *ret_store = take(store);
    }
    return rv;
}

static struct entry *entry_locked(const char *ca_file)
{
    struct entry *entry;

    for (entry = state.entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->ca_file, ca_file) == 0) {
            return entry;
        }
    }
    entry = calloc(1, sizeof *entry + strlen(ca_file) + 1);
    if (entry != NULL) {
        strcpy(entry->ca_file, ca_file);
        entry->next = state.entries;
        state.entries = entry;
    }
    return entry;
}

static bool is_fresh(const struct entry *entry)
{
    return entry->store != NULL && (entry->ca_file[0] == 0 || !file_changed(entry->ca_file, &entry->version));
}

/* The lock is given back while the store is built. */
static CK_RV rebuild_locked(const char *about, struct entry *entry)
{
    struct file_version version = {0};
    X509_STORE *store = NULL, *old;
    CK_RV rv;

    pthread_mutex_unlock(&state.lock);
    rv = build(about, entry, &store, &version);
    pthread_mutex_lock(&state.lock);
    old = entry->store;
    if (rv == CKR_OK) {
        entry->store = store;
        entry->version = version;
        X509_STORE_free(old);
    }
    ask_once_answer(&state.building, rv);
    return rv;
}

static CK_RV get_locked(const char *about, const char *ca_file, struct deadline deadline,
                        X509_STORE **ret_store)
{
    struct entry *entry = entry_locked(ca_file);
    CK_RV rv;

    if (entry == NULL) {
        return CKR_HOST_MEMORY;
    }
    while (!is_fresh(entry)) { /* what another thread built may be another file's */
        if (ask_once_join(&state.building, &state.lock, deadline, &rv)) {
            rv = rebuild_locked(about, entry);
            if (rv != CKR_OK) {
                return rv;
            }
        } else if (deadline_passed(deadline)) {
            return CKR_DEVICE_ERROR;
        }
    }
    X509_STORE_up_ref(entry->store);
    *ret_store = entry->store;
    return CKR_OK;
}

CK_RV tls_store_get(const char *about, const char *ca_file, struct deadline deadline, X509_STORE **ret_store)
{
    CK_RV rv;

    pthread_mutex_lock(&state.lock);
    rv = get_locked(about, ca_file == NULL ? "" : ca_file, deadline, ret_store);
    pthread_mutex_unlock(&state.lock);
    return rv;
}

void tls_store_after_fork(void)
{
    struct entry **last = &state.entries;

    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = state.parents;
    state.parents = state.entries;
    state.entries = NULL;
    pthread_mutex_init(&state.lock, NULL);
    ask_once_init(&state.building);
}
