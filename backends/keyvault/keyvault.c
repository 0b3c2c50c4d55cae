/* A key service over REST, composed of its parts. */
#include "backends/keyvault/keyvault.h"
#include "backends/keyvault/http_pool.h"
#include "backends/keyvault/keyvault_private.h"
#include "backends/keyvault/libcurl.h"
#include "backends/keyvault/tls_store.h"
#include "backends/keyvault/vault_algorithm.h"
#include "backends/keyvault/vault_diagnose.h"
#include "backends/keyvault/vault_fleet.h"
#include <stdio.h>
#include <stdlib.h>

static void keyvault_close(struct key_service *service)
{
    struct keyvault *self = (struct keyvault *)service;

    if (self != NULL) {
        token_cache_free(self->tokens);
        sign_in_free(self->sign_in);
        endpoint_free(self->endpoint);
        http_client_free(self->http);
        vault_config_done(&self->config);
        free(self);
    }
}

static void each_id(const struct key_id *ids, size_t count, key_ref_visitor *visit, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        struct key_ref key = {ids[i].name, ids[i].version[0] == 0 ? NULL : ids[i].version};

        visit(arg, &key);
    }
}

static void keyvault_each_named(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    const struct vault_config *config = &keyvault_of(service)->config;

    each_id(config->keys, config->key_count, visit, arg);
}

static void keyvault_each_older(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    const struct vault_config *config = &keyvault_of(service)->config;

    each_id(config->older, config->older_count, visit, arg);
}

static void keyvault_identify(struct key_service *service, const struct key_ref *key,
                              char ret_text[KEY_TEXT_SIZE])
{
    snprintf(ret_text, KEY_TEXT_SIZE, "%s/keys/%s%s%s", keyvault_of(service)->config.url, key->name,
             key->version == NULL ? "" : "/", key->version == NULL ? "" : key->version);
}

static CK_RV keyvault_each_key(struct key_service *service, struct deadline deadline, key_visitor *visit,
                               void *arg, struct service_answer *ret_answer)
{
    return vault_client_each_key(&keyvault_of(service)->client, deadline, visit, arg, ret_answer);
}

static CK_RV keyvault_each_version(struct key_service *service, const char *name, struct deadline deadline,
                                   key_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    return vault_client_each_version(&keyvault_of(service)->client, name, deadline, visit, arg, ret_answer);
}

static CK_RV keyvault_public_part(struct key_service *service, const struct key_ref *key,
                                  struct deadline deadline, struct key_info *ret_info,
                                  struct service_answer *ret_answer)
{
    return vault_client_get(&keyvault_of(service)->client, key, deadline, ret_info, ret_answer);
}

static CK_RV keyvault_wrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                           struct bytes key, struct deadline deadline, struct buffer *ret_blob,
                           struct service_answer *ret_answer)
{
    return vault_client_seal(&keyvault_of(service)->client, VAULT_WRAP, kek, padding, key, deadline, ret_blob,
                             ret_answer);
}

static CK_RV keyvault_unwrap(struct key_service *service, const struct key_ref *kek, enum rsa_padding padding,
                             struct bytes blob, struct deadline deadline, struct secret *ret_key,
                             struct service_answer *ret_answer)
{
    return vault_client_open(&keyvault_of(service)->client, VAULT_UNWRAP, kek, padding, blob, deadline,
                             ret_key, ret_answer);
}

static CK_RV keyvault_encrypt(struct key_service *service, const struct key_ref *key,
                              enum rsa_padding padding, struct bytes plain, struct deadline deadline,
                              struct buffer *ret_blob, struct service_answer *ret_answer)
{
    return vault_client_seal(&keyvault_of(service)->client, VAULT_ENCRYPT, key, padding, plain, deadline,
                             ret_blob, ret_answer);
}

static CK_RV keyvault_decrypt(struct key_service *service, const struct key_ref *key,
                              enum rsa_padding padding, struct bytes blob, struct deadline deadline,
                              struct secret *ret_plain, struct service_answer *ret_answer)
{
    return vault_client_open(&keyvault_of(service)->client, VAULT_DECRYPT, key, padding, blob, deadline,
                             ret_plain, ret_answer);
}

static CK_RV keyvault_sign(struct key_service *service, const struct key_ref *key,
                           enum signature_algorithm algorithm, struct bytes digest, struct deadline deadline,
                           struct buffer *ret_signature, struct service_answer *ret_answer)
{
    return vault_client_sign(&keyvault_of(service)->client, key, algorithm, digest, deadline, ret_signature,
                             ret_answer);
}

static CK_RV keyvault_aes(struct key_service *service, const struct key_ref *key, const struct aes_task *task,
                          struct deadline deadline, struct secret *ret_value, struct aes_extra *ret_extra,
                          struct service_answer *ret_answer)
{
    return vault_client_aes(&keyvault_of(service)->client, key, task, deadline, ret_value, ret_extra,
                            ret_answer);
}

static CK_RV keyvault_random(struct key_service *service, unsigned char *ret_data, size_t size,
                             struct deadline deadline, struct service_answer *ret_answer)
{
    return vault_client_random(&keyvault_of(service)->client, ret_data, size, deadline, ret_answer);
}

static CK_RV keyvault_each_certificate(struct key_service *service, struct deadline deadline,
                                       certificate_name_visitor *visit, void *arg,
                                       struct service_answer *ret_answer)
{
    return vault_client_each_certificate(&keyvault_of(service)->client, deadline, visit, arg, ret_answer);
}

static CK_RV keyvault_certificate(struct key_service *service, const char *name, struct deadline deadline,
                                  certificate_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    return vault_client_certificate(&keyvault_of(service)->client, name, deadline, visit, arg, ret_answer);
}

#define WHAT_BOTH_DO                                                                                         \
    .name = "keyvault", .close = keyvault_close, .each_named = keyvault_each_named,                          \
    .each_older = keyvault_each_older, .identify = keyvault_identify, .each_key = keyvault_each_key,         \
    .each_version = keyvault_each_version, .public_part = keyvault_public_part, .wrap = keyvault_wrap,       \
    .unwrap = keyvault_unwrap, .encrypt = keyvault_encrypt, .decrypt = keyvault_decrypt,                     \
    .sign = keyvault_sign, .aes = keyvault_aes

static const struct key_service_ops vault_ops = {
    WHAT_BOTH_DO,
    .each_certificate = keyvault_each_certificate,
    .certificate = keyvault_certificate,
};

static const struct key_service_ops managed_hsm_ops = {
    WHAT_BOTH_DO,
    .random = keyvault_random,
};

/* FNV-1a of the address: no secret, only the same on every start and another for another vault. */
static void make_serial(const char *url, char ret_serial[17])
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *url != 0; url++) {
        hash = (hash ^ (unsigned char)*url) * 0x100000001b3u;
    }
    snprintf(ret_serial, 17, "%016llx", (unsigned long long)hash);
}

static CK_RV open_identity(struct keyvault *self)
{
    const struct vault_config *config = &self->config;
    struct identity *identity;
    CK_RV rv = identity_config_open(&config->identity, config->about, self->http, &identity);

    return rv == CKR_OK ? token_cache_new(config->about, identity, &self->tokens) : rv;
}

/* Who needs a tenant that the configuration does not name asks the vault. */
static CK_RV open_sign_in(struct keyvault *self, const struct settings *section)
{
    const struct vault_config *config = &self->config;
    struct sign_in_options options = {.about = config->about,
                                      .vault = &config->vault,
                                      .authority = config->identity.authority,
                                      .audience = config->identity.audience,
                                      .audience_stays = settings_written(section, "audience"),
                                      .verify = config->identity.verify_challenge};

    return config->identity.kind->asks_tenant && config->identity.tenant == NULL
               ? sign_in_new(&options, &self->sign_in)
               : CKR_OK;
}

static unsigned aes_algorithms(const char *api_version)
{
    unsigned known = 0;

    for (unsigned i = AES_KW; i <= AES_GCM; i++) {
        known |= vault_algorithm_known((enum aes_algorithm)i, api_version) ? 1U << i : 0;
    }
    return known;
}

static CK_RV open_parts(struct keyvault *self, const struct settings *section)
{
    struct vault_config *config = &self->config;
    struct http_options options;
    CK_RV rv = vault_config_read(section, config);

    if (rv != CKR_OK) {
        return rv;
    }
    options = (struct http_options){.about = config->about,
                                    .ca_file = config->ca_file,
                                    .proxy = config->proxy,
                                    .connect_timeout = config->connect_timeout,
                                    .connection_age = config->connection_age};
    rv = http_client_new(&options, &self->http);
    if (rv == CKR_OK) {
        rv = endpoint_new(&(struct endpoint_options){.about = config->about, .http = self->http},
                          &self->endpoint);
    }
    if (rv == CKR_OK) {
        rv = open_identity(self);
    }
    if (rv == CKR_OK) {
        rv = open_sign_in(self, section);
    }
    self->client = (struct vault_client){
        .about = config->about,
        .vault = &config->vault,
        .url = config->url,
        .api_version = config->api_version,
        .endpoint = self->endpoint,
        .tokens = self->tokens,
        .sign_in = self->sign_in,
        .scope = {.authority = config->identity.authority,
                  .tenant = config->identity.tenant,
                  .audience = config->identity.audience},
    };
    self->service.timeout = config->timeout;
    self->service.manufacturer = "Microsoft Azure";
    self->service.ops = config->managed_hsm ? &managed_hsm_ops : &vault_ops;
    self->service.aes_algorithms = rv == CKR_OK ? aes_algorithms(config->api_version) : 0;
    self->service.model = config->managed_hsm ? "Managed HSM" : "Key Vault";
    return rv;
}

static CK_RV keyvault_open(const struct settings *section, struct key_service **ret_service)
{
    struct keyvault *self = calloc(1, sizeof *self);
    CK_RV rv;

    if (self == NULL) {
        return CKR_HOST_MEMORY;
    }
    self->service.ops = &vault_ops;
    rv = open_parts(self, section);
    if (rv != CKR_OK) {
        keyvault_close(&self->service);
        return rv;
    }
    make_serial(self->config.url, self->service.serial);
    *ret_service = &self->service;
    return CKR_OK;
}

static void keyvault_diagnose_fleet(const struct settings *section, unsigned processes,
                                    struct diagnosis *diagnosis)
{
    struct key_service *service;

    if (keyvault_open(section, &service) == CKR_OK) {
        vault_fleet_diagnose(section, service, keyvault_of(service)->config.managed_hsm, processes, diagnosis);
        keyvault_close(service);
    }
}

static void keyvault_after_fork(void)
{
    http_after_fork();
    tls_store_after_fork();
    libcurl_after_fork();
}

const struct backend_kind keyvault_kind = {
    .name = "keyvault",
    .options = vault_options,
    .option_count = VAULT_OPTION_COUNT,
    .open_service = keyvault_open,
    .diagnose = vault_diagnose,
    .diagnose_fleet = keyvault_diagnose_fleet,
    .after_fork = keyvault_after_fork,
};
