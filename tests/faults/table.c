/* The faults, and what each must come to. */
#include "tests/faults/faults.h"
#include <string.h>

/*
 * A name, the stand-in's words for it, then what comes of it at the vault and at the identity service. "once"
 * faults are survived within the call; the others end it, in time, with the code of the design.
 */
const struct fault faults[] = {
    {"none", "", GOES_ON, GOES_ON},
    {"slow answers", "\"delay_ms\":300", GOES_ON, GOES_ON},
    {"429 once", "\"status\":429,\"times\":1", GOES_ON, GOES_ON},
    {"429 once, Retry-After 1", "\"status\":429,\"times\":1,\"retry_after\":\"1\"", GOES_ON, GOES_ON},
    {"429 with Retry-After 6", "\"status\":429,\"retry_after\":\"6\"", FAILS, FAILS},
    {"429 always", "\"status\":429", FAILS, FAILS},
    {"408 once", "\"status\":408,\"times\":1", GOES_ON, GOES_ON},
    {"500 once", "\"status\":500,\"times\":1", GOES_ON, GOES_ON},
    {"500 always", "\"status\":500", FAILS, FAILS},
    {"503 always", "\"status\":503", FAILS, FAILS},
    {"connection cut once", "\"cut\":true,\"times\":1", GOES_ON, GOES_ON},
    {"connection cut always", "\"cut\":true", FAILS, FAILS},
    {"cut in the body once", "\"cut\":\"answer\",\"times\":1", GOES_ON, GOES_ON},
    {"cut in the body always", "\"cut\":\"answer\"", FAILS, FAILS},
    {"stall", "\"stall\":true", FAILS_LATE, FAILS_LATE},
    {"half an answer", "\"truncated\":true", FAILS, FAILS},
    {"web page for an answer", "\"html\":true,\"status\":200", FAILS, FAILS},
    {"web page of a gateway", "\"html\":true", FAILS, FAILS},
    {"empty answer", "\"status\":200,\"body\":\"\"", FAILS, FAILS},
    {"8 MiB of answer", "\"oversize\":true", FAILS, FAILS},
    {"8 MiB in pieces", "\"oversize\":true,\"chunked\":true", FAILS, FAILS},
    /* Asked for no version, the service may answer under any; a blob that opened before is its version's. */
    {"another version's answer",
     "\"wrong_kid\":true",
     GOES_ON,
     NOT_MEANT,
     {{"unwrap", FAILS}, {"list", NOT_MEANT}, {"certificates", NOT_MEANT}}},
    {"an octet short",
     "\"wrong_length\":true",
     FAILS,
     NOT_MEANT,
     /* An octet less is another plaintext, which nobody but the application can tell from the right one. */
     {{"unwrap", BAD_KEY},
      {"decrypt", NOT_MEANT},
      {"get", NOT_MEANT},
      {"list", NOT_MEANT},
      {"certificates", NOT_MEANT}}},
    {"401 once", "\"status\":401,\"times\":1", GOES_ON, NOT_MEANT},
    {"401 always", "\"status\":401", NOT_LOGGED_IN, NOT_LOGGED_IN},
    {"403 by policy",
     "\"status\":403,\"inner\":\"ForbiddenByPolicy\"",
     NOT_PERMITTED,
     NOT_MEANT,
     {{"get", NOT_TOLD}, {"list", ONLY_NAMED}, {"certificates", ONLY_NAMED}}},
    {"403 by firewall", "\"status\":403,\"inner\":\"ForbiddenByFirewall\"", FAILS, NOT_MEANT},
    {"403 key disabled",
     "\"status\":403,\"inner\":\"KeyDisabled\"",
     NOT_PERMITTED,
     NOT_MEANT,
     {{"list", NOT_MEANT}, {"certificates", NOT_MEANT}}},
    {"403 without words", "\"status\":403,\"body\":\"no\"", FAILS, FAILS},
    {"404", "\"status\":404", KEY_GONE, NOT_MEANT, {{"list", FAILS}, {"certificates", FAILS}}},
    {"404 without words", "\"status\":404,\"body\":\"no\"", FAILS, FAILS},
    {"400", "\"status\":400", BAD_REQUEST, BAD_REQUEST},
    {"302 to elsewhere",
     "\"status\":302,\"body\":\"\",\"headers\":{\"Location\":\"https://elsewhere.example/\"}", FAILS, FAILS},
    {"garbage for an answer", "\"garbage\":true", FAILS, FAILS},
    {"1 MiB of headers", "\"header_flood\":true", FAILS, FAILS},
    {"cut in the headers once", "\"cut\":\"headers\",\"times\":1", GOES_ON, GOES_ON},
    {"stall in the headers", "\"stall\":\"headers\"", FAILS_LATE, FAILS_LATE},
    {"stall in the body", "\"stall\":\"body\"", FAILS_LATE, FAILS_LATE},
    {"an octet each 50 ms", "\"drip_ms\":50", FAILS_LATE, FAILS_LATE},
    {"redirect", "\"redirect\":\"https://localhost:1/\"", FAILS, FAILS},
    {"token not known yet, once", "\"refusal\":\"akv10046\",\"times\":1", GOES_ON, NOT_MEANT},
    {"private link", "\"refusal\":\"private-link\"", FAILS, NOT_MEANT},
    {"busy once, retry-after-ms", "\"status\":503,\"times\":1,\"retry_after_ms\":200", GOES_ON, GOES_ON},
    {"busy once, until a date", "\"status\":429,\"times\":1,\"retry_after_date\":1", GOES_ON, GOES_ON},
    {"vanished machine", "\"half_open\":true", FAILS_LATE, FAILS_LATE},
    {"no TLS: silence", "\"connect\":\"stall\"", FAILS_LATE, FAILS_LATE, .cold = true},
    {"no TLS: reset", "\"connect\":\"cut\"", FAILS, FAILS, .cold = true},
    {"no TLS: garbage", "\"connect\":\"garbage\"", FAILS, FAILS, .cold = true},
    {"no TLS: reset once", "\"connect\":\"cut\",\"times\":1", GOES_ON, GOES_ON, .cold = true},
    {"certificate of another host", "\"certificate\":\"wrong-host\"", FAILS, FAILS, .cold = true},
    {"certificate that expired", "\"certificate\":\"expired\"", FAILS, FAILS, .cold = true},
    {"certificate not valid yet", "\"certificate\":\"not-yet\"", FAILS, FAILS, .cold = true},
    {"certificate by a stranger", "\"certificate\":\"unknown-ca\"", FAILS, FAILS, .cold = true},
    {"TLS 1.1", "\"tls\":\"1.1\"", FAILS, FAILS, .cold = true},
    {"TLS without ECDHE", "\"tls\":\"no-ecdhe\"", FAILS, FAILS, .cold = true},
    {NULL, NULL, NOT_MEANT, NOT_MEANT},
};

enum outcome fault_outcome(const struct fault *fault, const struct operation *operation)
{
    for (size_t i = 0; i < sizeof fault->but / sizeof *fault->but && fault->but[i].operation != NULL; i++) {
        if (strcmp(fault->but[i].operation, operation->name) == 0) {
            return fault->but[i].outcome;
        }
    }
    return strcmp(operation->server, "identity") == 0 ? fault->identity : fault->vault;
}
