/* One attempt with each PIN. */
#include "backends/base/hsm_login.h"
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <stdlib.h>
#include <string.h>

enum { PIN_MOST = 4096 };

struct hsm_login {
    struct hsm_login *next;
    char *token; /* whose, as struct hsm_uri says it */
    enum hsm_pin_place place;
    char *name;              /* path or variable */
    struct hsm_turn turn;    /* for what follows */
    CK_RV refused;           /* the HSM's answer that ends all attempts; CKR_OK: none */
    struct file_version pin; /* what was refused */
    CK_RV said;              /* the failure that the log has; CKR_OK: none */
};

static struct hsm_login *login_new(const struct hsm_uri *uri)
{
    struct hsm_login *login = calloc(1, sizeof *login);

    if (login == NULL) {
        return NULL;
    }
    login->token = strdup(uri->token);
    login->name = strdup(uri->pin_name);
    if (login->token == NULL || login->name == NULL) {
        free(login->token);
        free(login->name);
        free(login);
        return NULL;
    }
    login->place = uri->pin_place;
    hsm_turn_init(&login->turn);
    return login;
}

static struct hsm_login *login_of_locked(struct hsm_module *module, const struct hsm_uri *uri)
{
    struct hsm_login *login = module->logins;

    while (login != NULL && strcmp(login->token, uri->token) != 0) {
        login = login->next;
    }
    if (login == NULL) {
        login = login_new(uri);
        if (login != NULL) {
            login->next = module->logins;
            module->logins = login;
        }
    }
    return login;
}

CK_RV hsm_login_enter(struct hsm_module *module, const struct hsm_uri *uri, struct hsm_login **ret_login)
{
    if (uri->pin_place == HSM_PIN_NOWHERE) {
        *ret_login = NULL;
        return CKR_OK;
    }
    hsm_module_lock();
    struct hsm_login *login = login_of_locked(module, uri);

    hsm_module_unlock();
    if (login == NULL) {
        return CKR_HOST_MEMORY;
    }
    *ret_login = login;
    return CKR_OK;
}

void hsm_login_after_fork(struct hsm_module *module)
{
    for (struct hsm_login *login = module->logins; login != NULL; login = login->next) {
        hsm_turn_init(&login->turn);
    }
}

/* The words for the operator, by the HSM's answer. The last row is for all others. */
static const struct {
    CK_RV rv;
    bool final; /* never again with this PIN */
    const char *what;
} answers[] = {
    {CKR_PIN_INCORRECT, true, "the HSM says that the PIN is wrong; it is not tried again until it changes"},
    {CKR_PIN_LEN_RANGE, true,
     "the HSM says that the PIN has a wrong length; it is not tried again until it changes"},
    {CKR_PIN_INVALID, true, "the HSM says that the PIN is malformed; it is not tried again until it changes"},
    {CKR_PIN_LOCKED, true, "the HSM has locked the PIN; unlock it there, then write it anew"},
    {CKR_PIN_EXPIRED, true, "the PIN has expired; set a new one at the HSM, then write it"},
    {CKR_USER_PIN_NOT_INITIALIZED, false, "the HSM's user has no PIN yet; set it with the vendor's tool"},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, false, "the security officer is logged in there, in this process"},
    {CKR_OK, false, "C_Login failed"},
};

static void explain(struct hsm_login *login, const char *about, CK_RV rv)
{
    size_t row = 0;

    while (answers[row].rv != rv && answers[row].rv != CKR_OK) {
        row++;
    }
    if (answers[row].final) {
        login->refused = rv;
    }
    if (login->said != rv) {
        log_error(about, "no login with the PIN of %s: %s (0x%lx); private objects are not visible",
                  login->name, answers[row].what, rv);
    }
    login->said = rv;
}

static bool pin_has_changed(const struct hsm_login *login)
{
    return login->place == HSM_PIN_FILE && file_changed(login->name, &login->pin);
}

static CK_RV read_pin(struct hsm_login *login, const char *about, struct buffer *pin)
{
    const char *value;

    if (login->place == HSM_PIN_FILE) {
        return file_read_secret(about, "pin-source", login->name, pin, &login->pin);
    }
    value = settings_environment(login->name);
    if (value == NULL) {
        log_error(about, "pin-source: the environment has no %s, or it may not be used here", login->name);
        return CKR_GENERAL_ERROR;
    }
    return buffer_append_text(pin, value);
}

/* With one try left, a PIN file that is out of date would lock the token. */
static bool one_try_left(struct hsm_login *login, const char *about, const CK_FUNCTION_LIST *functions,
                         CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO here;
    CK_TOKEN_INFO info;

    if (functions->C_GetSessionInfo(session, &here) != CKR_OK ||
        functions->C_GetTokenInfo(here.slotID, &info) != CKR_OK ||
        (info.flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) == 0) {
        return false;
    }
    if (login->said != CKR_PIN_LOCKED) {
        log_error(about, "the HSM's PIN %s; it is left alone: log in once with the vendor's tool",
                  (info.flags & CKF_USER_PIN_LOCKED) != 0 ? "is locked" : "has one try left");
    }
    login->said = CKR_PIN_LOCKED;
    return true;
}

static CK_RV attempt(struct hsm_login *login, const char *about, const CK_FUNCTION_LIST *functions,
                     CK_SESSION_HANDLE session)
{
    struct buffer pin SCOPED(buffer_free) = BUFFER_INIT(PIN_MOST);

    if (login->refused != CKR_OK && !pin_has_changed(login)) {
        return login->refused;
    }
    login->refused = CKR_OK;
    if (one_try_left(login, about, functions, session)) {
        return CKR_PIN_LOCKED;
    }
    CK_RV rv = read_pin(login, about, &pin);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = functions->C_Login(session, CKU_USER, pin.data, pin.size);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) {
        explain(login, about, rv);
        return rv;
    }
    log_debug(about, "logged in with the PIN of %s", login->name);
    login->said = CKR_OK;
    return CKR_OK;
}

static bool is_logged_in(const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;

    return functions->C_GetSessionInfo(session, &info) == CKR_OK &&
           (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

/* The thread that is logging in may come here again, from inside the vendor's module: it goes on without. */
CK_RV hsm_login_ensure(struct hsm_login *login, const char *about, const CK_FUNCTION_LIST *functions,
                       CK_SESSION_HANDLE session)
{
    if (is_logged_in(functions, session)) {
        return CKR_OK;
    }
    if (!hsm_turn_take(&login->turn)) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    CK_RV rv = is_logged_in(functions, session) ? CKR_OK : attempt(login, about, functions, session);

    hsm_turn_give(&login->turn);
    return rv;
}
