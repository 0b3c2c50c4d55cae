/*
 * The service's documents: right ones, broken ones, hostile ones, and the recorded ones where they are at hand. Keys
 * are in test_vault_json_key.c.
 */
#include "backends/base/scope.h"
#include "backends/keyvault/identity/token_json.h"
#include "backends/keyvault/json.h"
#include "backends/keyvault/vault_json.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSION "0123456789abcdef0123456789abcdef"
#define KID     "\"kid\":\"https://v.example/keys/kek/" VERSION "\""

static CK_RV operation(const char *text, struct buffer *value)
{
    struct aes_extra extra;
    struct key_id kid;

    return vault_json_read_operation(bytes_of_text(text), &kid, value, &extra);
}

static void expect_written(const struct vault_parameters *parameters, const char *text)
{
    struct buffer body SCOPED(buffer_free) = BUFFER_INIT(200);

    assert_int_equal(buffer_append_text(&body, "before"), CKR_OK);
    assert_int_equal(vault_json_write_operation(parameters, &body), CKR_OK);
    assert_string_equal(buffer_text(&body), text);
}

static void test_write_operation(void **state)
{
    (void)state;
    expect_written(&(struct vault_parameters){.algorithm = "RSA-OAEP", .value = bytes_of_text("abc")},
                   "{\"alg\":\"RSA-OAEP\",\"value\":\"YWJj\"}");
    expect_written(&(struct vault_parameters){.algorithm = "PS256", .value = bytes_of("\xff\xfe", 2)},
                   "{\"alg\":\"PS256\",\"value\":\"__4\"}");
    expect_written(&(struct vault_parameters){.algorithm = "RSA1_5"}, "{\"alg\":\"RSA1_5\",\"value\":\"\"}");
    expect_written(&(struct vault_parameters){.algorithm = "A256GCM",
                                              .iv = bytes_of_text("i"),
                                              .aad = bytes_of_text("a"),
                                              .tag = bytes_of_text("t")},
                   "{\"alg\":\"A256GCM\",\"value\":\"\",\"iv\":\"aQ\",\"aad\":\"YQ\",\"tag\":\"dA\"}");
}

static void test_operation_longer_than_the_buffer(void **state)
{
    const struct vault_parameters parameters = {.algorithm = "RSA1_5", .value = bytes_of_text("abcdefgh")};
    struct buffer body SCOPED(buffer_free) = BUFFER_INIT(20);

    (void)state;
    assert_int_equal(vault_json_write_operation(&parameters, &body), CKR_DATA_LEN_RANGE);
}

static void test_read_operation(void **state)
{
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(512);
    struct aes_extra extra;
    struct key_id kid;

    (void)state;
    assert_int_equal(
        vault_json_read_operation(bytes_of_text(" {" KID ",\"value\":\"YWJj\",\"alg\":\"x\"}\r\n"), &kid,
                                  &value, &extra),
        CKR_OK);
    assert_int_equal(extra.iv_size + extra.tag_size, 0);
    assert_string_equal(buffer_text(&value), "abc");
    assert_string_equal(kid.name, "kek");
    assert_string_equal(kid.version, VERSION);
}

static void test_operation_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "{}",
                                        "null",
                                        "[]",
                                        "\"text\"",
                                        "{" KID "}",
                                        "{\"value\":\"YWJj\"}",
                                        "{" KID ",\"value\":7}",
                                        "{" KID ",\"value\":null}",
                                        "{" KID ",\"value\":\"YWJj=\"}",
                                        "{" KID ",\"value\":\"YW+j\"}",
                                        "{" KID ",\"value\":\"YW j\"}",
                                        "{" KID ",\"value\":\"YWJj\"",
                                        "{" KID ",\"value\":\"YWJj\"}}",
                                        "{" KID ",\"value\":\"YWJj\"}{}",
                                        "{" KID ",\"value\":\"YWJj\\u0000\"}",
                                        "{\"kid\":\"https://v.example/keys/..\",\"value\":\"YWJj\"}",
                                        "{\"kid\":7,\"value\":\"YWJj\"}",
                                        "<!DOCTYPE html>"};
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(512);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (operation(wrong[i], &value) != CKR_DATA_INVALID) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void test_every_truncation_is_refused(void **state)
{
    static const char whole[] = "{" KID ",\"value\":\"YWJj\"}";
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(512);
    struct aes_extra extra;
    struct key_id kid;

    (void)state;
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *part SCOPED(scope_free) = malloc(size + 1); /* so that a sanitizer sees a read behind it */

        memcpy(part, whole, size);
        assert_int_equal(vault_json_read_operation(bytes_of(part, size), &kid, &value, &extra),
                         CKR_DATA_INVALID);
    }
}

static void test_zero_byte_is_refused(void **state)
{
    static const char text[] = "{" KID ",\"value\":\"YWJj\0\"}";
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(512);
    struct aes_extra extra;
    struct key_id kid;

    (void)state;
    assert_int_equal(vault_json_read_operation(bytes_of(text, sizeof text - 1), &kid, &value, &extra),
                     CKR_DATA_INVALID);
}

static void test_value_longer_than_limit(void **state)
{
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(2);

    (void)state;
    assert_int_equal(operation("{" KID ",\"value\":\"YWJj\"}", &value), CKR_DATA_INVALID);
    assert_int_equal(value.size, 0);
}

static void test_deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 200000 };
    char *text SCOPED(scope_free) = malloc(DEPTH * 2 + 1);
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(512);

    (void)state;
    for (size_t i = 0; i < DEPTH; i++) {
        memcpy(text + i * 5 % (DEPTH * 2 - 5), "{\"a\":", 5);
    }
    text[DEPTH * 2 - 1] = '}';
    text[DEPTH * 2] = 0;
    assert_int_equal(operation(text, &value), CKR_DATA_INVALID);
}

struct seen {
    unsigned count, enough;
    char last[KEY_NAME_SIZE];
    bool last_enabled;
};

static bool see(void *arg, const struct key_id *kid, struct key_info *info)
{
    struct seen *seen = arg;

    seen->count++;
    snprintf(seen->last, sizeof seen->last, "%s", kid->name);
    seen->last_enabled = info->enabled;
    assert_null(info->rsa);
    return seen->count != seen->enough;
}

#define ITEM(name) "{\"kid\":\"https://v.example/keys/" name "\",\"attributes\":{\"enabled\":false}}"

static CK_RV page(const char *text, struct seen *seen, struct buffer *next)
{
    return vault_json_read_page(bytes_of_text(text), see, seen, next);
}

static void test_page(void **state)
{
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(100);
    struct seen seen = {0};

    (void)state;
    assert_int_equal(
        page("{\"value\":[" ITEM("a") "," ITEM("b") "],\"nextLink\":\"https://x/y\"}", &seen, &next), CKR_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last, "b");
    assert_false(seen.last_enabled);
    assert_string_equal(buffer_text(&next), "https://x/y");
}

static void test_last_and_empty_pages(void **state)
{
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(100);
    struct seen seen = {0};

    (void)state;
    assert_int_equal(page("{\"value\":[],\"nextLink\":\"https://x/y\"}", &seen, &next), CKR_OK);
    assert_int_equal(next.size, 11);
    assert_int_equal(page("{\"value\":null,\"nextLink\":null}", &seen, &next), CKR_OK);
    assert_int_equal(next.size, 0);
    assert_int_equal(page("{\"value\":[]}", &seen, &next), CKR_OK);
    assert_int_equal(next.size, 0);
    assert_int_equal(seen.count, 0);
}

static void test_items_that_are_no_keys_are_left_out(void **state)
{
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(100);
    struct seen seen = {0};

    (void)state;
    assert_int_equal(
        page("{\"value\":[7,null,{},{\"kid\":\"x\"},{\"kid\":\"https://v.example/keys/a%2f\"}," ITEM(
                 "a") ",[]]}",
             &seen, &next),
        CKR_OK);
    assert_int_equal(seen.count, 1);
}

static void test_visitor_ends_the_walk(void **state)
{
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(100);
    struct seen seen = {.enough = 1};

    (void)state;
    assert_int_equal(
        page("{\"value\":[" ITEM("a") "," ITEM("b") "],\"nextLink\":\"https://x/y\"}", &seen, &next), CKR_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(next.size, 0);
}

static void test_no_page(void **state)
{
    struct buffer next SCOPED(buffer_free) = BUFFER_INIT(10);
    struct seen seen = {0};

    (void)state;
    assert_int_equal(page("{}", &seen, &next), CKR_DATA_INVALID);
    assert_int_equal(page("{\"value\":7}", &seen, &next), CKR_DATA_INVALID);
    assert_int_equal(page("{\"value\":{\"kid\":\"https://v.example/keys/a\"}}", &seen, &next),
                     CKR_DATA_INVALID);
    assert_int_not_equal(page("{\"value\":[],\"nextLink\":\"https://far.too/long\"}", &seen, &next), CKR_OK);
}

static void test_error(void **state)
{
    struct vault_error error;

    (void)state;
    assert_true(vault_json_read_error(
        bytes_of_text("{\"error\":{\"code\":\"Forbidden\",\"message\":\"m\",\"innererror\":{\"code\":\"A\","
                      "\"innererror\":{\"code\":\"KeyDisabled\"}}}}"),
        &error));
    assert_string_equal(error.code, "Forbidden");
    assert_string_equal(error.inner, "KeyDisabled");
    assert_string_equal(error.message, "m");
    assert_true(vault_json_read_error(
        bytes_of_text("{\"error\":{\"code\":\"F\",\"innererror\":null,\"innerError\":{\"code\":\"B\"}}}"),
        &error));
    assert_string_equal(error.message, "");
}

static void test_no_error(void **state)
{
    static const char *const wrong[] = {
        "",
        "OK",
        "{}",
        "<html>",
        "{\"error\":\"x\"}",
        "{\"error\":{\"message\":\"m\"}}",
        "{\"error\":{\"code\":7}}",
    };
    struct vault_error error;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(vault_json_read_error(bytes_of_text(wrong[i]), &error));
        assert_int_equal(error.code[0], 0);
    }
}

static void test_long_texts_are_cut(void **state)
{
    char text[4096];
    struct vault_error error;

    (void)state;
    snprintf(text, sizeof text, "{\"error\":{\"code\":\"%01000d\",\"message\":\"%02000d\"}}", 1, 1);
    assert_true(vault_json_read_error(bytes_of_text(text), &error));
    assert_int_equal(strlen(error.code), sizeof error.code - 1);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void test_token(void **state)
{
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(100);
    int64_t lifetime;

    (void)state;
    assert_int_equal(token_json_read(bytes_of_text("{\"access_token\":\"a.b-c_d\",\"expires_in\":3599}"),
                                     &token, &lifetime),
                     CKR_OK);
    assert_string_equal(buffer_text(&token), "a.b-c_d");
    assert_int_equal(lifetime, 3599);
    assert_int_equal(token_json_read(bytes_of_text("{\"access_token\":\"x\",\"expires_in\":\"86399\"}"),
                                     &token, &lifetime),
                     CKR_OK);
    assert_int_equal(lifetime, 86399);
}

static void test_no_token(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{\"access_token\":\"x\"}",
        "{\"expires_in\":1}",
        "{\"access_token\":\"\",\"expires_in\":1}",
        "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":1}",
        "{\"access_token\":\"x\",\"expires_in\":-1}",
        "{\"access_token\":\"x\",\"expires_in\":1e99}",
        "{\"access_token\":\"x\",\"expires_in\":\"soon\"}",
        "{\"access_token\":\"01234567890123456789\",\"expires_in\":1}",
    };
    struct buffer token SCOPED(buffer_free) = BUFFER_INIT(10);
    int64_t lifetime;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (token_json_read(bytes_of_text(wrong[i]), &token, &lifetime) != CKR_DATA_INVALID) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}

static void test_token_error(void **state)
{
    struct token_error error;

    (void)state;
    assert_true(token_json_read_error(
        bytes_of_text("{\"error\":\"invalid_client\",\"error_codes\":[7000215]}"), &error));
    assert_string_equal(error.error, "invalid_client");
    assert_int_equal(error.code, 7000215);
    assert_true(token_json_read_error(bytes_of_text("{\"error\":\"x\",\"error_codes\":[]}"), &error));
    assert_int_equal(error.code, 0);
    assert_true(token_json_read_error(bytes_of_text("{\"error\":\"x\",\"error_codes\":\"y\"}"), &error));
    assert_false(token_json_read_error(bytes_of_text("{\"error\":7}"), &error));
    assert_true(token_json_read_error(
        bytes_of_text("{\"error\":\"x\",\"error_description\":\"AADSTS7000112: Application is disabled\"}"),
        &error));
    assert_int_equal(error.code, 7000112);
    assert_true(token_json_read_error(
        bytes_of_text("{\"error\":\"x\",\"error_codes\":[5],\"error_description\":\"AADSTS6: y\"}"), &error));
    assert_int_equal(error.code, 5);
    assert_true(token_json_read_error(
        bytes_of_text("{\"error\":\"x\",\"error_description\":\"AADSTS: AADSTS-9\"}"), &error));
    assert_int_equal(error.code, 0);
}

/* --- What real services answered --- */

static char *read_recording(const char *folder, const char *name)
{
    char path[700];
    FILE *file;
    char *text = calloc(1, 1 << 20);

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "r");
    if (file == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, file) == 0) {
        fail_msg("cannot read %s", path);
    }
    fclose(file);
    return text;
}

/* True where the file's name says that it holds such an answer. */
static bool is_about(const char *name, const char *what)
{
    return strstr(name, what) != NULL;
}

static void check_recording(const char *name, struct bytes body, unsigned status)
{
    struct buffer value SCOPED(buffer_free) = BUFFER_INIT(8192);
    struct aes_extra extra;
    struct vault_error error;
    struct key_info info;
    struct key_id kid;
    struct seen seen = {0};

    if (status >= 400) {
        assert_true(vault_json_read_error(body, &error) ==
                    (memmem(body.data, body.size, "\"error\"", 7) != NULL));
    } else if (is_about(name, "wrapkey-200") || is_about(name, "crypt-200") || is_about(name, "-sign-200")) {
        assert_int_equal(vault_json_read_operation(body, &kid, &value, &extra), CKR_OK);
        assert_true(value.size > 0);
    } else if (is_about(name, "-list-") && !is_about(name, "deleted")) {
        assert_int_equal(vault_json_read_page(body, see, &seen, &value), CKR_OK);
        assert_true((value.size != 0) == (memmem(body.data, body.size, "\"nextLink\":\"", 12) != NULL));
        assert_true((seen.count == 0) == is_about(name, "empty"));
    } else if (is_about(name, "-get-200") || is_about(name, "-get-version-200")) {
        assert_int_equal(vault_json_read_key(body, &kid, &info), CKR_OK);
        assert_true((info.rsa != NULL) == (info.type == KEY_TYPE_RSA));
        assert_true((info.ec != NULL) == (info.type == KEY_TYPE_EC && !is_about(name, "P-256K")));
        key_info_done(&info);
    } else if (vault_json_read_key(body, &kid, &info) == CKR_OK) {
        key_info_done(&info);
    }
}

static void test_recordings(void **state)
{
    const char *data = getenv("BYOK_TEST_DATA");
    char folder[400];
    const struct dirent *item;
    unsigned checked = 0;
    DIR *directory;

    (void)state;
    snprintf(folder, sizeof folder, "%s/keyvault/recordings", data == NULL ? "" : data);
    directory = data == NULL ? NULL : opendir(folder);
    if (directory == NULL) {
        printf("# SKIP recordings: BYOK_TEST_DATA names no folder with keyvault/recordings\n");
        skip();
    }
    while ((item = readdir(directory)) != NULL) {
        if (strstr(item->d_name, ".json") != NULL && strncmp(item->d_name, "sequence", 8) != 0) {
            char *text SCOPED(scope_free) = read_recording(folder, item->d_name);
            cJSON *recording SCOPED(json_free_scoped) = cJSON_Parse(text);
            const cJSON *response = json_member(recording, "response");
            char *body SCOPED(scope_free) = cJSON_PrintUnformatted(json_member(response, "body"));
            int64_t status;

            if (body != NULL && json_whole(response, "status", &status)) {
                check_recording(item->d_name, bytes_of_text(body), (unsigned)status);
                checked++;
            }
        }
    }
    closedir(directory);
    assert_true(checked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_operation),
        cmocka_unit_test(test_operation_longer_than_the_buffer),
        cmocka_unit_test(test_read_operation),
        cmocka_unit_test(test_operation_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_zero_byte_is_refused),
        cmocka_unit_test(test_value_longer_than_limit),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_last_and_empty_pages),
        cmocka_unit_test(test_items_that_are_no_keys_are_left_out),
        cmocka_unit_test(test_visitor_ends_the_walk),
        cmocka_unit_test(test_no_page),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_no_error),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_token_error),
        cmocka_unit_test(test_recordings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
