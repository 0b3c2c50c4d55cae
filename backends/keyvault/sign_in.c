/* Tenants that vaults tell. */
#include "backends/keyvault/sign_in.h"
#include "backends/base/ask_once.h"
#include "backends/base/log.h"
#include "backends/keyvault/cloud.h"
#include "backends/keyvault/identity/token_endpoint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sign_in {
    struct sign_in_options options;
    struct place authority;
    pthread_mutex_t lock; /* for all below */
    struct ask_once asking;
    char tenant[TENANT_SIZE]; /* "": not known yet */
    char audience[HOST_NAME_SIZE + 16];
    struct identity_failure failure; /* of the last time it was asked in vain */
};

CK_RV sign_in_new(const struct sign_in_options *options, struct sign_in **ret_sign_in)
{
    struct sign_in *self = calloc(1, sizeof *self);
    const char *rest;

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->options = *options;
    (void)place_parse(options->authority, &self->authority, &rest);
    snprintf(self->audience, sizeof self->audience, "%s", options->audience);
    pthread_mutex_init(&self->lock, NULL);
    ask_once_init(&self->asking);
    *ret_sign_in = self;
    return CKR_OK;
}

void sign_in_free(struct sign_in *self)
{
    if (self != NULL) {
        ask_once_done(&self->asking);
        pthread_mutex_destroy(&self->lock);
        free(self);
    }
}

/* --- What is believed --- */

/* The rule of the service's own clients: contoso.vault.azure.net may ask for tokens for vault.azure.net. */
static bool is_in_domain(const struct place *vault, const struct place *resource)
{
    size_t host = strlen(vault->host), domain = strlen(resource->host);

    return resource->port == 443 && host > domain + 1 && vault->host[host - domain - 1] == '.' &&
           strcmp(vault->host + host - domain, resource->host) == 0;
}

static bool is_known_authority(const struct sign_in *self, const struct place *told)
{
    const struct cloud *cloud = cloud_of(self->options.vault);

    return place_equal(told, &self->authority) ||
           (cloud != NULL && told->port == 443 && cloud_signs_in(cloud, told->host));
}

static bool check(const struct sign_in *self, const struct vault_challenge *told,
                  struct identity_failure *ret_failure)
{
    if (told->tenant[0] == 0) {
        return identity_fail(
            ret_failure, CKR_USER_NOT_LOGGED_IN,
            "the vault does not tell its tenant (WWW-Authenticate of its 401): set `tenant`");
    }
    if (!is_known_authority(self, &told->authority)) {
        return identity_fail(ret_failure, CKR_USER_NOT_LOGGED_IN,
                             "the vault names %s to sign in, which is neither `authority` nor known in its "
                             "cloud; nothing was sent there: check the vault's address, or set `tenant`",
                             told->authority.host);
    }
    if (self->options.verify && told->resource.host[0] != 0 &&
        !is_in_domain(self->options.vault, &told->resource)) {
        return identity_fail(
            ret_failure, CKR_USER_NOT_LOGGED_IN,
            "the vault %s asks for tokens for %s, which is not its own service; none was asked "
            "for: check the vault's address (verify-challenge = no is for loopbacks)",
            self->options.vault->host, told->resource.host);
    }
    return true;
}

static void take_locked(struct sign_in *self, const struct vault_challenge *told)
{
    snprintf(self->tenant, sizeof self->tenant, "%s", told->tenant);
    if (!self->options.audience_stays && told->resource.host[0] != 0) {
        snprintf(self->audience, sizeof self->audience, "https://%s", told->resource.host);
    }
    log_info(self->options.about, "the vault tells that its tenant is %s; tokens are for %s", self->tenant,
             self->audience);
}

/* --- Asking --- */

/* The lock is given back meanwhile. */
static CK_RV ask_locked(struct sign_in *self, sign_in_ask *ask, void *arg)
{
    struct identity_failure failure = {.rv = CKR_OK};
    struct vault_challenge told;
    bool good;

    pthread_mutex_unlock(&self->lock);
    memset(&told, 0, sizeof told);
    good = ask(arg, &told, &failure) && check(self, &told, &failure);
    pthread_mutex_lock(&self->lock);
    if (good) {
        take_locked(self, &told);
    } else {
        self->failure = failure;
    }
    vault_challenge_done(&told);
    ask_once_answer(&self->asking, failure.rv);
    return failure.rv;
}

static bool learn_locked(struct sign_in *self, sign_in_ask *ask, void *arg, struct deadline deadline,
                         struct identity_failure *ret_failure)
{
    bool own;
    CK_RV rv = CKR_OK;

    if (self->tenant[0] != 0) {
        return true;
    }
    own = ask_once_join(&self->asking, &self->lock, deadline, &rv);
    if (own) {
        rv = ask_locked(self, ask, arg);
    } else if (deadline_passed(deadline)) {
        return identity_fail(ret_failure, CKR_DEVICE_ERROR,
                             "the vault takes longer to tell its tenant than the call may");
    }
    if (rv != CKR_OK) {
        *ret_failure = self->failure;
    }
    return rv == CKR_OK;
}

bool sign_in_get(struct sign_in *self, sign_in_ask *ask, void *arg, struct deadline deadline,
                 struct sign_in_scope *ret_scope, struct identity_failure *ret_failure)
{
    bool known;

    pthread_mutex_lock(&self->lock);
    known = learn_locked(self, ask, arg, deadline, ret_failure);
    memcpy(ret_scope->tenant, self->tenant, sizeof ret_scope->tenant);
    memcpy(ret_scope->audience, self->audience, sizeof ret_scope->audience);
    pthread_mutex_unlock(&self->lock);
    ret_scope->scope = (struct token_scope){
        .authority = self->options.authority, .tenant = ret_scope->tenant, .audience = ret_scope->audience};
    return known;
}

/* Where another thread has learned it already, nothing is left to do. */
void sign_in_learn(struct sign_in *self, const struct vault_challenge *challenge,
                   const struct sign_in_scope *used)
{
    struct identity_failure failure;

    if (!check(self, challenge, &failure)) {
        return;
    }
    pthread_mutex_lock(&self->lock);
    if (strcmp(self->tenant, used->tenant) == 0 && strcmp(self->tenant, challenge->tenant) != 0) {
        take_locked(self, challenge);
    }
    pthread_mutex_unlock(&self->lock);
}
