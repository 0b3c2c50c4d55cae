/* Signed JSON web tokens. */
#include "tests/standin/jwt.h"
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

const char *json_text(const cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return value == NULL ? "" : value;
}

double json_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* --- Reading --- */

static cJSON *read_part(const char *part, size_t size)
{
    char *encoded OWNED(owned_free) = need(strndup(part, size));
    struct blob bytes OWNED(owned_blob) = {NULL, 0};
    cJSON *json = base64url_decode(encoded, &bytes) ? cJSON_Parse((const char *)bytes.data) : NULL;

    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}

bool jwt_read(const char *token, struct jwt *ret_jwt)
{
    const char *first = strchr(token, '.'), *second = first == NULL ? NULL : strchr(first + 1, '.');
    struct jwt jwt OWNED(jwt_done) = {0};

    if (second == NULL || !base64url_decode(second + 1, &jwt.signature)) {
        return false;
    }
    jwt.header = read_part(token, (size_t)(first - token));
    jwt.claims = read_part(first + 1, (size_t)(second - first - 1));
    jwt.content = need(strndup(token, (size_t)(second - token)));
    if (jwt.header == NULL || jwt.claims == NULL) {
        return false;
    }
    *ret_jwt = jwt;
    jwt = (struct jwt){0};
    return true;
}

void jwt_done(struct jwt *jwt)
{
    cJSON_Delete(jwt->header);
    cJSON_Delete(jwt->claims);
    free(jwt->content);
    free(jwt->signature.data);
}

/* --- Signatures --- */

static void free_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

/* RFC 7518 section 3.5: the salt is as long as the hash, MGF1 is over the same. */
static bool set_padding(EVP_PKEY_CTX *context, const char *alg)
{
    if (strcmp(alg, "PS256") == 0) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    return strcmp(alg, "RS256") == 0;
}

bool jwt_verify(const struct jwt *jwt, EVP_PKEY *key)
{
    EVP_MD_CTX *context OWNED(free_context) = need(EVP_MD_CTX_new());
    EVP_PKEY_CTX *key_context;

    return EVP_PKEY_is_a(key, "RSA") == 1 &&
           EVP_DigestVerifyInit(context, &key_context, EVP_sha256(), NULL, key) == 1 &&
           set_padding(key_context, json_text(jwt->header, "alg")) &&
           EVP_DigestVerify(context, jwt->signature.data, jwt->signature.size,
                            (const unsigned char *)jwt->content, strlen(jwt->content)) == 1;
}

static char *signature_of(const char *content, EVP_PKEY *key)
{
    EVP_MD_CTX *context OWNED(free_context) = need(EVP_MD_CTX_new());
    unsigned char signature[512];
    size_t size = sizeof signature;

    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &size, (const unsigned char *)content, strlen(content)) != 1) {
        size = 0;
    }
    return base64url(signature, size);
}

char *jwt_sign(const cJSON *claims, const char *kid, EVP_PKEY *key)
{
    char *header OWNED(owned_free) = text("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
    char *body OWNED(owned_free) = need(cJSON_PrintUnformatted(claims));
    char *first OWNED(owned_free) = base64url(header, strlen(header));
    char *second OWNED(owned_free) = base64url(body, strlen(body));
    char *content OWNED(owned_free) = text("%s.%s", first, second);
    char *signature OWNED(owned_free) = signature_of(content, key);

    return text("%s.%s", content, signature);
}
