/* Faults of connections and of the way an answer goes out. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <curl/curl.h>
#include <string.h>
#include <time.h>

static int no_faults(void **state)
{
    (void)state;
    give_up_after = 0;
    free(standin_control(&standin, "DELETE", "/faults", NULL));
    return 0;
}

/* How a GET of a key ends when this client gives it what it wants of TLS. */
struct end {
    CURLcode code;
    long status, verified; /* verified: what OpenSSL says of the certificate, 0: good */
};

static size_t forget(char *data, size_t size, size_t count, void *argument)
{
    (void)data, (void)argument;
    return size * count;
}

static struct end connect_with(long versions, const char *ciphers, const char *ca)
{
    CURL *curl = need(curl_easy_init());
    char *url OWNED(owned_free) = text("%s/keys/kek?api-version=7.6", standin.vault_url);
    struct end end = {0};

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, versions);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    if (ciphers != NULL) {
        curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, ciphers);
    }
    end.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &end.status);
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &end.verified);
    curl_easy_cleanup(curl);
    return end;
}

static CURLcode connect_under(const char *faults)
{
    control("/faults", faults);
    return connect_with(CURL_SSLVERSION_DEFAULT, NULL, standin.vault_ca).code;
}

/* --- Certificates and TLS --- */

static void test_a_certificate_can_be_wrong_in_four_ways(void **state)
{
    static const char *const kinds[] = {"wrong-host", "expired", "not-yet", "unknown-ca"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char *faults OWNED(owned_free) = text("[{\"certificate\":\"%s\"}]", kinds[i]);

        assert_int_equal(connect_under(faults), CURLE_PEER_FAILED_VERIFICATION);
    }
    assert_int_equal(connect_under("[]"), CURLE_OK);
}

static void test_a_stranger_trusts_nobody_here(void **state)
{
    (void)state;
    assert_int_equal(connect_with(CURL_SSLVERSION_DEFAULT, NULL, standin.client_certificate_file).code,
                     CURLE_PEER_FAILED_VERIFICATION);
}

static void test_old_tls_is_all_there_is(void **state)
{
    struct end old;

    (void)state;
    control("/faults", "[{\"tls\":\"1.1\"}]");
    assert_int_equal(connect_with(CURL_SSLVERSION_TLSv1_2, NULL, standin.vault_ca).code,
                     CURLE_SSL_CONNECT_ERROR);
    old = connect_with(CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1, "DEFAULT@SECLEVEL=0",
                       standin.vault_ca);
    assert_int_equal(old.code, CURLE_OK);
    assert_int_equal(old.status, 401);
}

static void test_a_key_exchange_without_forward_secrecy(void **state)
{
    (void)state;
    control("/faults", "[{\"tls\":\"no-ecdhe\"}]");
    assert_int_equal(
        connect_with(CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2, "ECDHE", standin.vault_ca).code,
        CURLE_SSL_CONNECT_ERROR);
    assert_int_equal(
        connect_with(CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2, "kRSA", standin.vault_ca).code,
        CURLE_OK);
}

/* --- At the door --- */

static struct reply get_key(void)
{
    return vault("GET", "/keys/kek", NULL);
}

static void test_a_connection_can_be_taken_and_left_alone(void **state)
{
    char *token OWNED(owned_free) = fresh_token();
    struct reply stalled ENDS(reply_done) = {0}, later ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"connect\":\"stall\",\"match\":{\"server\":\"vault\"},\"times\":1}]");
    give_up_after = 400;
    stalled = call_vault(token, "GET", "/keys/kek", NULL);
    give_up_after = 0;
    later = call_vault(token, "GET", "/keys/kek", NULL);
    assert_int_equal(stalled.status, 0);
    assert_true(stalled.seconds >= 0.35);
    assert_string_equal(stalled.headers, "");
    assert_int_equal(later.status, 200);
}

static void test_a_connection_can_be_reset_or_speak_another_protocol(void **state)
{
    CURLcode cut, garbage;

    (void)state;
    cut = connect_under("[{\"connect\":\"cut\"}]");
    garbage = connect_under("[{\"connect\":\"garbage\"}]");
    assert_true(cut == CURLE_SSL_CONNECT_ERROR || cut == CURLE_COULDNT_CONNECT || cut == CURLE_RECV_ERROR);
    assert_int_equal(garbage, CURLE_SSL_CONNECT_ERROR);
}

static void test_a_connection_can_take_its_time(void **state)
{
    struct reply slow ENDS(reply_done) = {0}, quick ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"connect\":\"delay\",\"delay_ms\":1000,\"match\":{\"server\":\"vault\"}}]");
    slow = get_key();
    control("/faults", "[]");
    quick = get_key();
    assert_int_equal(slow.status, 200);
    assert_true(slow.seconds >= 0.99);
    assert_int_equal(quick.status, 200);
    assert_true(quick.seconds < 0.99);
}

/* A connection that was good once; then its other end vanishes. */
static void test_half_open_connections_never_answer(void **state)
{
    CURL *curl = need(curl_easy_init());
    char *url OWNED(owned_free) = text("%s/keys/kek?api-version=7.6", standin.vault_url);
    CURLcode first, second, third;

    (void)state;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CAINFO, standin.vault_ca);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    first = curl_easy_perform(curl);
    control("/faults", "[{\"half_open\":true,\"match\":{\"server\":\"vault\"}}]");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300L);
    second = curl_easy_perform(curl); /* on the same connection */
    third = curl_easy_perform(curl);  /* on a new one */
    curl_easy_cleanup(curl);
    assert_int_equal(first, CURLE_OK);
    assert_int_equal(second, CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(third, CURLE_OPERATION_TIMEDOUT);
}

static void test_a_fault_meets_its_server_only(void **state)
{
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"connect\":\"cut\",\"match\":{\"server\":\"mhsm\"}}]");
    reply = get_key();
    assert_int_equal(reply.status, 200);
}

static void test_connections_have_no_operation(void **state)
{
    (void)state;
    assert_null(
        standin_control(&standin, "PUT", "/faults", "[{\"connect\":\"cut\",\"match\":{\"op\":\"get\"}}]"));
    assert_null(standin_control(&standin, "PUT", "/faults", "[{\"certificate\":\"ugly\"}]"));
    assert_null(standin_control(&standin, "PUT", "/faults", "[{\"match\":{\"server\":\"nobody\"}}]"));
}

/* --- How an answer goes out --- */

static struct reply get_under(const char *faults, long patience)
{
    struct reply reply;

    control("/faults", faults);
    give_up_after = patience;
    reply = get_key();
    give_up_after = 0;
    return reply;
}

static void test_an_answer_stalls_in_its_headers_or_its_body(void **state)
{
    struct reply headers ENDS(reply_done) =
        get_under("[{\"stall\":\"headers\",\"match\":{\"op\":\"get\"}}]", 400);
    struct reply body ENDS(reply_done) = get_under("[{\"stall\":\"body\",\"match\":{\"op\":\"get\"}}]", 400);

    (void)state;
    assert_int_equal(headers.size, 0);
    assert_int_equal(strncmp(headers.headers, "HTTP/1.1 200", 12), 0);
    assert_null(strstr(headers.headers, "\r\n\r\n"));
    assert_true(headers.seconds >= 0.35);
    assert_non_null(strstr(body.headers, "\r\n\r\n"));
    assert_true(body.size > 0 && body.json == NULL);
    assert_true(body.seconds >= 0.35);
}

static void test_an_answer_is_cut_in_its_headers(void **state)
{
    struct reply reply ENDS(reply_done) = get_under("[{\"cut\":\"headers\",\"match\":{\"op\":\"get\"}}]", 0);

    (void)state;
    assert_int_equal(reply.status, 0);
    assert_int_equal(strncmp(reply.headers, "HTTP/1.1 200", 12), 0);
    assert_null(strstr(reply.headers, "\r\n\r\n"));
    assert_true(reply.seconds < 5);
}

static void test_garbage_is_no_http(void **state)
{
    (void)state;
    assert_int_equal(connect_under("[{\"garbage\":true}]"), CURLE_UNSUPPORTED_PROTOCOL);
}

static void test_a_flood_of_headers(void **state)
{
    struct reply some ENDS(reply_done) =
        get_under("[{\"header_flood\":100000,\"match\":{\"op\":\"get\"}}]", 0);
    struct reply many ENDS(reply_done) = get_under("[{\"header_flood\":true,\"match\":{\"op\":\"get\"}}]", 0);

    (void)state;
    assert_int_equal(some.status, 200);
    assert_true(strlen(some.headers) > 100000);
    assert_non_null(some.json);
    assert_int_equal(many.status, 0); /* libcurl takes 300 KiB */
}

static void test_an_answer_drips(void **state)
{
    struct reply reply ENDS(reply_done) = get_under(
        "[{\"drip_ms\":2,\"status\":200,\"body\":\"{\\\"a\\\":\\\"0123456789012345678901234567890123456789\\\"}\"}]",
        0);

    (void)state;
    assert_int_equal(reply.status, 200);
    assert_non_null(reply.json);
    assert_true(reply.seconds >= 0.08);
}

/* --- Answers of another kind --- */

static void test_redirects(void **state)
{
    struct reply usual ENDS(reply_done) =
        get_under("[{\"redirect\":\"https://elsewhere.example/x\",\"match\":{\"op\":\"get\"}}]", 0);
    struct reply other ENDS(reply_done) = get_under("[{\"redirect\":\"/y\",\"status\":307}]", 0);

    (void)state;
    assert_int_equal(usual.status, 302);
    assert_string_equal(reply_header(&usual, "Location"), "https://elsewhere.example/x");
    assert_int_equal(other.status, 307);
}

static void test_retry_after_in_all_its_spellings(void **state)
{
    struct reply reply ENDS(reply_done) = get_under(
        "[{\"status\":503,\"retry_after_ms\":20,\"x_ms_retry_after_ms\":\"30\",\"retry_after_date\":60}]", 0);
    time_t at;

    (void)state;
    assert_string_equal(reply_header(&reply, "retry-after-ms"), "20");
    assert_string_equal(reply_header(&reply, "x-ms-retry-after-ms"), "30");
    at = curl_getdate(reply_header(&reply, "Retry-After"), NULL);
    assert_in_range(at, time(NULL) + 50, time(NULL) + 61);
}

static void check_refusal(const char *word, long status, const char *inner)
{
    char *faults OWNED(owned_free) =
        text("[{\"refusal\":\"%s\",\"match\":{\"op\":\"get\"},\"times\":1}]", word);
    struct reply reply ENDS(reply_done) = get_under(faults, 0), after ENDS(reply_done) = get_key();

    assert_int_equal(reply.status, status);
    assert_string_equal(reply_text(&reply, "error.innererror.code"), inner);
    assert_int_equal(after.status, 200);
}

static void test_refusals_by_name(void **state)
{
    (void)state;
    check_refusal("firewall", 403, "ForbiddenByFirewall");
    check_refusal("private-link", 403, "ForbiddenByConnection");
    check_refusal("throttled", 429, "");
    check_refusal("operation-limit", 429, "");
    check_refusal("akv10046", 401, "");
    assert_null(standin_control(&standin, "PUT", "/faults", "[{\"refusal\":\"whim\"}]"));
}

static void test_a_claims_challenge_as_a_fault(void **state)
{
    struct reply reply ENDS(reply_done) =
        get_under("[{\"claims\":{\"access_token\":{}},\"match\":{\"op\":\"get\"}}]", 0);

    (void)state;
    assert_int_equal(reply.status, 401);
    assert_non_null(
        strstr(reply_header(&reply, "WWW-Authenticate"), "claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\""));
}

/* --- On each service --- */

static void test_each_service_fails_in_its_own_words(void **state)
{
    static const char *const none[] = {NULL};
    const char *const urls[] = {standin.identity_url, standin.imds_url, standin.app_service_endpoint,
                                standin.arc_endpoint, standin.mhsm_url};
    static const char *const told[] = {"error_description", "error_description", "message",
                                       "error_description", "error.message"};

    (void)state;
    control("/faults", "[{\"status\":503}]");
    for (size_t i = 0; i < 5; i++) {
        struct reply reply ENDS(reply_done) = call_url("GET", urls[i], none, NULL);

        assert_int_equal(reply.status, 503);
        assert_string_not_equal(reply_text(&reply, told[i]), "");
    }
}

static void test_plain_services_break_as_well(void **state)
{
    static const char *const none[] = {NULL};
    struct reply reply ENDS(reply_done) = {0}, cut ENDS(reply_done) = {0}, good ENDS(reply_done) = {0};

    (void)state;
    control("/faults", "[{\"garbage\":true,\"times\":1},{\"certificate\":\"expired\"}]");
    reply = call_url("GET", standin.arc_endpoint, none, NULL);
    control("/faults", "[{\"cut\":\"answer\"}]");
    cut = call_url("GET", standin.arc_endpoint, none, NULL);
    control("/faults", "[]");
    good = call_url("GET", standin.arc_endpoint, none, NULL);
    assert_int_equal(reply.status, 0);
    assert_int_equal(cut.status, 0);
    assert_true(cut.size > 0);
    assert_int_equal(good.status, 400);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_a_certificate_can_be_wrong_in_four_ways, no_faults),
    cmocka_unit_test_teardown(test_a_stranger_trusts_nobody_here, no_faults),
    cmocka_unit_test_teardown(test_old_tls_is_all_there_is, no_faults),
    cmocka_unit_test_teardown(test_a_key_exchange_without_forward_secrecy, no_faults),
    cmocka_unit_test_teardown(test_a_connection_can_be_taken_and_left_alone, no_faults),
    cmocka_unit_test_teardown(test_a_connection_can_be_reset_or_speak_another_protocol, no_faults),
    cmocka_unit_test_teardown(test_a_connection_can_take_its_time, no_faults),
    cmocka_unit_test_teardown(test_half_open_connections_never_answer, no_faults),
    cmocka_unit_test_teardown(test_a_fault_meets_its_server_only, no_faults),
    cmocka_unit_test_teardown(test_connections_have_no_operation, no_faults),
    cmocka_unit_test_teardown(test_an_answer_stalls_in_its_headers_or_its_body, no_faults),
    cmocka_unit_test_teardown(test_an_answer_is_cut_in_its_headers, no_faults),
    cmocka_unit_test_teardown(test_garbage_is_no_http, no_faults),
    cmocka_unit_test_teardown(test_a_flood_of_headers, no_faults),
    cmocka_unit_test_teardown(test_an_answer_drips, no_faults),
    cmocka_unit_test_teardown(test_redirects, no_faults),
    cmocka_unit_test_teardown(test_retry_after_in_all_its_spellings, no_faults),
    cmocka_unit_test_teardown(test_refusals_by_name, no_faults),
    cmocka_unit_test_teardown(test_a_claims_challenge_as_a_fault, no_faults),
    cmocka_unit_test_teardown(test_each_service_fails_in_its_own_words, no_faults),
    cmocka_unit_test_teardown(test_plain_services_break_as_well, no_faults),
};
const struct test_list door_tests = TEST_LIST(tests);
