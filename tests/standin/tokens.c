/* The tokens: claims under an HMAC. */
#include "tests/standin/tokens.h"
#include "tests/standin/text.h"
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>
#include <time.h>

static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"stand-in\"}";

static char *sealed(const unsigned char key[TOKEN_KEY_SIZE], const char *content, size_t size)
{
    unsigned char mac[32];
    unsigned length = sizeof mac;

    HMAC(EVP_sha256(), key, TOKEN_KEY_SIZE, (const unsigned char *)content, size, mac, &length);
    return base64url(mac, length);
}

/*
 * A client that says cp1 can answer a claims challenge;
 * what it asked with is kept for the service to judge.
 */
static void add_asked(cJSON *claims, const cJSON *asked)
{
    const cJSON *access = cJSON_GetObjectItemCaseSensitive(asked, "access_token");
    const cJSON *capabilities = cJSON_GetObjectItemCaseSensitive(access, "xms_cc");
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(capabilities, "values");

    if (asked != NULL) {
        cJSON_AddItemToObject(claims, "asked", need(cJSON_Duplicate(asked, true)));
    }
    if (cJSON_IsArray(values)) {
        cJSON_AddItemToObject(claims, "xms_cc", need(cJSON_Duplicate(values, true)));
    }
}

static char *claims_of(const char *tenant, const struct token_wish *wish)
{
    cJSON *claims OWNED(owned_json) = need(cJSON_CreateObject());
    char *issuer OWNED(owned_free) = text("https://sts.windows.net/%s/", tenant);
    char *id OWNED(owned_free) = random_uuid();
    time_t now = time(NULL);

    cJSON_AddStringToObject(claims, "aud", wish->audience);
    cJSON_AddStringToObject(claims, "iss", issuer);
    cJSON_AddNumberToObject(claims, "iat", (double)now);
    cJSON_AddNumberToObject(claims, "nbf", (double)now);
    cJSON_AddNumberToObject(claims, "exp", (double)(now + wish->lifetime));
    cJSON_AddStringToObject(claims, "appid", wish->caller);
    cJSON_AddStringToObject(claims, "oid", wish->caller);
    cJSON_AddStringToObject(claims, "tid", tenant);
    cJSON_AddStringToObject(claims, "uti", id);
    cJSON_AddStringToObject(claims, "ver", "1.0");
    add_asked(claims, wish->claims);
    return need(cJSON_PrintUnformatted(claims));
}

char *token_make(const struct standin *standin, const struct token_wish *wish)
{
    const char *other = standin->settings.token_tenant, *tenant = other[0] == '\0' ? standin->tenant : other;
    char *claims OWNED(owned_free) = claims_of(tenant, wish);
    char *first OWNED(owned_free) = base64url(head, strlen(head));
    char *second OWNED(owned_free) = base64url(claims, strlen(claims));
    char *content OWNED(owned_free) = text("%s.%s", first, second);
    char *mac OWNED(owned_free) = sealed(standin->token_key, content, strlen(content));

    return text("%s.%s", content, mac);
}

cJSON *token_read(const unsigned char key[TOKEN_KEY_SIZE], const char *token)
{
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');
    char *mac OWNED(owned_free) = NULL, *middle OWNED(owned_free) = NULL;
    struct blob claims OWNED(owned_blob) = {NULL, 0};

    if (first == NULL || last == first) {
        return NULL;
    }
    mac = sealed(key, token, (size_t)(last - token));
    if (strlen(last + 1) != strlen(mac) || CRYPTO_memcmp(last + 1, mac, strlen(mac)) != 0) {
        return NULL;
    }
    middle = need(strndup(first + 1, (size_t)(last - first - 1)));
    return base64url_decode(middle, &claims) ? cJSON_Parse((const char *)claims.data) : NULL;
}
