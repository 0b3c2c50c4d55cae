/* One attempt with each PIN. */
#include "backends/hsm/hsm_login.h"
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <stdlib.h>
#include <string.h>

enum { PIN_MOST = 4096 };

struct hsm_login {
    struct hsm_login *next;
    char *uri;
    struct hsm_turn turn;    /* for what follows */
    CK_RV refused;           /* the HSM's answer that ends all attempts; CKR_OK: none */
    struct file_version pin; /* what was refused */
    CK_RV said;              /* the failure that the log has; CKR_OK: none */
};

static struct hsm_login *login_new(const char *uri)
{
    struct hsm_login *login = calloc(1, sizeof *login);

    if (login == NULL) {
        return NULL;
    }
    login->uri = strdup(uri);
    if (login->uri == NULL) {
        free(login);
        return NULL;
    }
    hsm_turn_init(&login->turn);
    return login;
}

static struct hsm_login *login_of_locked(struct hsm_module *module, const char *uri)
{
    struct hsm_login *login = module->logins;

    while (login != NULL && strcmp(login->uri, uri) != 0) {
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

CK_RV hsm_login_enter(struct hsm_token *token)
{
    if (token->uri.pin_place == HSM_PIN_NOWHERE) {
        token->login = NULL;
        return CKR_OK;
    }
    hsm_module_lock();
    token->login = login_of_locked(token->module, token->uri.text);
    hsm_module_unlock();
    return token->login == NULL ? CKR_HOST_MEMORY : CKR_OK;
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

static void explain(struct hsm_token *token, CK_RV rv)
{
    struct hsm_login *login = token->login;
    size_t row = 0;

    while (answers[row].rv != rv && answers[row].rv != CKR_OK) {
        row++;
    }
    if (answers[row].final) {
        login->refused = rv;
    }
    if (login->said != rv) {
        log_error(token->label, "no login with the PIN of %s: %s (0x%lx); private objects are not visible",
                  token->uri.pin_name, answers[row].what, rv);
    }
    login->said = rv;
}

static bool pin_has_changed(const struct hsm_token *token)
{
    return token->uri.pin_place == HSM_PIN_FILE && file_changed(token->uri.pin_name, &token->login->pin);
}

static CK_RV read_pin(struct hsm_token *token, struct buffer *pin)
{
    const char *value;

    if (token->uri.pin_place == HSM_PIN_FILE) {
        return file_read_secret(token->label, "pin-source", token->uri.pin_name, pin, &token->login->pin);
    }
    value = settings_environment(token->uri.pin_name);
    if (value == NULL) {
        log_error(token->label, "pin-source: the environment has no %s, or it may not be used here",
                  token->uri.pin_name);
        return CKR_GENERAL_ERROR;
    }
    return buffer_append_text(pin, value);
}

/* With one try left, a PIN file that is out of date would lock the token. */
static bool one_try_left(struct hsm_token *token, const CK_FUNCTION_LIST *functions,
                         CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO here;
    CK_TOKEN_INFO info;

    if (functions->C_GetSessionInfo(session, &here) != CKR_OK ||
        functions->C_GetTokenInfo(here.slotID, &info) != CKR_OK ||
        (info.flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) == 0) {
        return false;
    }
    if (token->login->said != CKR_PIN_LOCKED) {
        log_error(token->label, "the HSM's PIN %s; it is left alone: log in once with the vendor's tool",
                  (info.flags & CKF_USER_PIN_LOCKED) != 0 ? "is locked" : "has one try left");
    }
    token->login->said = CKR_PIN_LOCKED;
    return true;
}

static CK_RV attempt(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session)
{
    struct buffer pin SCOPED(buffer_free) = BUFFER_INIT(PIN_MOST);
    struct hsm_login *login = token->login;

    if (login->refused != CKR_OK && !pin_has_changed(token)) {
        return login->refused;
    }
    login->refused = CKR_OK;
    if (one_try_left(token, functions, session)) {
        return CKR_PIN_LOCKED;
    }
    CK_RV rv = read_pin(token, &pin);

    if (rv != CKR_OK) {
        return rv;
    }
    rv = functions->C_Login(session, CKU_USER, pin.data, pin.size);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN) {
        explain(token, rv);
        return rv;
    }
    log_debug(token->label, "logged in with the PIN of %s", token->uri.pin_name);
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
CK_RV hsm_login_ensure(struct hsm_token *token, const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session)
{
    if (is_logged_in(functions, session)) {
        return CKR_OK;
    }
    if (!hsm_turn_take(&token->login->turn)) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    CK_RV rv = is_logged_in(functions, session) ? CKR_OK : attempt(token, functions, session);

    hsm_turn_give(&token->login->turn);
    return rv;
}
