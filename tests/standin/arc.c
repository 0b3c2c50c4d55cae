/*
 * Azure Arc:
 * who can read a file that only the machine's administrators and our group can read may have a token.
 */
#include "tests/standin/files.h"
#include "tests/standin/machine.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --- The secrets --- */

static void forget(struct arc_secret *secret)
{
    if (secret->path != NULL) {
        unlink(secret->path);
    }
    free(secret->path);
    free(secret->content);
    *secret = (struct arc_secret){NULL, NULL};
}

void arc_done(struct standin *standin)
{
    for (unsigned i = 0; i < ARC_SECRETS; i++) {
        forget(&standin->arc_secrets[i]);
    }
}

/* At least as long as asked for, so that a file can be too long. */
static char *make_content(int size)
{
    size_t length = size < 64 ? 64 : (size_t)size;
    char *content = need(malloc(length + 1));

    random_hex(content, 64);
    memset(content + 64, 'a', length - 64);
    content[length] = '\0';
    return content;
}

/* With the lock. One more secret in a file of its own; the oldest goes where there are too many. */
static const char *new_secret(struct standin *standin)
{
    char *name OWNED(owned_free) = random_uuid();
    struct arc_secret *secrets = standin->arc_secrets;

    forget(&secrets[ARC_SECRETS - 1]);
    memmove(secrets + 1, secrets, (ARC_SECRETS - 1) * sizeof *secrets);
    secrets[0] = (struct arc_secret){text("%s/%s.key", standin->arc_dir, name),
                                     make_content(standin->settings.arc_key_size)};
    file_write(secrets[0].path, 0640, secrets[0].content, strlen(secrets[0].content));
    return secrets[0].path;
}

/* With the lock. Each secret opens once. */
static bool open_with(struct standin *standin, const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Basic ", 6) != 0) {
        return false;
    }
    for (unsigned i = 0; i < ARC_SECRETS; i++) {
        const char *content = standin->arc_secrets[i].content;

        if (content != NULL && strlen(content) == strlen(authorization + 6) &&
            CRYPTO_memcmp(content, authorization + 6, strlen(content)) == 0) {
            forget(&standin->arc_secrets[i]);
            return true;
        }
    }
    return false;
}

/* --- The service --- */

static void challenge(struct standin *standin, struct answer *answer)
{
    const char *path = new_secret(standin), *other = standin->settings.arc_realm;
    char *header OWNED(owned_free) = text("Basic realm=%s", other[0] == '\0' ? path : other);

    answer_header(answer, "WWW-Authenticate", header);
    machine_refuse(answer, 401, "unauthorized_client", text("Basic authentication is required"));
}

static bool refuse_request(const struct request *request, struct answer *answer)
{
    const char *metadata = request_header(request, "Metadata"),
               *version = request_query(request, "api-version");

    if (machine_refuse_proxied(request, answer)) {
        return true;
    }
    if (metadata == NULL || strcasecmp(metadata, "true") != 0) {
        machine_refuse(answer, 400, "invalid_request", text("Required metadata header not specified"));
    } else if (!same_text(version, "2019-11-01") && !same_text(version, "2020-06-01")) {
        machine_refuse(answer, 400, "invalid_request", text("The api-version is missing or not supported"));
    } else if (request_query(request, "resource") == NULL) {
        machine_refuse(answer, 400, "invalid_request", text("The parameter 'resource' is missing"));
    } else if (request_query(request, "client_id") != NULL || request_query(request, "object_id") != NULL ||
               request_query(request, "msi_res_id") != NULL || request_query(request, "mi_res_id") != NULL) {
        machine_refuse(answer, 400, "invalid_request",
                       text("Only the system-assigned identity is supported"));
    } else {
        return false;
    }
    return true;
}

/* With the lock. */
static void give_token(const struct standin *standin, const char *resource, struct answer *answer)
{
    static const struct identity_selector none[] = {{NULL, FIELD_CLIENT_ID}};
    const struct caller *caller = machine_identity(standin, NULL, none);
    int lifetime = standin->settings.token_lifetime;
    char *left OWNED(owned_free) = text("%d", lifetime), *from OWNED(owned_free) = NULL;
    long expires_on;
    cJSON *json = caller == NULL ? NULL : machine_token(standin, caller, resource, &expires_on);

    if (json == NULL) {
        machine_refuse(answer, 400, "invalid_request",
                       text("Neither the identity nor the resource may be unknown"));
        return;
    }
    from = text("%ld", expires_on - lifetime);
    cJSON_AddStringToObject(json, "expires_in", left);
    cJSON_AddStringToObject(json, "not_before", from);
    answer_json(answer, 200, json);
}

static void answer_request(struct standin *standin, const struct request *request, struct answer *answer)
{
    if (machine_operation(request->method, request->path) != OPERATION_TOKEN) {
        answer_html(answer, 404);
        return;
    }
    if (refuse_request(request, answer)) {
        return;
    }
    LOCKED(standin);
    if (open_with(standin, request_header(request, "Authorization"))) {
        give_token(standin, request_query(request, "resource"), answer);
    } else {
        challenge(standin, answer);
    }
}

static void add_headers(struct standin *standin, const struct request *request, struct answer *answer)
{
    (void)standin, (void)request, (void)answer;
}

const struct server_kind arc_service = {SERVICE_ARC, machine_operation, add_headers, answer_request};
