/* Client assertions, each rule with the refusal that breaking it gets. */
#include "tests/standin/assertion.h"
#include "tests/standin/aadsts.h"
#include "tests/standin/federation.h"
#include "tests/standin/jwt.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct trial {
    struct standin *standin;
    const struct caller *caller;
    const char *token_url;
    const struct jwt *jwt;
    struct answer *answer;
};

static bool refuse(const struct trial *trial, int number, char *sentence)
{
    aadsts_refuse(trial->answer, 401, "invalid_client", number, sentence);
    return false;
}

static const char *claim(const struct trial *trial, const char *name)
{
    return json_text(trial->jwt->claims, name);
}

/* --- Time --- */

static void stamp(double seconds, char out[32])
{
    time_t when = (time_t)seconds;
    struct tm utc;

    strftime(out, 32, "%Y-%m-%dT%H:%M:%S.0000000Z", gmtime_r(&when, &utc));
}

static bool in_time(const struct trial *trial)
{
    double nbf = json_number(trial->jwt->claims, "nbf"), exp = json_number(trial->jwt->claims, "exp");
    double now = (double)time(NULL), skew = trial->standin->settings.assertion_skew;
    char at[32], from[32], to[32];

    if (exp != 0 && nbf <= now + skew && exp > now - skew) {
        return true;
    }
    stamp(now, at);
    stamp(nbf, from);
    stamp(exp, to);
    return refuse(
        trial, 700024,
        text("Client assertion is not within its valid time range. Current time: %s, assertion valid "
             "from %s, expiry time of assertion %s.",
             at, from, to));
}

/* --- A certificate --- */

static char *thumbprint(const X509 *certificate, const EVP_MD *hash)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    X509_digest(certificate, hash, digest, &size);
    return base64url(digest, size);
}

/* What a header says of the certificate: nothing, or its thumbprint. */
static bool fits(const cJSON *header, const char *name, const X509 *certificate, const EVP_MD *hash)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(header, name);
    char *own OWNED(owned_free) = thumbprint(certificate, hash);

    return item == NULL || (cJSON_IsString(item) && strcmp(item->valuestring, own) == 0);
}

static const X509 *named_certificate(const struct trial *trial)
{
    const cJSON *header = trial->jwt->header;

    if (!cJSON_HasObjectItem(header, "x5t") && !cJSON_HasObjectItem(header, "x5t#S256")) {
        return NULL;
    }
    for (unsigned i = 0; i < CALLER_CERTIFICATES && trial->caller->certificates[i] != NULL; i++) {
        const X509 *certificate = trial->caller->certificates[i];

        if (fits(header, "x5t", certificate, EVP_sha1()) &&
            fits(header, "x5t#S256", certificate, EVP_sha256())) {
            return certificate;
        }
    }
    return NULL;
}

/* In hexadecimal digits, as the service prints it. */
static char *told_thumbprint(const struct trial *trial)
{
    const char *sha256 = json_text(trial->jwt->header, "x5t#S256");
    struct blob bytes OWNED(owned_blob) = {NULL, 0};
    char *hex;

    if (!base64url_decode(sha256[0] == '\0' ? json_text(trial->jwt->header, "x5t") : sha256, &bytes)) {
        return text("%s", "");
    }
    hex = need(calloc(1, 2 * bytes.size + 1));
    for (size_t i = 0; i < bytes.size; i++) {
        sprintf(hex + 2 * i, "%02X", bytes.data[i]);
    }
    return hex;
}

static bool refuse_signature(const struct trial *trial, const char *reason)
{
    char *print OWNED(owned_free) = told_thumbprint(trial);

    return refuse(
        trial, 700027,
        text("Client assertion contains an invalid signature. [Reason - %s, Thumbprint of key used by "
             "client: '%s', Please visit the Azure Portal to see configured keys for app Id '%s'.]",
             reason, print, trial->caller->id));
}

static bool is_signed(const struct trial *trial)
{
    const X509 *certificate = named_certificate(trial);

    if (certificate == NULL) {
        return refuse_signature(trial, "The key was not found.");
    }
    if (!jwt_verify(trial->jwt, X509_get0_pubkey(certificate))) {
        return refuse_signature(trial,
                                "The provided signature value did not match the expected signature value.");
    }
    return true;
}

/* Remembered for good: the stand-in does not live long. */
static bool is_new(const struct trial *trial)
{
    const char *id = claim(trial, "jti");

    if (id[0] == '\0' || cJSON_GetObjectItemCaseSensitive(trial->standin->seen_assertions, id) != NULL) {
        return refuse(trial, 50013,
                      text("Assertion failed replay detection: 'jti' is absent or was seen before."));
    }
    cJSON_AddTrueToObject(trial->standin->seen_assertions, id);
    return true;
}

static bool accept_own(const struct trial *trial)
{
    const char *id = trial->caller->id;

    if (strcasecmp(claim(trial, "iss"), id) != 0 || strcasecmp(claim(trial, "sub"), id) != 0) {
        return refuse(trial, 700021,
                      text("Client assertion application identifier doesn't match 'client_id' parameter."));
    }
    if (!is_signed(trial)) {
        return false;
    }
    if (strcasecmp(claim(trial, "aud"), trial->token_url) != 0) {
        return refuse(
            trial, 700023,
            text("Client assertion audience claim does not match Realm issuer. Expected %s, found %s.",
                 trial->token_url, claim(trial, "aud")));
    }
    return in_time(trial) && is_new(trial);
}

/* --- A federation issuer --- */

static bool accept_federated(const struct trial *trial)
{
    const struct caller *caller = trial->caller;

    if (!same_text(caller->issuer, claim(trial, "iss")) || !same_text(caller->subject, claim(trial, "sub")) ||
        strcmp(claim(trial, "aud"), FEDERATION_AUDIENCE) != 0) {
        aadsts_refuse(
            trial->answer, 400, "invalid_request", 70021,
            text("No matching federated identity record found for presented assertion. Assertion Issuer: "
                 "'%s'. Assertion Subject: '%s'. Assertion Audience: '%s'.",
                 claim(trial, "iss"), claim(trial, "sub"), claim(trial, "aud")));
        return false;
    }
    if (strcmp(json_text(trial->jwt->header, "kid"), FEDERATION_KID) != 0 ||
        !jwt_verify(trial->jwt, keypair_key(trial->standin->issuer_key))) {
        return refuse_signature(trial, "The key was not found.");
    }
    return in_time(trial);
}

bool assertion_accept(struct standin *standin, const struct caller *caller, const char *assertion,
                      const char *token_url, struct answer *answer)
{
    struct jwt jwt OWNED(jwt_done) = {0};
    struct trial trial = {standin, caller, token_url, &jwt, answer};

    if (!jwt_read(assertion, &jwt)) {
        return refuse(&trial, 50027, text("JWT token is invalid or malformed."));
    }
    /* What names a certificate, or the application itself as its issuer, is its own. */
    if (cJSON_HasObjectItem(jwt.header, "x5t") || cJSON_HasObjectItem(jwt.header, "x5t#S256") ||
        strcasecmp(claim(&trial, "iss"), caller->id) == 0) {
        return accept_own(&trial);
    }
    return accept_federated(&trial);
}
