/* libcurl in a host that is not ours. */
#include "backends/keyvault/libcurl.h"
#include "backends/base/log.h"
#include "backends/base/process.h"
#include "backends/base/settings.h"
#include "backends/keyvault/flight.h"
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum readiness { NOT_YET, READY, UNUSABLE };

static struct {
    struct flight flight;
    _Atomic enum readiness readiness;
} state = {.flight = FLIGHT_INIT};

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
    code = curl_global_init(CURL_GLOBAL_DEFAULT);
    libcrypto_leave(before);
    return code == CURLE_OK ? CKR_OK : refuse(about, curl_easy_strerror(code));
}

static void initialise_and_land(const char *about)
{
    CK_RV rv;

    initialising = true;
    rv = initialise(about);
    initialising = false;
    pthread_mutex_lock(&state.flight.lock);
    atomic_store_explicit(&state.readiness, rv == CKR_OK ? READY : UNUSABLE, memory_order_release);
    flight_land(&state.flight);
    pthread_mutex_unlock(&state.flight.lock);
}

/* True for the one thread that is to do it. */
static bool take_off_or_wait(struct deadline deadline)
{
    bool mine = false;

    pthread_mutex_lock(&state.flight.lock);
    while (state.readiness == NOT_YET && !mine) {
        if (!state.flight.in_air) {
            state.flight.in_air = mine = true;
        } else if (!flight_wait(&state.flight, deadline)) {
            break;
        }
    }
    pthread_mutex_unlock(&state.flight.lock);
    return mine;
}

CK_RV libcurl_ready(const char *about, struct deadline deadline)
{
    if (atomic_load_explicit(&state.readiness, memory_order_acquire) == READY) {
        return CKR_OK;
    }
    if (initialising) {
        return refuse(about, "it is being initialised by this very thread; the OpenSSL configuration of this "
                             "program leads back to this module");
    }
    if (take_off_or_wait(deadline)) {
        initialise_and_land(about);
    }
    switch (atomic_load_explicit(&state.readiness, memory_order_acquire)) {
    case READY:
        return CKR_OK;
    case UNUSABLE:
        return CKR_DEVICE_ERROR;
    case NOT_YET:
        break;
    }
    return refuse(about, "its initialisation by another thread takes too long");
}

static void block_sigpipe(struct libcurl_visit *visit)
{
    sigset_t sigpipe, pending;

    sigemptyset(&pending);
    sigpending(&pending);
    visit->was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &visit->mask);
}

/* Takes away the SIGPIPE that we caused, never one that was there before. */
static void restore_sigpipe(const struct libcurl_visit *visit)
{
    static const struct timespec at_once = {0, 0};
    sigset_t sigpipe, pending;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    if (!visit->was_pending && sigismember(&pending, SIGPIPE) == 1) {
        sigtimedwait(&sigpipe, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &visit->mask, NULL);
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
    block_sigpipe(&visit);
    *ret_visit = visit;
    return CKR_OK;
}

void libcurl_leave(const struct libcurl_visit *visit)
{
    libcrypto_forget_errors(NULL, "inside libcurl");
    restore_sigpipe(visit);
    libcrypto_leave(visit->before);
}

/* Where another thread of the parent was inside the initialisation, it will never end in this process. */
void libcurl_after_fork(void)
{
    static const struct flight nobody = FLIGHT_INIT;

    if (state.readiness == NOT_YET && state.flight.in_air) {
        state.readiness = UNUSABLE;
    }
    state.flight = nobody;
    initialising = false;
}
