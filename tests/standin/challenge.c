/* The two kinds of challenges. */
#include "tests/standin/challenge.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const char *challenge_audience(const struct call *call)
{
    const struct settings *settings = &call->standin->settings;

    return is_mhsm(call) ? settings->mhsm_audience : settings->audience;
}

static const char *or_else(const char *setting, const char *usual)
{
    return setting[0] == '\0' ? usual : setting;
}

static char *target_of(const struct call *call)
{
    const struct settings *settings = &call->standin->settings;
    const char *resource = or_else(settings->challenge_resource, challenge_audience(call));

    if (strcmp(settings->challenge_by, "scope") == 0) {
        return text("scope=\"%s/.default\"", resource);
    }
    if (strcmp(settings->challenge_by, "both") == 0) {
        /* The scope is the true one; clients that look at the resource ask for the wrong thing. */
        return text("resource=\"https://resource.invalid\" scope=\"%s/.default\"", resource);
    }
    return text("resource=\"%s\"", resource);
}

static char *header_of(const struct call *call)
{
    const struct settings *settings = &call->standin->settings;
    char *target OWNED(owned_free) = target_of(call);

    if (settings->challenge_header[0] != '\0') {
        return text("%s", settings->challenge_header);
    }
    return text("Bearer %s=\"%s/%s\", %s", settings->challenge_uri ? "authorization_uri" : "authorization",
                or_else(settings->challenge_authority, call->standin->identity_url),
                or_else(settings->challenge_tenant, call->standin->tenant), target);
}

/* Takes both. */
static void unauthorized(const struct call *call, char *header, char *message)
{
    answer_header(call->answer, "WWW-Authenticate", header);
    free(header);
    if (is_mhsm(call)) {
        call->answer->status = 401; /* with nothing in it */
        free(message);
    } else {
        answer_error(call->answer, 401, "Unauthorized", NULL, message);
    }
}

void challenge(const struct call *call, char *message)
{
    unauthorized(call, header_of(call), message);
}

/* --- Claims --- */

/* Unlike all else in these protocols: the alphabet with + and /, and padded. */
static char *base64(const char *plain)
{
    size_t size = strlen(plain);
    char *out = need(malloc((size + 2) / 3 * 4 + 1));

    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)plain, (int)size);
    return out;
}

char *challenge_claims_header(const char *identity_url, const cJSON *claims)
{
    char *plain OWNED(owned_free) = need(cJSON_PrintUnformatted(claims));
    char *encoded OWNED(owned_free) = base64(plain);

    return text("Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                "error=\"insufficient_claims\", claims=\"%s\"",
                identity_url, encoded);
}

void challenge_claims(const struct call *call, const cJSON *claims)
{
    unauthorized(call, challenge_claims_header(call->standin->identity_url, claims),
                 text("The token was not fetched with the claims that are needed."));
}
