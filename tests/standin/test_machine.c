/* The token endpoints of a machine. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char metadata[] = "Metadata: true";
static const char *const only_metadata[] = {metadata, NULL};

static int as_at_the_start(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/managed", standin.system_id_client_id);

    (void)state;
    control(path, "\"system\"");
    free(standin_control(&standin, "DELETE", "/settings", NULL));
    free(standin_control(&standin, "DELETE", "/faults", NULL));
    return 0;
}

static void check_works(const struct reply *reply)
{
    struct reply used ENDS(reply_done) =
        call_vault(reply_text(reply, "access_token"), "GET", "/keys/kek", NULL);

    assert_int_equal(reply->status, 200);
    assert_int_equal(used.status, 200);
}

/* Text, and in the future. */
static void check_later(const struct reply *reply, const char *name)
{
    long at = strtol(reply_text(reply, name), NULL, 10);

    assert_in_range(at, time(NULL) + 3500, time(NULL) + 3700);
}

/* --- IMDS --- */

static struct reply ask_imds(const char *more, const char *const *headers)
{
    char *url OWNED(owned_free) = text(
        "%s/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%%3A%%2F%%2Fvault.azure.net%s",
        standin.imds_url, more);

    return call_url("GET", url, headers, NULL);
}

static long imds_status(const char *more, const char *const *headers)
{
    struct reply reply ENDS(reply_done) = ask_imds(more, headers);

    return reply.status;
}

static void test_imds_gives_a_token_with_numbers_as_text(void **state)
{
    struct reply reply ENDS(reply_done) = ask_imds("", only_metadata);

    (void)state;
    check_works(&reply);
    assert_string_equal(reply_text(&reply, "expires_in"), "3599");
    check_later(&reply, "expires_on");
    assert_string_equal(reply_text(&reply, "client_id"), standin.system_id_client_id);
    assert_string_equal(reply_text(&reply, "resource"), "https://vault.azure.net");
    assert_non_null(strstr(reply_header(&reply, "Server"), "IMDS"));
}

static void test_imds_wants_its_header_and_no_proxy(void **state)
{
    static const char *const none[] = {NULL}, *const wrong[] = {"Metadata: yes", NULL};
    static const char *const forwarded[] = {metadata, "X-Forwarded-For: 192.0.2.1", NULL};
    static const char *const via[] = {metadata, "Via: 1.1 proxy", NULL};

    (void)state;
    assert_int_equal(imds_status("", only_metadata), 200);
    assert_int_equal(imds_status("", none), 400);
    assert_int_equal(imds_status("", wrong), 400);
    assert_int_equal(imds_status("", forwarded), 400);
    assert_int_equal(imds_status("", via), 400);
}

static long status_of(const char *base, const char *rest)
{
    char *url OWNED(owned_free) = text("%s%s", base, rest);
    struct reply reply ENDS(reply_done) = call_url("GET", url, only_metadata, NULL);

    return reply.status;
}

static void test_imds_wants_version_and_resource(void **state)
{
    static const char path[] = "/metadata/identity/oauth2/token";
    char *url OWNED(owned_free) = text("%s%s", standin.imds_url, path);

    (void)state;
    assert_int_equal(status_of(url, "?api-version=2018-02-01&resource=https://vault.azure.net"), 200);
    assert_int_equal(status_of(url, "?resource=https://vault.azure.net"), 400);
    assert_int_equal(status_of(url, "?api-version=1999-01-01&resource=https://vault.azure.net"), 400);
    assert_int_equal(status_of(url, "?api-version=2018-02-01"), 400);
    assert_int_equal(status_of(url, "?api-version=2018-02-01&resource=https://nobody.example"), 400);
    assert_int_equal(status_of(standin.imds_url, "/metadata"), 404);
}

static void check_selected(const char *name, const char *value)
{
    char *more OWNED(owned_free) = text("&%s=%s", name, value);
    struct reply reply ENDS(reply_done) = ask_imds(more, only_metadata);

    check_works(&reply);
    assert_string_equal(reply_text(&reply, "client_id"), standin.managed_id_client_id);
}

static void test_imds_gives_the_identity_that_is_named(void **state)
{
    (void)state;
    check_selected("client_id", standin.managed_id_client_id);
    check_selected("object_id", standin.managed_id_object_id);
    check_selected("msi_res_id", standin.managed_id_resource_id);
    check_selected("mi_res_id", standin.managed_id_resource_id);
    assert_int_equal(imds_status("&client_id=00000000-0000-0000-0000-00000000dead", only_metadata), 400);
}

static void test_what_is_no_identity_of_the_machine_gets_no_token(void **state)
{
    char *more OWNED(owned_free) = text("&client_id=%s", standin.client_id);

    (void)state;
    assert_int_equal(imds_status(more, only_metadata), 400);
}

/* Its service principal, in the directory. */
static void test_a_disabled_identity_gets_no_token(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/disabled", standin.managed_id_client_id);
    char *more OWNED(owned_free) = text("&client_id=%s", standin.managed_id_client_id);
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control(path, "true");
    reply = ask_imds(more, only_metadata);
    control(path, "false");
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply_text(&reply, "error_description"), "AADSTS7000112"));
    assert_int_equal(imds_status(more, only_metadata), 200);
}

static void test_the_only_identity_need_not_be_named(void **state)
{
    char *path OWNED(owned_free) = text("/callers/%s/managed", standin.system_id_client_id);
    char *other OWNED(owned_free) = text("/callers/%s/managed", "44444444-0000-0000-0000-000000000000");
    struct reply reply ENDS(reply_done) = {0};

    (void)state;
    control(path, "false");
    reply = ask_imds("", only_metadata);
    assert_string_equal(reply_text(&reply, "client_id"), standin.managed_id_client_id);
    control(other, "{\"object_id\":\"o\",\"resource_id\":\"r\"}");
    assert_int_equal(imds_status("", only_metadata), 400);
    control(other, "false");
}

static void test_imds_is_away_for_a_while(void **state)
{
    (void)state;
    control("/faults", "[{\"match\":{\"server\":\"imds\"},\"status\":410,\"times\":1},"
                       "{\"match\":{\"server\":\"imds\"},\"status\":429,\"retry_after\":2,\"times\":1}]");
    assert_int_equal(imds_status("", only_metadata), 410);
    assert_int_equal(imds_status("", only_metadata), 429);
    assert_int_equal(imds_status("", only_metadata), 200);
}

/* --- App Service --- */

static struct reply ask_app(const char *secret, const char *more)
{
    char *url OWNED(owned_free) =
        text("%s?api-version=2019-08-01&resource=https%%3A%%2F%%2Fvault.azure.net%s",
             standin.app_service_endpoint, more);
    char *header OWNED(owned_free) = text("X-IDENTITY-HEADER: %s", secret);
    const char *const headers[] = {header, NULL};

    return call_url("GET", url, headers, NULL);
}

static void test_app_service_tells_only_when_a_token_ends(void **state)
{
    struct reply reply ENDS(reply_done) = ask_app(standin.app_service_header, "");

    (void)state;
    check_works(&reply);
    check_later(&reply, "expires_on");
    assert_null(reply_item(&reply, "expires_in"));
    assert_string_equal(reply_text(&reply, "client_id"), standin.system_id_client_id);
}

static void test_app_service_wants_its_secret(void **state)
{
    struct reply wrong ENDS(reply_done) = ask_app("guess", ""),
                       good ENDS(reply_done) = ask_app(standin.app_service_header, "");

    (void)state;
    assert_int_equal(wrong.status, 401);
    assert_int_equal(good.status, 200);
}

static void test_app_service_gives_the_identity_that_is_named(void **state)
{
    char *own OWNED(owned_free) = text("&client_id=%s", standin.managed_id_client_id);
    char *principal OWNED(owned_free) = text("&principal_id=%s", standin.managed_id_object_id);
    struct reply named ENDS(reply_done) = ask_app(standin.app_service_header, own);
    struct reply by_object ENDS(reply_done) = ask_app(standin.app_service_header, principal);
    struct reply unknown ENDS(reply_done) = ask_app(standin.app_service_header, "&client_id=nobody");

    (void)state;
    assert_string_equal(reply_text(&named, "client_id"), standin.managed_id_client_id);
    assert_string_equal(reply_text(&by_object, "client_id"), standin.managed_id_client_id);
    assert_int_equal(unknown.status, 400);
    assert_int_equal(cJSON_GetNumberValue(reply_item(&unknown, "statusCode")), 400);
}

/* --- Azure Arc --- */

static struct reply ask_arc(const char *secret, const char *more)
{
    char *url OWNED(owned_free) = text(
        "%s?api-version=2020-06-01&resource=https%%3A%%2F%%2Fvault.azure.net%s", standin.arc_endpoint, more);
    char *header OWNED(owned_free) = text("Authorization: Basic %s", secret == NULL ? "" : secret);
    const char *const headers[] = {metadata, secret == NULL ? NULL : header, NULL};

    return call_url("GET", url, headers, NULL);
}

/* The path in a challenge, from malloc. */
static char *challenged(void)
{
    static const char start[] = "Basic realm=";
    struct reply reply ENDS(reply_done) = ask_arc(NULL, "");
    const char *header = reply_header(&reply, "WWW-Authenticate");

    assert_int_equal(reply.status, 401);
    assert_non_null(header);
    assert_int_equal(strncmp(header, start, strlen(start)), 0);
    return text("%s", header + strlen(start));
}

static char *content_of(const char *path)
{
    char *content = need(calloc(1, 16384));
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    assert_true(fread(content, 1, 16383, file) > 0);
    fclose(file);
    return content;
}

static void test_arc_names_a_key_file_in_its_folder(void **state)
{
    char *path OWNED(owned_free) = challenged(), *start OWNED(owned_free) = text("%s/", standin.arc_dir);
    struct stat about;

    (void)state;
    assert_int_equal(strncmp(path, start, strlen(start)), 0);
    assert_string_equal(path + strlen(path) - 4, ".key");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
    assert_in_range(about.st_size, 1, 4096);
}

static void test_who_reads_the_file_gets_a_token_once(void **state)
{
    char *path OWNED(owned_free) = challenged(), *secret OWNED(owned_free) = content_of(path);
    struct reply first ENDS(reply_done) = ask_arc(secret, ""), second ENDS(reply_done) = ask_arc(secret, "");

    (void)state;
    check_works(&first);
    assert_string_equal(reply_text(&first, "expires_in"), "3599");
    assert_int_equal(second.status, 401);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_each_challenge_has_a_file_of_its_own(void **state)
{
    char *first OWNED(owned_free) = challenged(), *second OWNED(owned_free) = challenged();
    char *secret OWNED(owned_free) = content_of(first);
    struct reply wrong ENDS(reply_done) = ask_arc("guess", ""), good ENDS(reply_done) = ask_arc(secret, "");

    (void)state;
    assert_string_not_equal(first, second);
    assert_int_equal(wrong.status, 401);
    assert_int_equal(good.status, 200);
}

static void test_arc_knows_the_system_assigned_identity_only(void **state)
{
    char *more OWNED(owned_free) = text("&client_id=%s", standin.managed_id_client_id);
    struct reply reply ENDS(reply_done) = ask_arc(NULL, more);

    (void)state;
    assert_int_equal(reply.status, 400);
}

static void test_arc_can_name_what_nobody_should_read(void **state)
{
    char *path OWNED(owned_free) = NULL, *large OWNED(owned_free) = NULL;
    struct stat about;

    (void)state;
    control("/settings", "{\"arc_realm\":\"/etc/hostname\"}");
    path = challenged();
    assert_string_equal(path, "/etc/hostname");
    control("/settings", "{\"arc_realm\":\"\",\"arc_key_size\":5000}");
    large = challenged();
    assert_int_equal(stat(large, &about), 0);
    assert_int_equal(about.st_size, 5000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_imds_gives_a_token_with_numbers_as_text),
    cmocka_unit_test(test_imds_wants_its_header_and_no_proxy),
    cmocka_unit_test(test_imds_wants_version_and_resource),
    cmocka_unit_test(test_imds_gives_the_identity_that_is_named),
    cmocka_unit_test(test_what_is_no_identity_of_the_machine_gets_no_token),
    cmocka_unit_test_teardown(test_a_disabled_identity_gets_no_token, as_at_the_start),
    cmocka_unit_test_teardown(test_the_only_identity_need_not_be_named, as_at_the_start),
    cmocka_unit_test_teardown(test_imds_is_away_for_a_while, as_at_the_start),
    cmocka_unit_test(test_app_service_tells_only_when_a_token_ends),
    cmocka_unit_test(test_app_service_wants_its_secret),
    cmocka_unit_test(test_app_service_gives_the_identity_that_is_named),
    cmocka_unit_test(test_arc_names_a_key_file_in_its_folder),
    cmocka_unit_test(test_who_reads_the_file_gets_a_token_once),
    cmocka_unit_test(test_each_challenge_has_a_file_of_its_own),
    cmocka_unit_test(test_arc_knows_the_system_assigned_identity_only),
    cmocka_unit_test_teardown(test_arc_can_name_what_nobody_should_read, as_at_the_start),
};
const struct test_list machine_tests = TEST_LIST(tests);
