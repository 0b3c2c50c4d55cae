/* The files of the start, and standin.env, which names them all. */
#include "tests/standin/credentials.h"
#include "tests/standin/federation.h"
#include "tests/standin/files.h"
#include "tests/standin/world.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- Lines for a shell --- */

static void add_line(char **env, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_line(char **env, const char *name, const char *format, ...)
{
    char *old = *env, *value = NULL;
    va_list arguments;

    va_start(arguments, format);
    need(vasprintf(&value, format, arguments) < 0 ? NULL : value);
    va_end(arguments);
    *env = text("%s%s=\"%s\"\n", old, name, value);
    free(old);
    free(value);
}

static void add_services(const struct standin *standin, char **env)
{
    const unsigned *ports = standin->ports;

    add_line(env, "VAULT_URL", "%s", standin->vault_url);
    add_line(env, "MHSM_URL", "%s", standin->mhsm_url);
    add_line(env, "IDENTITY_URL", "%s", standin->identity_url);
    add_line(env, "CONTROL_URL", "http://127.0.0.1:%u", ports[SERVICE_CONTROL]);
    add_line(env, "IMDS_URL", "http://127.0.0.1:%u", ports[SERVICE_IMDS]);
    add_line(env, "APP_SERVICE_ENDPOINT", "http://127.0.0.1:%u/msi/token", ports[SERVICE_APP_SERVICE]);
    add_line(env, "APP_SERVICE_HEADER", "%s", standin->app_service_header);
    add_line(env, "ARC_ENDPOINT", "http://127.0.0.1:%u/metadata/identity/oauth2/token", ports[SERVICE_ARC]);
    add_line(env, "ARC_DIR", "%s", standin->arc_dir);
}

static char *env_of(const struct standin *standin, const char *dir)
{
    const struct caller *managed = caller_find(standin->callers, standin->managed_id);
    char *env = text("%s", "");

    add_services(standin, &env);
    add_line(&env, "VAULT_CA", "%s/ca.pem", dir);
    add_line(&env, "TENANT_ID", "%s", standin->tenant);
    add_line(&env, "CLIENT_ID", "%s", standin->client_id);
    add_line(&env, "CLIENT_SECRET_FILE", "%s/client-secret", dir);
    add_line(&env, "CLIENT_CERTIFICATE_FILE", "%s/client.pem", dir);
    add_line(&env, "CLIENT_CERTIFICATE_P12", "%s/client.p12", dir);
    add_line(&env, "FEDERATED_TOKEN_FILE", "%s", standin->federated_token_file);
    add_line(&env, "SYSTEM_ID_CLIENT_ID", "%s", standin->system_id);
    add_line(&env, "MANAGED_ID_CLIENT_ID", "%s", standin->managed_id);
    add_line(&env, "MANAGED_ID_OBJECT_ID", "%s", managed->managed.object_id);
    add_line(&env, "MANAGED_ID_RESOURCE_ID", "%s", managed->managed.resource_id);
    return env;
}

/* --- Files --- */

static bool put(const char *dir, const char *name, mode_t mode, const void *content, size_t size)
{
    char *path OWNED(owned_free) = text("%s/%s", dir, name);

    return file_write(path, mode, content, size);
}

static bool put_text(const char *dir, const char *name, mode_t mode, const char *content)
{
    return put(dir, name, mode, content, strlen(content));
}

static bool publish_certificate(struct standin *standin, struct caller *client, const char *dir)
{
    struct client_certificate made OWNED(client_certificate_done) = {0};

    return client_certificate_make(keypair_key(standin->client_key), &made) &&
           caller_add_certificate(client, made.pem) && put_text(dir, "client.pem", 0600, made.pem) &&
           put(dir, "client.p12", 0600, made.p12, (size_t)made.p12_size);
}

static bool publish_federation(struct standin *standin, struct caller *client)
{
    char *issuer OWNED(owned_free) = federation_issuer(standin), *token OWNED(owned_free) = NULL;
    const char *wrong;

    caller_set_federation(client, issuer, FEDERATION_SUBJECT);
    token = federation_token(standin, NULL, &wrong);
    return file_write(standin->federated_token_file, 0600, token, strlen(token));
}

bool world_publish(struct standin *standin, const char *dir, const char *arc_dir, const char *authority)
{
    struct caller *client;
    char *env OWNED(owned_free) = NULL;

    LOCKED(standin);
    client = caller_find(standin->callers, standin->client_id);
    standin->arc_dir = text("%s", arc_dir);
    standin->federated_token_file = text("%s/federated-token", dir);
    env = env_of(standin, dir);
    /* The environment comes last: who sees it may begin. */
    return put_text(dir, "ca.pem", 0644, authority) && put_text(dir, "client-secret", 0600, client->secret) &&
           publish_certificate(standin, client, dir) && publish_federation(standin, client) &&
           put_text(dir, "standin.env", 0644, env);
}
