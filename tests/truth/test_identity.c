/*
 * Tokens ($BYOK_TEST_DATA/keyvault/identity): our reading is given the recorded answers; our identities ask
 * the stand-in, and their requests equal the flows, its answers what was recorded.
 */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/managed_identity.h"
#include "tests/backends/keyvault/certificates.h"
#include "tests/truth/asked.h"
#include "tests/truth/flow.h"
#include "tests/truth/shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- What cannot be equal --- */

static const struct known differences[] = {
    {"*", "body.access_token: \"*", "each token is another one"},
    {"*", "body.expires_*: [\"0-9]*",
     "an hour in the stand-in, from now on; Entra's own tokens for machines a day"},
    {"*", "body.ext_expires_in: [\"0-9]*", "the same"},
    {"*", "body.not_before: \"*", "the same"},
    {"client_credentials_*", "form claims: more",
     "cp1: claims challenges are understood (SDKs ask so if told to)"},
    {"workload_identity_*", "form claims: more", "the same"},
    {"client_credentials_certificate", "assertion header x5t: missing",
     "SHA-256 names the certificate, not SHA-1"},
    {"client_credentials_certificate", "assertion header x5t#S256: more", "the same"},
    {"client_credentials_certificate", "assertion header kid: missing", "the same"},
    {"client_credentials_certificate", "assertion header alg: \"PS256\", *", "what Entra prefers by now"},
    {"go-ClientCertificate*",
     "body.error_description: \"AADSTS700027: Client assertion contains an invalid signature. *",
     "the stand-in says as much in fewer words"},
    {"go-ManagedIdentity*", "query resource: \"*", "recorded for another resource"},
    {"go-ManagedIdentity*", "body.resource: \"*", "the same"},
    {"go-ManagedIdentity*", "query client_id: \"*", "the names were taken out of the recordings"},
    {"go-ManagedIdentity*", "body.client_id: \"*", "the same"},
    {"go-ManagedIdentity*", "query m*_res_id: *", "mi_res_id and msi_res_id name the same"},
};
static struct known_table table = KNOWN_TABLE(differences);

/* --- Our identities ask --- */

struct asking {
    const struct identity_kind *kind;
    const struct managed_places *places; /* instead of the kind: a machine's own */
    struct identity_options options;
};

static void fetch(const struct asking *asking, bool expected)
{
    struct http_options how = {
        .about = "test", .ca_file = standin.vault_ca, .connect_timeout = 5000, .connection_age = 60000};
    struct token_scope scope = {standin.identity_url, standin.tenant_id, "https://vault.azure.net", NULL};
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    struct identity_options options = asking->options;
    struct identity_failure failure;
    struct http_client *http;
    struct identity *identity;
    int64_t lifetime;
    bool got;

    options.about = "test";
    assert_int_equal(http_client_new(&how, &http), CKR_OK);
    options.http = http;
    assert_int_equal(asking->places == NULL ? asking->kind->open(&options, &identity)
                                            : managed_identity_open_at(&options, asking->places, &identity),
                     CKR_OK);
    asked_forget();
    got = identity->ops->fetch(identity, &scope, deadline_in(10000), &token, &lifetime, &failure);
    identity->ops->free(identity);
    http_client_free(http);
    if (got != expected) {
        fail_msg("%s", got ? "a token came" : failure.said);
    }
}

/* The same request once more, by the stand-in answered as recorded. */
static void compare_answer(const char *base, const cJSON *entry, unsigned status, const cJSON *body,
                           struct differences *found)
{
    struct comparison how = {found, false, true};
    unsigned got;
    cJSON *answer ENDED_BY(free_json) = asked_again(base, entry, &got);

    if (got != status) {
        differ(found, "status: %u, not %u", got, status);
    }
    compare_bodies(&how, body, answer);
}

static const cJSON *last_of(const cJSON *log)
{
    assert_true(cJSON_GetArraySize(log) > 0);
    return cJSON_GetArrayItem(log, cJSON_GetArraySize(log) - 1);
}

/* `base` NULL: the answer is not compared. */
static void check_flow(const char *name, const struct asking *asking, const char *service, const char *base)
{
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json"), *log ENDED_BY(free_json) = NULL;
    const cJSON *flow = flow_of(flows, name);
    struct differences found ENDED_BY(differences_done) = {0};

    fetch(asking, true);
    log = asked_log(service);
    flow_compare(item_at(flow, "request"), last_of(log), &found);
    if (base != NULL) {
        compare_answer(base, last_of(log), 200, item_at(flow, "success.body"), &found);
    }
    differences_judge(&found, name, &table);
}

static void test_client_secret(void **state)
{
    (void)state;
    check_flow("client_credentials_secret",
               &(struct asking){.kind = &client_secret_kind,
                                .options = {.client_id = standin.client_id,
                                            .client_secret_file = standin.client_secret_file}},
               "identity", standin.identity_url);
}

static void test_client_certificate(void **state)
{
    (void)state;
    check_flow("client_credentials_certificate",
               &(struct asking){.kind = &client_certificate_kind,
                                .options = {.client_id = standin.client_id,
                                            .client_certificate_file = standin.client_certificate_file}},
               "identity", NULL);
}

static void test_workload_identity(void **state)
{
    (void)state;
    check_flow("workload_identity_federation",
               &(struct asking){.kind = &workload_identity_kind,
                                .options = {.client_id = standin.client_id,
                                            .federated_token_file = standin.federated_token_file}},
               "identity", standin.identity_url);
}

/* --- Refusals --- */

static void check_refusal(const char *name, const struct asking *asking)
{
    char *path ENDED_BY(free_text) = format("identity/%s.json", name);
    cJSON *recorded ENDED_BY(free_json) = recorded_need(path), *log ENDED_BY(free_json) = NULL;
    struct differences found ENDED_BY(differences_done) = {0};

    fetch(asking, false);
    log = asked_log("identity");
    compare_answer(standin.identity_url, last_of(log), (unsigned)number_at(recorded, "response.status"),
                   item_at(recorded, "response.body"), &found);
    differences_judge(&found, name, &table);
}

static void write_file(const char *path, mode_t mode, const char *content)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    chmod(path, mode);
}

static void test_a_wrong_secret_is_refused_as_recorded(void **state)
{
    char *path ENDED_BY(free_text) = format("%s/wrong-secret", standin.dir);

    (void)state;
    write_file(path, 0600, "wrong");
    check_refusal("go-ClientSecretCredential_InvalidSecretLive-token-401-2",
                  &(struct asking){.kind = &client_secret_kind,
                                   .options = {.client_id = standin.client_id, .client_secret_file = path}});
}

static void test_a_wrong_certificate_is_refused_as_recorded(void **state)
{
    char *path ENDED_BY(free_text) = format("%s/wrong.pem", standin.dir);
    struct pair pair ENDED_BY(pair_done) = pair_make(2048, 30);
    char *key ENDED_BY(free_text) = pem_of_key(&pair, NULL);
    char *certificate ENDED_BY(free_text) = pem_of_certificate(&pair);
    char *both ENDED_BY(free_text) = format("%s%s", key, certificate);

    (void)state;
    write_file(path, 0600, both);
    check_refusal(
        "go-ClientCertificateCredential_InvalidCertLive-token-401-2",
        &(struct asking){.kind = &client_certificate_kind,
                         .options = {.client_id = standin.client_id, .client_certificate_file = path}});
}

/* --- Machines --- */

static void clear_environment(void)
{
    static const char *const names[] = {"IDENTITY_ENDPOINT",
                                        "IDENTITY_HEADER",
                                        "IMDS_ENDPOINT",
                                        "MSI_ENDPOINT",
                                        "MSI_SECRET",
                                        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                                        "IDENTITY_SERVER_THUMBPRINT"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
}

static void test_imds(void **state)
{
    (void)state;
    clear_environment();
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", standin.imds_url, 1);
    check_flow("imds", &(struct asking){.kind = &managed_identity_kind}, "imds", standin.imds_url);
}

/* The recorded requests name an identity, one by its client's ID, one by its resource's. */
static void check_imds_recording(const char *name, const char *id)
{
    char *path ENDED_BY(free_text) = format("identity/%s.json", name);
    cJSON *recorded ENDED_BY(free_json) = recorded_need(path), *log ENDED_BY(free_json) = NULL;
    struct asking asking = {.kind = &managed_identity_kind, .options = {.client_id = id}};
    struct differences found ENDED_BY(differences_done) = {0};

    clear_environment();
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", standin.imds_url, 1);
    fetch(&asking, true);
    log = asked_log("imds");
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(cJSON_GetObjectItem(recorded, "request"), "headers"),
                               "user-agent");
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(cJSON_GetObjectItem(recorded, "request"), "headers"),
                               ":method");
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(cJSON_GetObjectItem(recorded, "request"), "headers"),
                               "accept-encoding");
    flow_compare(item_at(recorded, "request"), last_of(log), &found);
    compare_answer(standin.imds_url, last_of(log), 200, item_at(recorded, "response.body"), &found);
    differences_judge(&found, name, &table);
}

static void test_imds_as_recorded(void **state)
{
    (void)state;
    check_imds_recording("go-ManagedIdentityCredential_IMDSLive-token-200-0", NULL);
    check_imds_recording("go-ManagedIdentityCredential_IMDSClientIDLive-token-200-0",
                         standin.managed_id_client_id);
    check_imds_recording("go-ManagedIdentityCredential_IMDSResourceIDLive-token-200-0",
                         standin.managed_id_resource_id);
}

static void test_app_service(void **state)
{
    char *base ENDED_BY(free_text) = format("%s", standin.app_service_endpoint);

    (void)state;
    clear_environment();
    setenv("IDENTITY_ENDPOINT", standin.app_service_endpoint, 1);
    setenv("IDENTITY_HEADER", standin.app_service_header, 1);
    strstr(base, "/msi")[0] = '\0';
    check_flow("app_service_and_container_apps", &(struct asking){.kind = &managed_identity_kind},
               "app-service", base);
}

static void test_azure_arc(void **state)
{
    const struct managed_places places = {standin.arc_dir, "/nonexistent"};
    const struct asking asking = {.places = &places};
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json"), *log ENDED_BY(free_json) = NULL;
    const cJSON *flow = flow_of(flows, "azure_arc"), *second;

    (void)state;
    clear_environment();
    setenv("IDENTITY_ENDPOINT", standin.arc_endpoint, 1);
    setenv("IMDS_ENDPOINT", standin.arc_endpoint, 1);
    fetch(&asking, true);
    log = asked_log("arc");
    assert_int_equal(cJSON_GetArraySize(log), 2);
    second = cJSON_GetArrayItem(log, 1);
    for (int i = 0; i < 2; i++) {
        struct differences found ENDED_BY(differences_done) = {0};

        flow_compare(item_at(flow, "request"), cJSON_GetArrayItem(log, i), &found);
        differences_judge(&found, "azure_arc", &table);
    }
    assert_int_equal(strncmp(text_at(second, "headers.authorization"), "Basic ", 6), 0);
    assert_null(item_at(cJSON_GetArrayItem(log, 0), "headers.authorization"));
}

/* --- The Azure CLI --- */

static void test_azure_cli(void **state)
{
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json");
    const cJSON *flow = flow_of(flows, "azure_cli");
    struct asking asking = {.kind = &azure_cli_kind};
    char *program ENDED_BY(free_text) = format("%s/az", standin.dir);
    char *heard ENDED_BY(free_text) = format("%s/heard", standin.dir);
    char *answer ENDED_BY(free_text) = flow_answer(item_at(flow, "success.stdout"));
    char *script ENDED_BY(free_text) = NULL, *expected ENDED_BY(free_text) = NULL, *path = getenv("PATH");
    char line[512] = "";
    FILE *file;

    (void)state;
    replace_all(&answer, "1700692424", "$(($(date +%s) + 999))");
    replace_all(&answer, "\"", "\\\"");
    script = format("#!/bin/sh\nPATH=%s\necho \"az $*\" >%s\necho \"%s\"\n", path, heard, answer);
    write_file(program, 0700, script);
    path = format("%s", path);
    setenv("PATH", standin.dir, 1);
    fetch(&asking, true);
    setenv("PATH", path, 1);
    free(path);
    file = fopen(heard, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    expected = format("%s --tenant %s\n", text_at(flow, "request.command"), standin.tenant_id);
    replace_all(&expected, "\"", "");
    assert_string_equal(line, expected);
}

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_secret),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_workload_identity),
        cmocka_unit_test(test_a_wrong_secret_is_refused_as_recorded),
        cmocka_unit_test(test_a_wrong_certificate_is_refused_as_recorded),
        cmocka_unit_test(test_imds),
        cmocka_unit_test(test_imds_as_recorded),
        cmocka_unit_test(test_app_service),
        cmocka_unit_test(test_azure_arc),
        cmocka_unit_test(test_azure_cli),
        cmocka_unit_test(test_each_known_difference_is_still_one),
    };

    return recorded_run("identity", tests, sizeof tests / sizeof tests[0], asked_start, asked_end);
}
