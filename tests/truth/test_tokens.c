/*
 * Our reading of tokens is given the recorded answers,
 * and those of the flows ($BYOK_TEST_DATA/keyvault/identity).
 */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/identity.h"
#include "backends/keyvault/identity/token_json.h"
#include "tests/truth/flow.h"
#include "tests/truth/recorded.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static double seconds_in(const cJSON *body, const char *name)
{
    const cJSON *value = item_at(body, name);

    return cJSON_IsString(value) ? strtod(value->valuestring, NULL) : number_at(body, name);
}

static void expect_token(const cJSON *body, bool machine, int64_t now, double lifetime)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    char *text ENDED_BY(free_text) = flow_answer(body);
    int64_t seconds = -1;

    assert_int_equal(machine ? token_json_read_machine(bytes_of_text(text), now, &token, &seconds)
                             : token_json_read(bytes_of_text(text), &token, &seconds),
                     CKR_OK);
    assert_string_equal(buffer_text(&token), "redacted");
    assert_int_equal(seconds, lifetime);
}

static void expect_refusal(const cJSON *body)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    char *text ENDED_BY(free_text) = cJSON_PrintUnformatted(body);
    struct token_error error;
    int64_t seconds;

    assert_int_equal(token_json_read(bytes_of_text(text), &token, &seconds), CKR_DATA_INVALID);
    assert_true(token_json_read_error(bytes_of_text(text), &error));
    assert_string_equal(error.error, text_at(body, "error"));
    assert_int_equal(error.code, number_at(body, "error_codes.0"));
}

static void expect_nothing(const cJSON *body)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    char *text ENDED_BY(free_text) = cJSON_PrintUnformatted(body);
    struct token_error error;
    int64_t seconds;

    assert_int_equal(token_json_read(bytes_of_text(text), &token, &seconds), CKR_DATA_INVALID);
    assert_int_equal(token_json_read_machine(bytes_of_text(text), 0, &token, &seconds), CKR_DATA_INVALID);
    assert_false(token_json_read_error(bytes_of_text(text), &error));
}

static void read_recorded(const cJSON *recorded)
{
    const cJSON *body = item_at(recorded, "response.body");
    bool machine = strstr(text_at(recorded, "request.url"), "/metadata/") != NULL;

    if (strcmp(text_at(recorded, "kind"), "token") != 0) {
        expect_nothing(body);
    } else if (number_at(recorded, "response.status") == 200) {
        expect_token(body, machine, 0, seconds_in(body, "expires_in"));
    } else {
        expect_refusal(body);
    }
}

static void test_recorded_answers_are_read(void **state)
{
    char *pattern ENDED_BY(free_text) = recorded_path("identity/go-*.json");
    glob_t files;

    (void)state;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    assert_true(files.gl_pathc > 20);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        cJSON *recorded ENDED_BY(free_json) = recorded_need(strstr(files.gl_pathv[i], "identity/"));

        read_recorded(recorded);
    }
    globfree(&files);
}

/* --- Those of the flows --- */

static void test_answers_of_token_endpoints(void **state)
{
    static const char *const names[] = {"client_credentials_secret", "client_credentials_certificate",
                                        "workload_identity_federation"};
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json");

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *flow = flow_of(flows, names[i]), *error;

        expect_token(item_at(flow, "success.body"), false, 0, seconds_in(flow, "success.body.expires_in"));
        cJSON_ArrayForEach(error, item_at(flow, "errors"))
        {
            expect_refusal(item_at(error, "body"));
        }
    }
}

static void test_answers_of_machines(void **state)
{
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json");
    const cJSON *imds = item_at(flow_of(flows, "imds"), "success.body");
    const cJSON *app = item_at(flow_of(flows, "app_service_and_container_apps"), "success.body");
    const cJSON *arc = item_at(flow_of(flows, "azure_arc"), "success.body");

    (void)state;
    expect_token(imds, true, 0, seconds_in(imds, "expires_in"));
    expect_token(arc, true, 0, seconds_in(arc, "expires_in"));
    expect_token(app, true, (int64_t)seconds_in(app, "expires_on") - 1234, 1234);
    expect_token(app, true, (int64_t)seconds_in(app, "expires_on") + 1, 0);
}

static void test_answers_of_the_cli(void **state)
{
    cJSON *flows ENDED_BY(free_json) = recorded_need("identity/flows.json");
    const cJSON *told = item_at(flow_of(flows, "azure_cli"), "success.stdout");
    char *text ENDED_BY(free_text) = flow_answer(told);
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(TOKEN_LIMIT);
    int64_t seconds;

    (void)state;
    assert_int_equal(token_json_read_cli(bytes_of_text(text), (int64_t)number_at(told, "expires_on") - 77,
                                         &token, &seconds),
                     CKR_OK);
    assert_string_equal(buffer_text(&token), "redacted");
    assert_int_equal(seconds, 77);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_answers_are_read),
        cmocka_unit_test(test_answers_of_token_endpoints),
        cmocka_unit_test(test_answers_of_machines),
        cmocka_unit_test(test_answers_of_the_cli),
    };

    return recorded_run("tokens", tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
