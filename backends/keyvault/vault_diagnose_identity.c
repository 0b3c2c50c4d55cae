/* Who we are to a vault: what proves it, and the token that comes of it. */
#include "backends/base/file.h"
#include "backends/base/scope.h"
#include "backends/keyvault/identity/credential.h"
#include "backends/keyvault/identity/identity_kinds.h"
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/vault_diagnose_private.h"
#include "backends/keyvault/vault_request.h"
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

enum {
    DAY = 24 * 60 * 60,
    SOON = 30 * DAY,        /* seconds before a certificate's end that its owner is told */
    SHORT = 5 * 60,         /* seconds that are left of a token: whoever gives such is not asked in time */
    FILE_LIMIT = 256 * 1024 /* bytes of a certificate's file */
};

/* --- Files --- */

/* Those that the environment names; who examines the configuration has seen the others. */
static bool examine_files(const struct examination *examination)
{
    const struct identity_config *identity = &examination->vault->config.identity;
    const struct {
        const char *option, *path;
    } files[] = {{"client-certificate-file", identity->client_certificate_file},
                 {"federated-token-file", identity->federated_token_file}};
    bool good = true;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].path != NULL && !settings_written(examination->section, files[i].option)) {
            good = diagnosis_file(examination->diagnosis, files[i].option, "the environment's", files[i].path,
                                  true) &&
                   good;
        }
    }
    return good;
}

static void tell_certificate_end(const struct examination *examination, const char *path, int64_t ends)
{
    int64_t left = ends - (int64_t)time(NULL);
    char date[EXAMINED_DATE_SIZE], span[EXAMINED_DATE_SIZE];

    vault_diagnose_date(ends, date);
    vault_diagnose_span(left < 0 ? -left : left, span);
    if (left < 0) {
        diagnosis_fail(examination->diagnosis, "client-certificate",
                       "make a new one, upload it to the application",
                       "the certificate in %s ended %s ago, %s", path, span, date);
    } else if (left < SOON) {
        diagnosis_warn(examination->diagnosis, "client-certificate",
                       "make a new one in time, upload it to the application, put it in the file's place",
                       "the certificate in %s ends in %s, %s", path, span, date);
    } else {
        diagnosis_ok(examination->diagnosis, "client-certificate", "the certificate in %s is good until %s",
                     path, date);
    }
}

/* What cannot be read is told by the identity, when it is to give a token. */
static void examine_certificate(const struct examination *examination)
{
    const struct identity_config *identity = &examination->vault->config.identity;
    struct buffer content SCOPED(buffer_free) = BUFFER_INIT(FILE_LIMIT);
    struct credential credential SCOPED(credential_done) = {NULL, NULL};
    struct credential_file file = {.what = "client-certificate-file",
                                   .key_elsewhere = identity->client_certificate_key != NULL};
    const char *path = identity->client_certificate_file;
    struct identity_failure failure;
    struct tm ends;

    if (path == NULL ||
        file_read(examination->vault->config.about, file.what, path, &content, NULL) != CKR_OK) {
        return;
    }
    file.content = buffer_bytes(&content);
    if (credential_read(&file, &credential, &failure) && credential.certificate != NULL &&
        ASN1_TIME_to_tm(X509_get0_notAfter(credential.certificate), &ends) == 1) {
        tell_certificate_end(examination, path, (int64_t)timegm(&ends));
    }
}

/* --- The token --- */

static const char *word_of(const struct identity_config *identity)
{
    const struct identity_row *row = identity_rows;

    while (row->word != NULL && row->kind != identity->kind) {
        row++;
    }
    return row->word == NULL ? "this identity" : row->word;
}

static const char *advice_for(enum service_verdict verdict)
{
    switch (verdict) {
    case VERDICT_NO_CALLER:
        return "have the application enabled in its directory, or correct client-id and tenant";
    case VERDICT_UNREACHABLE:
        return "see that whoever gives the tokens can be reached from here, over the same proxy";
    default:
        return "correct what proves who this is";
    }
}

static void tell_no_token(const struct examination *examination, const struct identity_failure *failure)
{
    diagnosis_fail(examination->diagnosis, "token", advice_for(failure->verdict), "no access token by %s: %s",
                   word_of(&examination->vault->config.identity), failure->said);
}

/* By its own word, where it is a JWT; what it leaves open is what whoever gave it said. */
static void tell_token(const struct examination *examination, const char *token,
                       const struct token_facts *facts, const struct token_scope *scope)
{
    int64_t now = (int64_t)time(NULL), ends = now + (facts->ends - clock_now()) / 1000, issued = 0;
    char age[EXAMINED_DATE_SIZE] = "now", left[EXAMINED_DATE_SIZE], date[EXAMINED_DATE_SIZE];

    if (token_read_issue(token, &issued) && issued < now) {
        vault_diagnose_span(now - issued, age);
    }
    vault_diagnose_span(ends > now ? ends - now : 0, left);
    vault_diagnose_date(ends, date);
    if (ends - now < SHORT) {
        diagnosis_warn(examination->diagnosis, "token",
                       "see that whoever gives the tokens renews them in time", "the token ends in %s, %s",
                       left, date);
        return;
    }
    diagnosis_ok(examination->diagnosis, "token",
                 "for %s%s%s%s%s; issued %s%s, ends in %s, %s: a disabled application is noticed by then",
                 scope->audience, scope->tenant == NULL ? "" : " in the tenant ",
                 scope->tenant == NULL ? "" : scope->tenant,
                 facts->principal[0] == 0 ? "" : ", of the principal ", facts->principal, age,
                 strcmp(age, "now") == 0 ? "" : " ago", left, date);
}

static bool examine_token(const struct examination *examination)
{
    struct buffer url SCOPED(buffer_free) = BUFFER_INIT(VAULT_URL_LIMIT);
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    const struct vault_client *client = &examination->vault->client;
    struct vault_call call SCOPED(vault_call_done);
    struct identity_failure failure;
    struct service_answer answer;
    struct sign_in_scope scope;
    struct token_facts facts;

    vault_call_init(&call, client, VAULT_LIST, NULL, vault_diagnose_time(examination), &answer);
    if (buffer_printf(&url, "%s/keys?maxresults=1&api-version=%s", client->url, client->api_version) !=
        CKR_OK) {
        return false;
    }
    call.url = buffer_text(&url);
    if (!vault_call_get_token(&call, &scope, &token, &facts, &failure)) {
        tell_no_token(examination, &failure);
        return false;
    }
    tell_token(examination, buffer_text(&token), &facts, &scope.scope);
    return true;
}

bool vault_diagnose_identity(const struct examination *examination)
{
    const struct identity_config *identity = &examination->vault->config.identity;

    if (identity->problem != NULL) {
        diagnosis_fail(examination->diagnosis, "identity",
                       "correct the environment, or use another `identity`", "identity = %s: %s",
                       word_of(identity), identity->problem);
        return false;
    }
    diagnosis_ok(examination->diagnosis, "identity", "%s%s%s", word_of(identity),
                 identity->client_id == NULL ? "" : ", client-id ",
                 identity->client_id == NULL ? "" : identity->client_id);
    if (!examine_files(examination)) {
        return false;
    }
    examine_certificate(examination);
    diagnosis_forget(examination->diagnosis);
    return examine_token(examination);
}
