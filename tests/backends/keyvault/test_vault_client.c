/* The verbs over a server that says what it is told: requests, answers, refusals, repeats. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/vault_world.h"
#include <pthread.h>
#include <stdlib.h>

static const struct key_ref kek = {"kek", NULL}, kek_v1 = {"kek", VERSION};

static CK_RV unwrap(struct world *world, const struct key_ref *key, size_t *ret_size)
{
    static const unsigned char blob[256] = {1};
    struct secret plain SCOPED(secret_free) = SECRET_INIT;
    CK_RV rv = vault_client_open(&world->client, VAULT_UNWRAP, key, RSA_PADDING_OAEP_SHA256,
                                 bytes_of(blob, sizeof blob), deadline_in(4000), &plain, &world->answer);

    *ret_size = plain.size;
    return rv;
}

static void expect_unwrap(struct world *world, CK_RV expected, enum service_verdict verdict)
{
    size_t size;

    assert_int_equal(unwrap(world, &kek, &size), expected);
    assert_int_equal(world->answer.verdict, verdict);
    assert_int_equal(size, expected == CKR_OK ? 32 : 0);
    expect_log_lines(world, expected == CKR_OK ? 0 : 1);
}

static CK_RV wrap(struct world *world, const struct key_ref *key, size_t *ret_size)
{
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(512);
    CK_RV rv = vault_client_seal(&world->client, VAULT_WRAP, key, RSA_PADDING_OAEP_SHA1,
                                 bytes_of_text("0123456789abcdef"), deadline_in(4000), &blob, &world->answer);

    *ret_size = blob.size;
    return rv;
}

/* --- Requests --- */

static void test_first_unwrap_two_requests_next_one(void **state)
{
    struct world *world = *state;

    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_int_equal(https_server_requests(world->server), 2);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_int_equal(https_server_requests(world->server), 3);
    assert_int_equal(https_server_connections(world->server), 2); /* one for the token, one that stays */
    assert_int_equal(world->answer.tries, 1);
    assert_int_equal(world->answer.status, 200);
    assert_string_equal(world->answer.version, VERSION);
    assert_int_equal(strlen(world->answer.client_request_id), 36);
}

static void test_unwrap_request(void **state)
{
    struct world *world = *state;

    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_string_equal(world->method, "POST");
    assert_string_equal(world->path, "/keys/kek/unwrapkey?api-version=7.6");
    assert_memory_equal(world->body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AQAAAA", 37);
    assert_string_equal(world->bearer, "T1");
}

static void test_wrap_with_a_version(void **state)
{
    struct world *world = *state;
    size_t size;

    say_value(world, "kek", VERSION, 384);
    assert_int_equal(wrap(world, &kek_v1, &size), CKR_OK);
    assert_int_equal(size, 384);
    assert_string_equal(world->path, "/keys/kek/" VERSION "/wrapkey?api-version=7.6");
    assert_string_equal(world->body, "{\"alg\":\"RSA-OAEP\",\"value\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}");
}

static void test_encrypt_and_decrypt(void **state)
{
    struct world *world = *state;
    struct buffer blob SCOPED(buffer_free) = BUFFER_INIT(512);
    struct secret plain SCOPED(secret_free) = SECRET_INIT;

    say_value(world, "kek", VERSION, 256);
    say_value(world, "kek", VERSION, 5);
    assert_int_equal(vault_client_seal(&world->client, VAULT_ENCRYPT, &kek, RSA_PADDING_PKCS1,
                                       bytes_of_text("a"), deadline_in(4000), &blob, &world->answer),
                     CKR_OK);
    assert_string_equal(world->path, "/keys/kek/encrypt?api-version=7.6");
    assert_int_equal(vault_client_open(&world->client, VAULT_DECRYPT, &kek, RSA_PADDING_PKCS1,
                                       buffer_bytes(&blob), deadline_in(4000), &plain, &world->answer),
                     CKR_OK);
    assert_string_equal(world->path, "/keys/kek/decrypt?api-version=7.6");
    assert_int_equal(plain.size, 5);
}

static void test_get(void **state)
{
    struct world *world = *state;
    struct key_info info;

    say(world, 200, "{\"key\":{\"kid\":\"https://127.0.0.1:%u/keys/KEK/" VERSION "\",\"kty\":\"EC\"}}",
        https_server_port(world->server));
    assert_int_equal(vault_client_get(&world->client, &kek, deadline_in(4000), &info, &world->answer),
                     CKR_OK);
    assert_string_equal(world->method, "GET");
    assert_string_equal(world->path, "/keys/kek?api-version=7.6");
    assert_int_equal(info.type, KEY_TYPE_EC);
    assert_string_equal(world->answer.version, VERSION);
}

/* --- Refusals --- */

static void test_refusal_is_told_with_advice(void **state)
{
    struct world *world = *state;

    say_refusal(world, 403, "Forbidden", "ForbiddenByRbac");
    world->steps[0].headers = "x-ms-request-id: their-id\r\n";
    expect_unwrap(world, CKR_KEY_FUNCTION_NOT_PERMITTED, VERDICT_REFUSED);
    assert_int_equal(world->answer.status, 403);
    assert_string_equal(world->answer.request_id, "their-id");
    expect_log(world, "unwrapKey with key kek in https://127.0.0.1");
    expect_log(world, "403 Forbidden ForbiddenByRbac");
    expect_log(world, "words of the service");
    expect_log(world, "Contributor");
    expect_log(world, "their-id");
    expect_log(world, world->answer.client_request_id);
}

static void test_bad_blob_in_few_words(void **state)
{
    struct world *world = *state;

    say_refusal(world, 400, "BadParameter", "x");
    expect_unwrap(world, CKR_WRAPPED_KEY_INVALID, VERDICT_BAD_BLOB);
    assert_null(strstr(log_text(world), "words of the service"));
}

static void test_firewall_tells_address(void **state)
{
    struct world *world = *state;

    say_refusal(world, 403, "Forbidden", "ForbiddenByFirewall");
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
    expect_log(world, "its name led to 127.0.0.1, this machine");
}

static void test_html_instead_of_the_service(void **state)
{
    struct world *world = *state;

    say(world, 403, "<html>proxy</html>");
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
    assert_null(strstr(log_text(world), "<html>"));
}

static void test_empty_and_broken_200(void **state)
{
    struct world *world = *state;

    say(world, 200, "%s", "");
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
}

static void test_html_200(void **state)
{
    struct world *world = *state;

    say(world, 200, "<html>log in to the hotel</html>");
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
}

static void test_untrusted_server(void **state)
{
    struct world *world = *state;
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    struct https_server *other = https_server_start("127.0.0.1", world_serve, world);
    struct http_client *http;
    struct world far = *world;
    size_t size;

    options.ca_file = https_server_ca(other);
    assert_int_equal(http_client_new(&options, &http), CKR_OK);
    say_value(world, "kek", VERSION, 32);
    assert_int_equal(unwrap(world, &kek, &size), CKR_OK); /* the token is there */
    assert_int_equal(
        endpoint_new(&(struct endpoint_options){.about = "test", .http = http}, &far.client.endpoint),
        CKR_OK);
    assert_int_equal(unwrap(&far, &kek, &size), CKR_DEVICE_ERROR);
    assert_int_equal(far.answer.verdict, VERDICT_UNREACHABLE);
    assert_int_equal(far.answer.tries, 1);
    expect_log(world, "ca-file");
    endpoint_free(far.client.endpoint);
    http_client_free(http);
    https_server_stop(other);
}

/* --- Answers that are not what was asked for --- */

static void expect_wrong_kid(struct world *world, const struct key_ref *key)
{
    size_t size;

    assert_int_equal(unwrap(world, key, &size), CKR_DEVICE_ERROR);
    assert_int_equal(size, 0);
    assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
    assert_string_equal(world->answer.version, "");
    expect_log(world, "another key");
}

static void test_answer_about_another_key(void **state)
{
    say_value(*state, "kek2", VERSION, 32);
    expect_wrong_kid(*state, &kek);
}

static void test_answer_about_another_version(void **state)
{
    say_value(*state, "kek", VERSION2, 32);
    expect_wrong_kid(*state, &kek_v1);
}

static void test_answer_about_another_vault(void **state)
{
    struct world *world = *state;

    say(world, 200, "{\"kid\":\"https://127.0.0.2:%u/keys/kek/" VERSION "\",\"value\":\"AAAA\"}",
        https_server_port(world->server));
    expect_wrong_kid(world, &kek);
}

static void test_ciphertext_of_impossible_length(void **state)
{
    struct world *world = *state;
    static const size_t sizes[] = {0, 255, 257, 511};
    size_t size;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        say_value(world, "kek", VERSION, sizes[i]);
        assert_int_equal(wrap(world, &kek, &size), CKR_DEVICE_ERROR);
        assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
        assert_int_equal(size, 0);
    }
}

static void test_plaintext_longer_than_a_block(void **state)
{
    struct world *world = *state;

    say_value(world, "kek", VERSION, 513);
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
}

/* --- Tokens and repeats --- */

static void test_401_then_good(void **state)
{
    struct world *world = *state;

    say(world, 401, "%s", "");
    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_int_equal(world->token_requests, 2);
    assert_string_equal(world->bearer, "T2");
    assert_int_equal(world->answer.tries, 2);
}

static void test_401_for_ever(void **state)
{
    struct world *world = *state;

    say_refusal(world, 401, "Unauthorized", "");
    expect_unwrap(world, CKR_USER_NOT_LOGGED_IN, VERDICT_NO_ACCESS);
    assert_int_equal(world->token_requests, 2);
    assert_int_equal(world->asked, 2);
}

static void test_no_token_no_request(void **state)
{
    struct world *world = *state;

    world->token_status = 401;
    world->token_body = "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}";
    expect_unwrap(world, CKR_USER_NOT_LOGGED_IN, VERDICT_NO_ACCESS);
    assert_int_equal(world->asked, 0);
    assert_int_equal(world->answer.tries, 0);
    expect_log(world, "AADSTS7000215");
}

static void test_429_with_retry_after(void **state)
{
    struct world *world = *state;
    int64_t begun = clock_now();

    say_refusal(world, 429, "Throttled", "");
    world->steps[0].headers = "Retry-After: 1\r\n";
    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_in_range(clock_now() - begun, 1000, 2500);
    assert_int_equal(world->answer.tries, 2);
}

static void test_429_without_retry_after(void **state)
{
    struct world *world = *state;

    say_refusal(world, 429, "Throttled", "");
    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
    assert_int_equal(world->answer.tries, 2);
}

static void test_429_beyond_the_deadline(void **state)
{
    struct world *world = *state;
    int64_t begun = clock_now();

    say_refusal(world, 429, "Throttled", "");
    world->steps[0].headers = "Retry-After: 60\r\n";
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
    assert_true(clock_now() - begun < 1500);
    assert_int_equal(world->answer.status, 429);
}

static void test_connection_cut_then_good(void **state)
{
    struct world *world = *state;

    say(world, 0, "%s", "")->act = HTTPS_CUT;
    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
}

static void test_half_an_answer_then_good(void **state)
{
    struct world *world = *state;

    say_value(world, "kek", VERSION, 64);
    world->steps[0].act = HTTPS_HALF;
    say_value(world, "kek", VERSION, 32);
    expect_unwrap(world, CKR_OK, VERDICT_ACCEPTED);
}

static void test_stall_ends_at_the_deadline(void **state)
{
    struct world *world = *state;
    int64_t begun = clock_now();

    say(world, 0, "%s", "")->act = HTTPS_STALL;
    expect_unwrap(world, CKR_DEVICE_ERROR, VERDICT_UNREACHABLE);
    assert_in_range(clock_now() - begun, 3900, 5500);
    assert_int_equal(world->answer.status, 0);
}

/* --- Threads --- */

static void *unwrap_once(void *arg)
{
    struct world *world = arg;
    struct world own = {.client = world->client};
    size_t size;

    return (void *)(intptr_t)(unwrap(&own, &kek, &size) == CKR_OK && size == 32);
}

static void test_32_threads_one_token(void **state)
{
    struct world *world = *state;
    pthread_t threads[32];
    void *good;

    say_value(world, "kek", VERSION, 32);
    for (int i = 0; i < 32; i++) {
        pthread_create(&threads[i], NULL, unwrap_once, world);
    }
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &good);
        assert_true((intptr_t)good);
    }
    assert_int_equal(world->token_requests, 1);
    assert_int_equal(world->asked, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_first_unwrap_two_requests_next_one),
        VAULT_TEST(test_unwrap_request),
        VAULT_TEST(test_wrap_with_a_version),
        VAULT_TEST(test_encrypt_and_decrypt),
        VAULT_TEST(test_get),
        VAULT_TEST(test_refusal_is_told_with_advice),
        VAULT_TEST(test_bad_blob_in_few_words),
        VAULT_TEST(test_firewall_tells_address),
        VAULT_TEST(test_html_instead_of_the_service),
        VAULT_TEST(test_empty_and_broken_200),
        VAULT_TEST(test_html_200),
        VAULT_TEST(test_untrusted_server),
        VAULT_TEST(test_answer_about_another_key),
        VAULT_TEST(test_answer_about_another_version),
        VAULT_TEST(test_answer_about_another_vault),
        VAULT_TEST(test_ciphertext_of_impossible_length),
        VAULT_TEST(test_plaintext_longer_than_a_block),
        VAULT_TEST(test_401_then_good),
        VAULT_TEST(test_401_for_ever),
        VAULT_TEST(test_no_token_no_request),
        VAULT_TEST(test_429_with_retry_after),
        VAULT_TEST(test_429_without_retry_after),
        VAULT_TEST(test_429_beyond_the_deadline),
        VAULT_TEST(test_connection_cut_then_good),
        VAULT_TEST(test_half_an_answer_then_good),
        VAULT_TEST(test_stall_ends_at_the_deadline),
        VAULT_TEST(test_32_threads_one_token),
    };

    return run_vault_tests(tests);
}
