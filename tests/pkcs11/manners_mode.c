/* Hosts that end in one way or another, and one whose OpenSSL leads back to us. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/pkcs11/manners.h"
#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <string.h>
#include <unistd.h>

enum { WENT_WELL = 0, WORK_FAILED = 3, END_FAILED = 4, NOT_ROUTED = 5, PATIENCE = 60 };

static int work(void)
{
    const char *failed = manners_work();

    if (failed != NULL) {
        fprintf(stderr, "manners: %s failed\n", failed);
    }
    return failed == NULL ? WENT_WELL : WORK_FAILED;
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

static bool has_engine(const char *wanted)
{
    bool found = false;

    for (ENGINE *engine = ENGINE_get_first(); engine != NULL; engine = ENGINE_get_next(engine)) {
        found = found || strcmp(ENGINE_get_id(engine), wanted) == 0;
    }
    return found;
}

/* $OPENSSL_CONF names an engine over our own module; our first request is what makes OpenSSL read it. */
static int routed_back(void)
{
    int status;

    alarm(PATIENCE);
    if (has_engine("pkcs11")) {
        return NOT_ROUTED;
    }
    status = work();
    return status == WENT_WELL && !has_engine("pkcs11") ? NOT_ROUTED : status;
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
        {"routed-back", routed_back},
    };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, mode) == 0) {
            return modes[i].run();
        }
    }
    return 99;
}
