/* identity = azure-cli: the token of whoever has signed in with `az login`, for developers' machines. */
#include "backends/base/child.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/aadsts.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include "backends/keyvault/identity/token_json.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OUTPUT_LIMIT = 64 * 1024,
    COMPLAINT_LIMIT = 4 * 1024,
    PATH_LIMIT = 4096,
    SCOPE_LIMIT = 1024,
    LONGEST_LINE = 200, /* characters of az's own words that are told on */
    LONGEST_WORD = 80,  /* what is longer is no word: it could be anything */
    LONGEST_CLAIMS = 150
};

struct azure_cli {
    struct identity identity;
    bool has_told; /* that the vault wants a new sign-in, when a token was last asked for */
};

/* --- What is run --- */

/* Whatever comes from a file or a vault is one word to az, and no option. */
static bool is_harmless(const char *text)
{
    return text[0] != 0 && text[0] != '-' &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-")] == 0;
}

static bool find_az(struct buffer *ret_path, struct identity_failure *ret_failure)
{
    CK_RV rv = child_find_program("az", ret_path);

    if (rv == CKR_DATA_INVALID) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "the Azure CLI is not installed: no program az in the absolute folders of PATH "
                             "(what everybody may write to is passed over)");
    }
    return rv == CKR_OK || identity_fail(ret_failure, CKR_HOST_MEMORY, "no memory to run az");
}

/* --- What came of it --- */

/* What az says of the commonest causes. */
static const struct cause {
    const char *says;
    CK_RV rv;
    const char *words;
} causes[] = {
    {"az login", CKR_USER_NOT_LOGGED_IN, "nobody is signed in here, or no longer: run `az login`"},
    {"AADSTS", CKR_USER_NOT_LOGGED_IN,
     "the sign-in is not accepted any more: run `az logout` and `az login`"},
    {"Connection", CKR_DEVICE_ERROR, "it does not reach its service: check network and proxy"},
};

static const struct cause *cause_of(const struct buffer *complaint)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (strstr(buffer_text(complaint), causes[i].says) != NULL) {
            return &causes[i];
        }
    }
    return NULL;
}

/* Its first line of error as far as it consists of words; never what might be a secret. */
static struct bytes own_words(const struct buffer *complaint)
{
    const char *line = strstr(buffer_text(complaint), "ERROR: ");
    size_t length = 0;

    while (line != NULL && line[length] != 0 && line[length] != '\n' && line[length] != '\r') {
        size_t word = strcspn(line + length, " \r\n"), next = length + word + (line[length + word] == ' ');

        if (word > LONGEST_WORD || next > LONGEST_LINE) {
            break;
        }
        length = next;
    }
    return bytes_of(line, length);
}

static bool fail_complaint(const struct child_outcome *outcome, const struct buffer *complaint,
                           struct identity_failure *ret_failure)
{
    const struct cause *cause = cause_of(complaint);
    int64_t code = aadsts_in(buffer_text(complaint));
    struct bytes own = own_words(complaint);
    char status[32] = "";

    if (aadsts_is_no_caller(code)) {
        (void)identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "az gives no token: AADSTS%lld: %s",
                            (long long)code, aadsts_advice(code));
        ret_failure->verdict = VERDICT_NO_CALLER;
        return false;
    }
    if (cause != NULL) {
        return identity_fail(ret_failure, cause->rv, "az gives no token: %s", cause->words);
    }
    if (outcome->end == CHILD_EXITED) {
        snprintf(status, sizeof status, " (exit status %d)", outcome->number);
    }
    return identity_fail(
        ret_failure, CKR_USER_NOT_LOGGED_IN, "az gives no token%s%s%.*s; try `az account get-access-token`",
        status, own.size == 0 ? "" : ": ", (int)own.size, own.size == 0 ? "" : (const char *)own.data);
}

static bool fail_outcome(const struct child_outcome *outcome, const struct buffer *complaint,
                         struct identity_failure *ret_failure)
{
    switch (outcome->end) {
    case CHILD_NOT_STARTED:
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "az cannot be run: %s",
                             strerror(outcome->number));
    case CHILD_TIMED_OUT:
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "az takes longer than the call may; allow more `timeout`");
    case CHILD_TOO_MUCH:
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "az wrote more than a token");
    case CHILD_SIGNALLED:
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "az was killed by signal %d",
                             outcome->number);
    case CHILD_EXITED:
    case CHILD_UNKNOWN:
        break;
    }
    return fail_complaint(outcome, complaint, ret_failure);
}

static bool judge(const struct child_outcome *outcome, const struct buffer *output,
                  const struct buffer *complaint, struct buffer *ret_token, int64_t *ret_lifetime,
                  struct identity_failure *ret_failure)
{
    bool has_ended_well =
        (outcome->end == CHILD_EXITED && outcome->number == 0) || outcome->end == CHILD_UNKNOWN;
    int64_t seconds;

    if (!has_ended_well || (outcome->end == CHILD_UNKNOWN && output->size == 0)) {
        return fail_outcome(outcome, complaint, ret_failure);
    }
    if (token_json_read_cli(buffer_bytes(output), (int64_t)time(NULL), ret_token, &seconds) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "az answered something else than a token; try `az account get-access-token`");
    }
    if (seconds == 0) {
        buffer_clear(ret_token);
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "az gave a token that has ended already; check this machine's clock");
    }
    *ret_lifetime = seconds * 1000;
    return true;
}

/* --- The identity --- */

/* az cannot be told what the service asks for; whoever signs in can, and is given it in base64. */
static bool fail_claims(const struct token_scope *scope, struct identity_failure *ret_failure)
{
    char claims[LONGEST_CLAIMS / 3 * 4 + 1] = "CLAIMS";
    size_t length = strlen(scope->claims);

    if (length <= LONGEST_CLAIMS) {
        EVP_EncodeBlock((unsigned char *)claims, (const unsigned char *)scope->claims, (int)length);
    }
    return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                         "the vault wants a new sign-in: run `az login%s%s --scope %s/.default "
                         "--claims-challenge %s`",
                         scope->tenant == NULL ? "" : " --tenant ",
                         scope->tenant == NULL ? "" : scope->tenant, scope->audience, claims);
}

static bool run(const struct token_scope *scope, struct deadline deadline, struct buffer *ret_token,
                int64_t *ret_lifetime, struct identity_failure *ret_failure)
{
    struct buffer path SCOPED(buffer_free) = BUFFER_INIT(PATH_LIMIT);
    struct buffer wanted SCOPED(buffer_free) = BUFFER_INIT(SCOPE_LIMIT);
    struct buffer output SCOPED(buffer_free) = BUFFER_INIT(OUTPUT_LIMIT);
    struct buffer complaint SCOPED(buffer_free) = BUFFER_INIT(COMPLAINT_LIMIT);
    const char *arguments[] = {"az",
                               "account",
                               "get-access-token",
                               "--output",
                               "json",
                               "--scope",
                               NULL,
                               scope->tenant == NULL ? NULL : "--tenant",
                               scope->tenant,
                               NULL};
    struct child_outcome outcome;

    if (!find_az(&path, ret_failure)) {
        return false;
    }
    if (buffer_printf(&wanted, "%s/.default", scope->audience) != CKR_OK) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN, "audience is too long for az");
    }
    arguments[6] = buffer_text(&wanted);
    outcome = child_run(buffer_text(&path), arguments, deadline, &output, &complaint);
    return judge(&outcome, &output, &complaint, ret_token, ret_lifetime, ret_failure);
}

/*
 * Claims come again until there is a token. Whoever was told of them may have signed in meanwhile, so every
 * second time az is asked; if nobody has, the vault says so.
 */
static bool azure_cli_fetch(struct identity *identity, const struct token_scope *scope,
                            struct deadline deadline, struct buffer *ret_token, int64_t *ret_lifetime,
                            struct identity_failure *ret_failure)
{
    struct azure_cli *self = (struct azure_cli *)identity;

    if (!is_harmless(scope->audience) || (scope->tenant != NULL && !is_harmless(scope->tenant))) {
        return identity_fail(
            ret_failure, CKR_USER_NOT_LOGGED_IN,
            "audience or tenant is not made of letters, digits and .:/_- and is not given to az");
    }
    self->has_told = scope->claims != NULL && !self->has_told;
    return self->has_told ? fail_claims(scope, ret_failure)
                          : run(scope, deadline, ret_token, ret_lifetime, ret_failure);
}

static void azure_cli_free(struct identity *identity)
{
    free(identity);
}

static const struct identity_ops azure_cli_ops = {.fetch = azure_cli_fetch, .free = azure_cli_free};

static CK_RV azure_cli_open(const struct identity_options *options, struct identity **ret_identity)
{
    struct azure_cli *self = calloc(1, sizeof *self);

    (void)options;
    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->identity.ops = &azure_cli_ops;
    *ret_identity = &self->identity;
    return CKR_OK;
}

const struct identity_kind azure_cli_kind = {.open = azure_cli_open};
