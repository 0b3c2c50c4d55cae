/* libcurl in a host that is not ours. */
#include "backends/keyvault/libcurl.h"
#include "backends/base/ask_once.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/scope.h"
#include "backends/base/settings.h"
#include "backends/keyvault/libcurl_memory.h"
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum readiness { NOT_YET, READY, UNUSABLE };

static struct {
    pthread_mutex_t lock; /* for asking, and for changes of readiness */
    struct ask_once asking;
    _Atomic enum readiness readiness;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .asking = ASK_ONCE_INIT};

static _Thread_local bool initialising;

static CK_RV refuse(const char *about, const char *why)
{
    log_error(about, "libcurl cannot be used in this process: %s", why);
    return CKR_DEVICE_ERROR;
}

static CK_RV check_host(const char *about)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

    if (version->ssl_version == NULL || strncmp(version->ssl_version, "OpenSSL/", 8) != 0) {
        return refuse(about, "its TLS is not OpenSSL's; install the libcurl that is built with OpenSSL "
                             "(Debian: libcurl4)");
    }
    if (process_is_secure() && settings_environment_is_set("SSLKEYLOGFILE")) {
        return refuse(about, "SSLKEYLOGFILE is set in a set-id process");
    }
    return CKR_OK;
}

/*
 * The host's openssl.cnf is loaded here, in the host's own context, and not by curl_global_init, which holds
 * a lock of libcurl's: what that file loads may come back to us on this thread, and OpenSSL guards against
 * itself alone.
 */
static CK_RV initialise(const char *about)
{
    struct libcrypto_errors errors SCOPED(libcrypto_errors_done) = libcrypto_errors("initialising libcurl");
    OSSL_LIB_CTX *before;
    CURLcode code;
    CK_RV rv;

    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
    rv = check_host(about);
    if (rv == CKR_OK) {
        rv = libcrypto_enter(&before);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    code = libcurl_memory_init();
    libcrypto_leave(before);
    return code == CURLE_OK ? CKR_OK : refuse(about, curl_easy_strerror(code));
}

/* The lock is given back meanwhile. */
static CK_RV initialise_locked(const char *about)
{
    CK_RV rv;

    pthread_mutex_unlock(&state.lock);
    initialising = true;
    rv = initialise(about);
    initialising = false;
    pthread_mutex_lock(&state.lock);
    atomic_store_explicit(&state.readiness, rv == CKR_OK ? READY : UNUSABLE, memory_order_release);
    ask_once_answer(&state.asking, rv);
    return rv;
}

static CK_RV ready_locked(const char *about, struct deadline deadline)
{
    CK_RV rv;

    if (state.readiness != NOT_YET) {
        return state.readiness == READY ? CKR_OK : CKR_DEVICE_ERROR;
    }
    if (ask_once_join(&state.asking, &state.lock, deadline, &rv)) {
        return initialise_locked(about);
    }
    return state.readiness == NOT_YET ? refuse(about, "its initialisation by another thread takes too long")
                                      : rv;
}

CK_RV libcurl_ready(const char *about, struct deadline deadline)
{
    CK_RV rv;

    if (atomic_load_explicit(&state.readiness, memory_order_acquire) == READY) {
        return CKR_OK;
    }
    if (initialising) {
        return refuse(about, "it is being initialised by this very thread; the OpenSSL configuration of this "
                             "program leads back to this module");
    }
    pthread_mutex_lock(&state.lock);
    rv = ready_locked(about, deadline);
    pthread_mutex_unlock(&state.lock);
    return rv;
}

CK_RV libcurl_enter(struct libcurl_visit *ret_visit)
{
    struct libcurl_visit visit;
    CK_RV rv;

    /* Fails after OPENSSL_cleanup(), which some hosts run before they let go of us. */
    if (OPENSSL_init_crypto(0, NULL) != 1) {
        return CKR_DEVICE_ERROR;
    }
    rv = libcrypto_enter(&visit.before);
    if (rv != CKR_OK) {
        return rv;
    }
    visit.errors = libcrypto_errors_take();
    sigpipe_hold(&visit.sigpipe);
    *ret_visit = visit;
    return CKR_OK;
}

void libcurl_leave(const struct libcurl_visit *visit)
{
    libcrypto_errors_give_back(visit->errors, "inside libcurl");
    sigpipe_release(&visit->sigpipe);
    libcrypto_leave(visit->before);
}

/* Where another thread of the parent was inside the initialisation, it will never end in this process. */
void libcurl_after_fork(void)
{
    if (state.readiness == NOT_YET && state.asking.running) {
        state.readiness = UNUSABLE;
    }
    pthread_mutex_init(&state.lock, NULL);
    ask_once_init(&state.asking);
    initialising = false;
}
