/*
 * The judge by the service's description, held to the recorded exchanges (what is wrong in them, a table
 * explains), to the examples of the description itself, and to requests and answers that are wrong.
 */
#include "tests/truth/openapi.h"
#include "tests/truth/recorded.h"
#include <stdlib.h>
#include <string.h>

static struct openapi openapi;

/* --- Recorded exchanges --- */

static const struct known differences[] = {
    {"*", "request path: no version", "the service takes the latest one then"},
    {"*", "request path: an empty segment", "as if it were not there; some clients send it for no version"},
    {"*-401-*", "request body: nothing, not object", "sent without token and body, to be challenged"},
    {"sequence-*", "request body: nothing, not object", "the same"},
    {"*list*", "request $skiptoken: unknown", "of a nextLink, which is followed as it is"},
    {"*-mhsm-*", "request api-version: missing", "the nextLink of a Managed HSM has none"},
    {"mhsm-*", "request api-version: missing", "the same"},
    {"vault-list-*", "answer body.nextLink: null, not string", "a vault says so at the end of a list"},
    {"sequence-vault-list-*", "answer body.nextLink: null, not string", "the same"},
    {"mhsm-*", "answer body.alg: unknown", "a Managed HSM says it with every result"},
    {"sequence-mhsm-*", "answer body.alg: unknown", "the same"},
    {"mhsm-verify-*", "answer body.kid: unknown", "the same"},
    {"mhsm-*-401-*", "answer body: *, not object", "a Managed HSM's challenge has no body"},
    {"sequence-mhsm-*", "answer body: nothing, not object", "the same"},
    {"vault-get-401-*", "answer body: string, not object", "a challenge of 2018 had none either"},
    {"*-backup-400-nobody", "answer body: array, not object", "the web server's own page"},
    {"*", "*: \"rotate\" is not one of the words", "they are compared without regard to case"},
    {"*", "*: \"notify\" is not one of the words", "the same"},
    {"*", "* body.value: not base64url", "a backup, cut short when it was recorded"},
    {"vault-create-*", "request body.attributes: null, not object", "an SDK's, with nothing to say"},
    {"vault-import-*", "request body.attributes: null, not object", "the same"},
    {"vault-import-*", "request body.recoveryLevel: unknown", "an SDK's, which the service passed over"},
    {"vault-*-200-*", "request body: nothing, not object", "the recorder left it out"},
    {"vault-get-secret-*", "request: no such path *", "it is about a secret, not a key"},
    {"mhsm-create-400-*", "request key-name: *", "what the service is to refuse"},
    {"mhsm-getrandombytes-400-*", "request body.count: -1 is out of range", "the same"},
};
static struct known_table table = KNOWN_TABLE(differences);

static void judge(const cJSON *exchange, struct differences *found)
{
    const char *url = text_at(exchange, "request.url");
    const cJSON *asked = item_at(exchange, "request.body"), *answered = item_at(exchange, "response.body");
    struct exchange judged = {text_at(exchange, "request.method"), strchr(strstr(url, "://") + 3, '/'),
                              cJSON_IsNull(asked) ? NULL : asked,
                              (unsigned)number_at(exchange, "response.status"),
                              cJSON_IsNull(answered) ? NULL : answered};

    openapi_judge_request(&openapi, &judged, found);
    openapi_judge_answer(&openapi, &judged, found);
}

static void check_exchange(void **state)
{
    char *path ENDED_BY(free_text) = format("recordings/%s.json", (const char *)*state);
    cJSON *exchange ENDED_BY(free_json) = recorded_need(path);
    struct differences found ENDED_BY(differences_done) = {0};

    judge(exchange, &found);
    differences_judge(&found, *state, &table);
}

static void check_sequence(void **state)
{
    char *path ENDED_BY(free_text) = format("recordings/%s.json", (const char *)*state);
    cJSON *sequence ENDED_BY(free_json) = recorded_need(path);
    const cJSON *exchange;

    cJSON_ArrayForEach(exchange, item_at(sequence, "exchanges"))
    {
        struct differences found ENDED_BY(differences_done) = {0};

        judge(exchange, &found);
        differences_judge(&found, *state, &table);
    }
}

static void test_each_known_difference_is_still_one(void **state)
{
    (void)state;
    known_all_used(&table);
}

/* --- What is wrong --- */

/* A good request and answer, changed in one place, gives one line. */
static void expect_line(const char *method, const char *target, const char *asked, unsigned status,
                        const char *answered, const char *line)
{
    struct differences found ENDED_BY(differences_done) = {0};
    cJSON *body ENDED_BY(free_json) = cJSON_Parse(asked), *answer ENDED_BY(free_json) = cJSON_Parse(answered);
    struct exchange exchange = {method, target, body, status, answer};

    openapi_judge_request(&openapi, &exchange, &found);
    openapi_judge_answer(&openapi, &exchange, &found);
    for (size_t i = 0; found.count != (line != NULL) && i < found.count; i++) {
        print_message("# %s\n", found.lines[i]);
    }
    assert_int_equal(found.count, line == NULL ? 0 : 1);
    if (line != NULL) {
        assert_string_equal(found.lines[0], line);
    }
}

#define WRAP   "/keys/kek/0123456789abcdef0123456789abcdef/wrapkey?api-version=7.5"
#define GOOD   "{\"alg\":\"RSA-OAEP\",\"value\":\"AAEC\"}"
#define RESULT "{\"kid\":\"https://v.local/keys/kek\",\"value\":\"AAEC\"}"

static void test_a_good_exchange_is_good(void **state)
{
    (void)state;
    expect_line("POST", WRAP, GOOD, 200, RESULT, NULL);
    expect_line("GET", "/keys?maxresults=25&api-version=7.5", "", 200, "{\"value\":[]}", NULL);
    expect_line("DELETE", "/deletedkeys/kek?api-version=7.5", "", 204, "", NULL);
}

static void test_wrong_requests_are_seen(void **state)
{
    (void)state;
    expect_line("POST", "/keys/kek/wrap?api-version=7.5", GOOD, 200, RESULT,
                "request: no such path or method: POST /keys/kek/wrap?api-version=7.5");
    expect_line("PUT", WRAP, GOOD, 200, RESULT, "request: no such path or method: PUT " WRAP);
    expect_line("POST", WRAP "&x=1", GOOD, 200, RESULT, "request x: unknown");
    expect_line("POST", "/keys/kek/wrapkey?api-version=7.5", GOOD, 200, RESULT, "request path: no version");
    expect_line("GET", "//keys?api-version=7.5", "", 200, "{}", "request path: an empty segment");
    expect_line("GET", "/keys", "", 200, "{\"value\":[]}", "request api-version: missing");
    expect_line("GET", "/keys?maxresults=26&api-version=7.5", "", 200, "{\"value\":[]}",
                "request maxresults: 26 is out of range");
    expect_line("GET", "/keys?maxresults=x&api-version=7.5", "", 200, "{\"value\":[]}",
                "request maxresults: string, not integer");
    expect_line("POST", "/keys/k_k/create?api-version=7.5", "{\"kty\":\"EC\"}", 200, "{}",
                "request key-name: \"k_k\" is not like ^[0-9a-zA-Z-]+$");
}

static void test_wrong_bodies_are_seen(void **state)
{
    (void)state;
    expect_line("POST", WRAP, "", 200, RESULT, "request body: nothing, not object");
    expect_line("GET", "/keys?api-version=7.5", "{}", 200, "{}", "request body: unknown");
    expect_line("POST", WRAP, "{\"alg\":\"RSA-OAEP\"}", 200, RESULT, "request body.value: missing");
    expect_line("POST", WRAP, "{\"alg\":\"RSA-X\",\"value\":\"AAEC\"}", 200, RESULT,
                "request body.alg: \"RSA-X\" is not one of the words");
    expect_line("POST", WRAP, "{\"alg\":\"RSA-OAEP\",\"value\":\"AAE=\"}", 200, RESULT,
                "request body.value: not base64url");
    expect_line("POST", WRAP, "{\"alg\":\"RSA-OAEP\",\"value\":7}", 200, RESULT,
                "request body.value: integer, not string");
    expect_line("POST", WRAP, "{\"alg\":\"RSA-OAEP\",\"value\":\"AAEC\",\"x\":1}", 200, RESULT,
                "request body.x: unknown");
}

static void test_wrong_answers_are_seen(void **state)
{
    (void)state;
    expect_line("DELETE", "/deletedkeys/kek?api-version=7.5", "", 200, "{}", "answer: no such status: 200");
    expect_line("POST", WRAP, GOOD, 200, "{\"value\":true}", "answer body.value: boolean, not string");
    expect_line("POST", WRAP, GOOD, 403, "{\"kid\":\"k\"}", "answer body.kid: unknown");
    expect_line("GET", "/keys?api-version=7.5", "", 200, "{\"value\":[{\"attributes\":{\"exp\":1.5}}]}",
                "answer body.value.0.attributes.exp: 1.500000 is no whole number");
    expect_line("GET", "/keys?api-version=7.5", "", 200, "{\"value\":[{\"tags\":{\"a\":1}}]}",
                "answer body.value.0.tags.a: integer, not string");
    expect_line("POST", WRAP, GOOD, 400, "{\"error\":{\"innererror\":{\"code\":1}}}",
                "answer body.error.innererror.code: integer, not string");
}

static int start(void **state)
{
    (void)state;
    openapi_read("7.5", &openapi);
    return 0;
}

static int end(void **state)
{
    (void)state;
    openapi_done(&openapi);
    return 0;
}

int main(void)
{
    static const struct recorded_choice choices[] = {{"exchange", check_exchange},
                                                     {"sequence", check_sequence}};
    const struct CMUnitTest last[] = {
        cmocka_unit_test(test_each_known_difference_is_still_one),
        cmocka_unit_test(test_a_good_exchange_is_good),
        cmocka_unit_test(test_wrong_requests_are_seen),
        cmocka_unit_test(test_wrong_bodies_are_seen),
        cmocka_unit_test(test_wrong_answers_are_seen),
    };

    return recorded_run_each("openapi", choices, 2, last, sizeof last / sizeof last[0], start, end);
}
