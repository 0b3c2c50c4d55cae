/* The callers. */
#include "tests/standin/callers.h"
#include "tests/standin/text.h"
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct caller *caller_find(struct caller *callers, const char *id)
{
    while (callers != NULL && strcasecmp(callers->id, id) != 0) {
        callers = callers->next;
    }
    return callers;
}

struct caller *caller_add(struct caller **callers, const char *id)
{
    struct caller *caller = caller_find(*callers, id);

    if (caller != NULL) {
        return caller;
    }
    caller = need(calloc(1, sizeof *caller));
    caller->id = need(strdup(id));
    caller->secret = random_uuid();
    caller->next = *callers;
    *callers = caller;
    return caller;
}

/* --- How it proves itself --- */

static void replace(char **at, const char *value)
{
    char *copy = need(strdup(value));

    free(*at);
    *at = copy;
}

void caller_set_secret(struct caller *caller, const char *secret)
{
    replace(&caller->secret, secret);
}

bool caller_add_certificate(struct caller *caller, const char *pem)
{
    BIO *bio = need(BIO_new_mem_buf(pem, -1));
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    if (certificate == NULL) {
        return false;
    }
    X509_free(caller->certificates[CALLER_CERTIFICATES - 1]);
    memmove(caller->certificates + 1, caller->certificates,
            (CALLER_CERTIFICATES - 1) * sizeof *caller->certificates);
    caller->certificates[0] = certificate;
    return true;
}

bool caller_set_federation(struct caller *caller, const char *issuer, const char *subject)
{
    if (issuer != NULL) {
        replace(&caller->issuer, issuer);
    }
    if (subject != NULL) {
        replace(&caller->subject, subject);
    }
    return true;
}

void caller_set_managed(struct caller *caller, const char *object_id, const char *resource_id)
{
    struct managed *managed = &caller->managed;

    managed->is_managed = true;
    managed->is_system = object_id == NULL && resource_id == NULL;
    replace(&managed->object_id, object_id == NULL ? "" : object_id);
    replace(&managed->resource_id, resource_id == NULL ? "" : resource_id);
}

/* --- What it may --- */

void caller_permit(struct caller *caller, unsigned permissions, int delay_ms)
{
    caller->permissions = (struct permissions){permissions, caller_permissions(caller), now_ms() + delay_ms};
}

unsigned caller_permissions(const struct caller *caller)
{
    const struct permissions *permissions = &caller->permissions;

    return now_ms() < permissions->visible_at ? permissions->before : permissions->now;
}

static void caller_free(struct caller *caller)
{
    for (unsigned i = 0; i < CALLER_CERTIFICATES; i++) {
        X509_free(caller->certificates[i]);
    }
    free(caller->id);
    free(caller->secret);
    free(caller->issuer);
    free(caller->subject);
    free(caller->managed.object_id);
    free(caller->managed.resource_id);
    cJSON_Delete(caller->claims);
    free(caller);
}

void callers_free(struct caller *callers)
{
    while (callers != NULL) {
        struct caller *next = callers->next;

        caller_free(callers);
        callers = next;
    }
}
