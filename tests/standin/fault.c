/* One fault: what it does to a connection, a request, an answer. */
#include "tests/standin/challenge.h"
#include "tests/standin/faults.h"
#include "tests/standin/machine.h"
#include <stdlib.h>
#include <string.h>

static const cJSON *item_of(const cJSON *fault, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(fault, name);
}

static bool flag(const cJSON *fault, const char *name)
{
    return cJSON_IsTrue(item_of(fault, name));
}

static bool is_text(const cJSON *fault, const char *name, const char *value)
{
    return same_text(cJSON_GetStringValue(item_of(fault, name)), value);
}

int fault_number(const cJSON *fault, const char *name, int otherwise)
{
    const cJSON *item = item_of(fault, name);

    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

/* --- Connections --- */

static bool only_of_connections(const cJSON *fault)
{
    return cJSON_HasObjectItem(fault, "connect") || cJSON_HasObjectItem(fault, "certificate") ||
           cJSON_HasObjectItem(fault, "tls");
}

bool fault_meets_connections(const cJSON *fault)
{
    return only_of_connections(fault) || flag(fault, "half_open");
}

bool fault_meets_requests(const cJSON *fault)
{
    return !only_of_connections(fault);
}

enum door_fault fault_at_door(const cJSON *fault)
{
    return flag(fault, "half_open") || is_text(fault, "connect", "stall") ? DOOR_STALLS
           : is_text(fault, "connect", "cut")                             ? DOOR_CUTS
           : is_text(fault, "connect", "garbage")                         ? DOOR_SPEAKS_NONSENSE
                                                                          : DOOR_OPENS;
}

int fault_delays_connection(const cJSON *fault)
{
    return is_text(fault, "connect", "delay") ? fault_number(fault, "delay_ms", 0) : 0;
}

enum tls_profile fault_tls_profile(const cJSON *fault)
{
    static const struct {
        const char *word, *value;
        enum tls_profile profile;
    } profiles[] = {{"certificate", "wrong-host", TLS_WRONG_HOST},
                    {"certificate", "expired", TLS_EXPIRED},
                    {"certificate", "not-yet", TLS_NOT_YET},
                    {"certificate", "unknown-ca", TLS_UNKNOWN_CA},
                    {"tls", "1.1", TLS_OLD},
                    {"tls", "no-ecdhe", TLS_NO_ECDHE}};

    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        if (is_text(fault, profiles[i].word, profiles[i].value)) {
            return profiles[i].profile;
        }
    }
    return TLS_GOOD;
}

/* --- Waiting and leaving --- */

int fault_wait(const cJSON *fault)
{
    return flag(fault, "stall") || flag(fault, "half_open") ? -1 : fault_number(fault, "delay_ms", 0);
}

bool fault_cuts(const cJSON *fault)
{
    return flag(fault, "cut");
}

/* --- Other answers --- */

/* In the words of the service. */
static void say(enum service service, struct answer *answer, unsigned status, const char *code,
                const char *inner, const char *message)
{
    const char *id = answer_header_of(answer, "x-ms-request-id");

    if (service == SERVICE_MHSM && status == 401) {
        answer->status = status;
    } else if (service == SERVICE_MHSM) {
        answer_error(answer, status, code, inner,
                     text("%s (Activity ID: %s)", message, id == NULL ? "" : id));
    } else {
        answer_error(answer, status, code, inner, text("%s", message));
    }
}

static const struct refusal {
    const char *word;
    unsigned status;
    const char *code, *inner, *message;
} refusals[] = {
    {"firewall", 403, "Forbidden", "ForbiddenByFirewall",
     "Client address is not authorized and caller is not a trusted service.\r\nClient address: 127.0.0.1\r\n"
     "Caller: \r\nVault: standin;location=westeurope"},
    {"private-link", 403, "Forbidden", "ForbiddenByConnection",
     "Public network access is disabled and request is not from a trusted service nor via an approved private "
     "link.\r\nCaller: \r\nVault: standin;location=westeurope"},
    {"throttled", 429, "Throttled", NULL,
     "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"},
    {"operation-limit", 429, "Throttled", NULL,
     "Request was not processed because too many requests were received. Reason: VaultOperationLimitReached"},
    {"akv10046", 401, "Unauthorized", NULL,
     "AKV10046: Unable to resolve the key used for signature validation."},
};

enum { REFUSALS = sizeof refusals / sizeof *refusals };

const char *const *fault_refusals(void)
{
    static const char *const words[REFUSALS + 1] = {"firewall",        "private-link", "throttled",
                                                    "operation-limit", "akv10046",     NULL};

    return words;
}

static void add_challenge(const struct standin *standin, enum service service, struct answer *answer)
{
    const char *resource = service == SERVICE_MHSM ? "managedhsm" : "vault";
    char *header OWNED(owned_free) = text("Bearer authorization=\"%s/%s\", resource=\"https://%s.azure.net\"",
                                          standin->identity_url, standin->tenant, resource);

    answer_header(answer, "WWW-Authenticate", header);
}

/* True: it was one. */
static bool refuse(const cJSON *fault, const struct standin *standin, enum service service,
                   struct answer *answer)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        const struct refusal *refusal = &refusals[i];

        if (is_text(fault, "refusal", refusal->word)) {
            say(service, answer, refusal->status, refusal->code, refusal->inner, refusal->message);
            if (refusal->status == 401) {
                add_challenge(standin, service, answer);
            }
            return true;
        }
    }
    return false;
}

static void ask_for_claims(const cJSON *claims, const struct standin *standin, enum service service,
                           struct answer *answer)
{
    char *header OWNED(owned_free) = challenge_claims_header(standin->identity_url, claims);

    say(service, answer, 401, "Unauthorized", NULL,
        "The token was not fetched with the claims that are needed.");
    answer_header(answer, "WWW-Authenticate", header);
}

/* What a service says with a status when nothing more is asked for. */
static void usual_vault_error(const cJSON *fault, enum service service, unsigned status,
                              struct answer *answer)
{
    static const struct {
        unsigned status;
        const char *code, *message;
    } usual[] = {
        {400, "BadParameter", "Property  has invalid value\r\n"},
        {401, "Unauthorized", "AKV10046: Unable to resolve the key used for signature validation."},
        {403, "Forbidden", "Access denied."},
        {404, "KeyNotFound", "Key not found."},
        {429, "Throttled",
         "Request was not processed because too many requests were received. Reason: "
         "VaultRequestTypeLimitReached"},
        {0, "InternalServerError", "An error occurred while processing the request."},
    };
    const char *code = cJSON_GetStringValue(item_of(fault, "code"));
    const char *message = cJSON_GetStringValue(item_of(fault, "message"));
    size_t i = 0;

    while (usual[i].status != 0 && usual[i].status != status) {
        i++;
    }
    say(service, answer, status, code == NULL ? usual[i].code : code,
        cJSON_GetStringValue(item_of(fault, "inner")), message == NULL ? usual[i].message : message);
}

static void usual_error(const cJSON *fault, enum service service, unsigned status, struct answer *answer)
{
    cJSON *json;

    switch (service) {
    case SERVICE_IDENTITY:
        machine_refuse(answer, status, status >= 500 ? "temporarily_unavailable" : "invalid_request",
                       text("AADSTS90033: A transient error has occurred. Please try again."));
        break;
    case SERVICE_IMDS:
    case SERVICE_ARC:
        machine_refuse(answer, status, status == 429 ? "Too Many Requests" : "unavailable",
                       text("Temporarily unavailable. Please retry later"));
        break;
    case SERVICE_APP_SERVICE:
        json = need(cJSON_CreateObject());
        cJSON_AddNumberToObject(json, "statusCode", status);
        cJSON_AddStringToObject(json, "message", "Temporarily unavailable. Please retry later.");
        answer_json(answer, status, json);
        break;
    default:
        usual_vault_error(fault, service, status, answer);
        break;
    }
}

static bool has_body(const cJSON *body, unsigned status, struct answer *answer)
{
    if (body == NULL) {
        return false;
    }
    answer_body(answer, status,
                cJSON_IsString(body) ? text("%s", body->valuestring) : need(cJSON_PrintUnformatted(body)),
                "application/json; charset=utf-8");
    return true;
}

bool fault_answers(const cJSON *fault, const struct standin *standin, enum service service,
                   struct answer *answer)
{
    unsigned status = (unsigned)fault_number(fault, "status", 0);
    const char *elsewhere = cJSON_GetStringValue(item_of(fault, "redirect"));

    if (flag(fault, "html")) {
        answer_html(answer, status == 0 ? 502 : status);
    } else if (elsewhere != NULL) {
        answer_body(answer, status == 0 ? 302 : status, NULL, "text/html; charset=utf-8");
        answer_header(answer, "Location", elsewhere);
    } else if (cJSON_IsObject(item_of(fault, "claims"))) {
        ask_for_claims(item_of(fault, "claims"), standin, service, answer);
    } else if (refuse(fault, standin, service, answer)) {
        return true;
    } else if (status == 0) {
        return false;
    } else if (!has_body(item_of(fault, "body"), status, answer)) {
        usual_error(fault, service, status, answer);
    }
    return true;
}
