/* Hosts that end in one way or another, and one whose OpenSSL leads back to us. */
#include "tests/pkcs11/manners.h"
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

enum { WENT_WELL = 0, WORK_FAILED = 3, END_FAILED = 4, NOT_ROUTED = 5, PATIENCE = 60 };

static int judge(const char *failed)
{
    if (failed != NULL) {
        fprintf(stderr, "manners: %s failed\n", failed);
    }
    return failed == NULL ? WENT_WELL : WORK_FAILED;
}

static int work(void)
{
    return judge(manners_work());
}

/* As a provider's or an engine's exit handler does it. */
static CK_RV end(void)
{
    CK_RV rv = p11->C_DestroyObject(manners_session, manners_key);

    if (rv == CKR_OK) {
        rv = p11->C_CloseSession(manners_session);
    }
    return rv == CKR_OK ? p11->C_Finalize(NULL) : rv;
}

static void end_at_exit(void)
{
    if (end() != CKR_OK) {
        _exit(END_FAILED);
    }
}

/* Handlers run in reverse order: OpenSSL's own, registered while we work, comes first. */
static int finalize_after_openssl(void)
{
    return atexit(end_at_exit) == 0 ? work() : END_FAILED;
}

static int finalize_before_openssl(void)
{
    int status;

    OPENSSL_init_crypto(0, NULL);
    status = work();
    return atexit(end_at_exit) == 0 ? status : END_FAILED;
}

static int openssl_cleaned_up(void)
{
    int status = work();

    OPENSSL_cleanup();
    return status == WENT_WELL && end() != CKR_OK ? END_FAILED : status;
}

/* How often the host's provider has come to us; -1: OpenSSL has not loaded it. */
static int provider_asked(void)
{
    const char *path = getenv("HOST_PROVIDER");
    void *provider = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    unsigned *asked = provider == NULL ? NULL : dlsym(provider, "host_provider_asked");

    return asked == NULL ? -1 : (int)*asked;
}

/*
 * $OPENSSL_CONF names a provider over our own module, and the first thing we do makes OpenSSL read that.
 * SoftHSM itself hangs when it is asked again from inside its own digests.
 */
static int routed_back(const char *(*doing)(void))
{
    int status;

    alarm(PATIENCE);
    if (provider_asked() >= 0) {
        return NOT_ROUTED;
    }
    status = judge(doing());
    return status == WENT_WELL && provider_asked() <= 0 ? NOT_ROUTED : status;
}

static int routed_back_by_work(void)
{
    return routed_back(manners_work);
}

static int routed_back_by_request(void)
{
    return routed_back(manners_request);
}

int manners_mode(const char *mode)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = {
        {"never-finalize", work},
        {"finalize-after-openssl", finalize_after_openssl},
        {"finalize-before-openssl", finalize_before_openssl},
        {"openssl-cleaned-up", openssl_cleaned_up},
        {"routed-back-by-work", routed_back_by_work},
        {"routed-back-by-request", routed_back_by_request},
    };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, mode) == 0) {
            return modes[i].run();
        }
    }
    return 99;
}
