/*
 * A host whose OpenSSL configuration leads back to us: libcurl's first use loads it, and what it loads asks a
 * vault on the same thread. That must end with an error, not wait for itself. A program of its own, because
 * that happens once in a process.
 */
#include "backends/base/scope.h"
#include "backends/keyvault/http.h"
#include "backends/keyvault/libcurl.h"
#include "tests/backends/keyvault/https_server.h"
#include <openssl/conf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct http_client *client;
static unsigned called;
static enum http_failure inner;

static enum http_failure ask(void)
{
    struct http_request request = {.url = "https://127.0.0.1:1/", .limit = 100};
    struct http_reply reply SCOPED(http_reply_done);

    http_reply_init(&reply);
    http_exchange(client, &request, deadline_in(5000), &reply);
    return reply.failure;
}

/* OpenSSL calls this while it reads the configuration, as it would start an engine. */
static int lead_back(CONF_IMODULE *module, const CONF *configuration)
{
    (void)module;
    (void)configuration;
    called++;
    inner = ask();
    return 1;
}

static void test_reentry_ends_with_an_error(void **state)
{
    (void)state;
    assert_int_equal(ask(), HTTP_NO_CONNECT);
    assert_int_equal(called, 1);
    assert_int_equal(inner, HTTP_UNUSABLE);
}

static void test_later_requests_work(void **state)
{
    (void)state;
    assert_int_equal(ask(), HTTP_NO_CONNECT);
    assert_int_equal(called, 1);
}

static void test_visit_restores_the_default_context(void **state)
{
    struct libcurl_visit visit;
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);

    (void)state;
    assert_int_equal(libcurl_enter(&visit), CKR_OK);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), libcrypto_context());
    libcurl_leave(&visit);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), before);
}

/* After OPENSSL_cleanup nothing of OpenSSL may be called; a host that lets go of us then must not crash. */
static void test_after_clean_up_of_openssl(void **state)
{
    struct libcurl_visit visit;

    (void)state;
    OPENSSL_cleanup();
    assert_int_not_equal(libcurl_enter(&visit), CKR_OK);
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reentry_ends_with_an_error),
        cmocka_unit_test(test_later_requests_work),
        cmocka_unit_test(test_visit_restores_the_default_context),
        cmocka_unit_test(test_after_clean_up_of_openssl),
    };
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    int failed;

    setenv("NO_PROXY", "*", 1);
    setenv("BYOK_PKCS11_LOG", "error:stderr", 1);
    setenv("OPENSSL_CONF",
           test_file("openssl.cnf", "openssl_conf = all\n[all]\nlead_back = nothing\n[nothing]\nx = y\n"), 1);
    if (http_client_new(&options, &client) != CKR_OK || CONF_module_add("lead_back", lead_back, NULL) != 1) {
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
