/* The headers of the services. */
#include "tests/standin/headers.h"
#include "tests/standin/answer.h"
#include <string.h>
#include <time.h>

struct header {
    const char *name, *value;
};

static void add_all(struct answer *answer, const struct header *headers, size_t count)
{
    char *id OWNED(owned_free) = random_uuid();

    for (size_t i = 0; i < count; i++) {
        answer_header(answer, headers[i].name, headers[i].value);
    }
    answer_header(answer, "x-ms-request-id", id);
}

/* libmicrohttpd adds its own where there is none. */
static void add_date(struct standin *standin, struct answer *answer)
{
    time_t when = time(NULL);
    struct tm utc;
    char date[64];

    LOCKED(standin);
    when += standin->settings.clock_ahead;
    if (standin->settings.clock_ahead != 0) {
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &utc));
        answer_header(answer, "Date", date);
    }
}

void headers_vault(struct standin *standin, const struct request *request, struct answer *answer)
{
    static const struct header headers[] = {
        {"Cache-Control", "no-cache"},
        {"Pragma", "no-cache"},
        {"Expires", "-1"},
        {"Strict-Transport-Security", "max-age=31536000;includeSubDomains"},
        {"X-Content-Type-Options", "nosniff"},
        {"x-ms-keyvault-region", "westeurope"},
        {"x-ms-keyvault-network-info", "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;"},
        {"x-ms-keyvault-service-version", "1.9.749.1"}};
    const char *client_id = request_header(request, "x-ms-client-request-id");

    add_date(standin, answer);
    add_all(answer, headers, sizeof headers / sizeof *headers);
    if (client_id != NULL) {
        answer_header(answer, "x-ms-client-request-id", client_id);
    }
}

void headers_mhsm(struct standin *standin, const struct request *request, struct answer *answer)
{
    static const struct header headers[] = {
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", "default-src 'self'"},
        {"Content-Type", "application/json; charset=utf-8"}, /* of empty answers too */
        {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "SAMEORIGIN"},
        {"x-ms-server-latency", "6"}};

    (void)standin;
    add_all(answer, headers, sizeof headers / sizeof *headers);
    if (strcmp(request->method, "GET") == 0) {
        answer_header(answer, "x-ms-build-version", "1.0.20230312-1-12e5b134-feb-lkg");
    }
}

void headers_mhsm_done(struct answer *answer)
{
    answer_header(answer, "x-ms-keyvault-region", "westeurope");
    answer_header(answer, "x-ms-keyvault-network-info", "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=Ipv4;");
}

void headers_gateway(struct answer *answer)
{
    answer_headers_clear(answer);
    answer_header(answer, "Strict-Transport-Security", "max-age=31536000;includeSubDomains");
    answer_header(answer, "X-Content-Type-Options", "nosniff");
}
