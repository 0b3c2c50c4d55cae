/* The federation issuer. */
#include "tests/standin/federation.h"
#include "tests/standin/jwt.h"
#include <string.h>
#include <time.h>

enum { HOUR = 3600 };

/* True: a word that is known, with a value of its type. */
static bool is_good(const cJSON *wish)
{
    static const char *const texts[] = {"text", "issuer", "subject", "audience"};

    if (strcmp(wish->string, "expires_in") == 0) {
        return cJSON_IsNumber(wish);
    }
    if (strcmp(wish->string, "false_key") == 0) {
        return cJSON_IsBool(wish);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i], wish->string) == 0) {
            return cJSON_IsString(wish);
        }
    }
    return false;
}

static bool all_good(const cJSON *wishes, const char **ret_wrong)
{
    const cJSON *wish;

    cJSON_ArrayForEach(wish, wishes)
    {
        if (!is_good(wish)) {
            *ret_wrong = wish->string;
            return false;
        }
    }
    return true;
}

static void add(cJSON *claims, const char *name, const cJSON *wishes, const char *wish, const char *usual)
{
    const char *wished = json_text(wishes, wish);

    cJSON_AddStringToObject(claims, name, wished[0] == '\0' ? usual : wished);
}

static cJSON *claims_of(const struct standin *standin, const cJSON *wishes)
{
    const cJSON *lifetime = cJSON_GetObjectItemCaseSensitive(wishes, "expires_in");
    cJSON *claims = need(cJSON_CreateObject());
    char *issuer OWNED(owned_free) = federation_issuer(standin);
    double exp = (double)time(NULL) + (lifetime == NULL ? HOUR : lifetime->valuedouble);

    add(claims, "iss", wishes, "issuer", issuer);
    add(claims, "sub", wishes, "subject", FEDERATION_SUBJECT);
    add(claims, "aud", wishes, "audience", FEDERATION_AUDIENCE);
    cJSON_AddNumberToObject(claims, "iat", exp - HOUR);
    cJSON_AddNumberToObject(claims, "nbf", exp - HOUR);
    cJSON_AddNumberToObject(claims, "exp", exp);
    return claims;
}

char *federation_issuer(const struct standin *standin)
{
    return text("%s/federation", standin->identity_url);
}

char *federation_token(const struct standin *standin, const cJSON *wishes, const char **ret_wrong)
{
    bool is_false = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(wishes, "false_key"));
    cJSON *claims OWNED(owned_json) = NULL;

    if (!all_good(wishes, ret_wrong)) {
        return NULL;
    }
    if (cJSON_HasObjectItem(wishes, "text")) {
        return text("%s", json_text(wishes, "text"));
    }
    claims = claims_of(standin, wishes);
    return jwt_sign(claims, FEDERATION_KID,
                    keypair_key(is_false ? standin->client_key : standin->issuer_key));
}
