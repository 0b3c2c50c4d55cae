/* The way to a server: which proxy, and what it sees and says. */
#include "backends/base/process.h"
#include "tests/backends/keyvault/way_world.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = way_world_new();
    return 0;
}

static int tear_down(void **state)
{
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
    way_world_free(*state);
    return 0;
}

static void set_proxy_of_environment(const struct way_world *world, const char *name)
{
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%u", proxy_server_port(world->proxy));
    setenv(name, url, 1);
}

static void expect_through_proxy(struct way_world *world, unsigned count)
{
    char target[64];

    assert_int_equal(way_world_ask(world, 5000)->status, 200);
    assert_int_equal(proxy_server_count(world->proxy), count);
    if (count != 0) {
        snprintf(target, sizeof target, "127.0.0.1:%u", https_server_port(world->server));
        assert_string_equal(proxy_server_target(world->proxy), target);
    }
}

/* --- Which way --- */

static void test_proxy_of_the_configuration(void **state)
{
    way_world_open(*state, "http://127.0.0.1:%u", 600000);
    expect_through_proxy(*state, 1);
    expect_through_proxy(*state, 1); /* the connection is kept */
}

static void test_socks_proxy(void **state)
{
    way_world_open(*state, "socks5h://127.0.0.1:%u", 600000);
    expect_through_proxy(*state, 1);
}

static void test_proxies_of_the_environment(void **state)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy"};

    for (unsigned i = 0; i < 3; i++) {
        way_world_open(*state, NULL, 600000);
        set_proxy_of_environment(*state, names[i]);
        expect_through_proxy(*state, i + 1);
        unsetenv(names[i]);
    }
}

static void test_no_proxy_of_the_environment(void **state)
{
    way_world_open(*state, NULL, 600000);
    set_proxy_of_environment(*state, "https_proxy");
    setenv("no_proxy", "127.0.0.1", 1);
    expect_through_proxy(*state, 0);
}

static void test_none_in_the_configuration_wins(void **state)
{
    set_proxy_of_environment(*state, "https_proxy");
    expect_through_proxy(*state, 0);
}

static void test_one_in_the_configuration_wins(void **state)
{
    way_world_open(*state, "http://127.0.0.1:%u", 600000);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "*", 1);
    expect_through_proxy(*state, 1);
}

static void ask_machine(struct way_world *world)
{
    struct http_request request = {
        .url = https_server_url(world->server), .machine = true, .limit = HTTP_ANSWER_LIMIT};

    http_exchange(world->client, &request, deadline_in(5000), &world->reply);
    assert_int_equal(world->reply.status, 200);
    assert_int_equal(proxy_server_count(world->proxy), 0);
}

static void test_the_machine_itself_is_asked_directly(void **state)
{
    way_world_open(*state, "http://127.0.0.1:%u", 600000);
    ask_machine(*state);
    way_world_open(*state, NULL, 600000);
    set_proxy_of_environment(*state, "https_proxy");
    set_proxy_of_environment(*state, "http_proxy");
    set_proxy_of_environment(*state, "all_proxy");
    ask_machine(*state);
    unsetenv("http_proxy");
}

/* A connection that was made without the proxy is not used with it, and the other way round. */
static void test_ways_do_not_mix(void **state)
{
    struct way_world *world = *state;

    way_world_open(world, "http://127.0.0.1:%u", 600000);
    ask_machine(world);
    expect_through_proxy(world, 1);
    assert_int_equal(https_server_connections(world->server), 2);
}

/* --- A set-id process: this program again, as a set-uid copy that another user runs --- */

enum { NOT_SECURE = 77 };

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
/* Sanitizers end a set-id process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
    __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* 0: the server has answered. */
static int ask_as_secure(const char *url, const char *ca_file, const char *proxy)
{
    struct http_options options = {.about = "test",
                                   .ca_file = ca_file,
                                   .proxy = *proxy == 0 ? NULL : proxy,
                                   .connect_timeout = 2000,
                                   .connection_age = 600000};
    struct http_request request = {.url = url, .limit = HTTP_ANSWER_LIMIT};
    struct http_reply reply;
    struct http_client *client;

    if (!process_is_secure()) {
        return NOT_SECURE;
    }
    http_reply_init(&reply);
    if (http_client_new(&options, &client) != CKR_OK) {
        return 1;
    }
    http_exchange(client, &request, deadline_in(10000), &reply);
    http_client_free(client);
    return reply.status == 200 ? 0 : 2;
}

static int run_as_another(const struct way_world *world, const char *program, const char *proxy)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (setgid(65534) == 0 && setuid(65534) == 0) {
            execl(program, program, "secure", https_server_url(world->server), https_server_ca(world->server),
                  proxy, (char *)NULL);
        }
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Only the configuration leads it to a proxy. */
static void test_a_set_id_process_has_no_proxy_of_the_environment(void **state)
{
    struct way_world *world = *state;
    char program[128], command[512], proxy[64];

    if (geteuid() != 0 || SANITIZED) {
        print_message("# SKIP needs root, and no sanitizer\n");
        skip();
    }
    snprintf(program, sizeof program, "%s/secure", test_folder());
    snprintf(command, sizeof command, "cp /proc/%d/exe %s && chmod 4755 %s && chmod 755 %s && chmod 644 %s",
             (int)getpid(), program, program, test_folder(), https_server_ca(world->server));
    assert_int_equal(system(command), 0);
    set_proxy_of_environment(world, "https_proxy");
    set_proxy_of_environment(world, "all_proxy");
    if (run_as_another(world, program, "") == NOT_SECURE) {
        print_message("# SKIP set-uid has no effect on this file system\n");
        skip();
    }
    assert_int_equal(https_server_requests(world->server), 1);
    assert_int_equal(proxy_server_count(world->proxy), 0);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", proxy_server_port(world->proxy));
    setenv("no_proxy", "*", 1);
    assert_int_equal(run_as_another(world, program, proxy), 0);
    assert_int_equal(proxy_server_count(world->proxy), 1);
}

/* --- What a proxy sees and says --- */

static void test_proxy_sees_no_token(void **state)
{
    struct way_world *world = *state;

    way_world_open(world, "http://127.0.0.1:%u", 600000);
    expect_through_proxy(world, 1);
    assert_null(strcasestr(proxy_server_head(world->proxy), "authorization"));
    assert_null(strstr(proxy_server_head(world->proxy), "the.token"));
}

static void expect_refused(struct way_world *world, unsigned status, enum http_failure failure,
                           const char *words, const char *advice)
{
    struct http_reply *reply;

    proxy_server_refuse(world->proxy, status);
    reply = way_world_ask(world, 5000);
    assert_int_equal(reply->failure, failure);
    assert_int_equal(reply->status, 0);
    assert_non_null(strstr(reply->cause, words));
    assert_non_null(strstr(reply->advice, advice));
}

static void test_proxy_refuses(void **state)
{
    way_world_open(*state, "http://127.0.0.1:%u", 600000);
    expect_refused(*state, 403, HTTP_REFUSED, "the proxy's rules forbid this address (403)",
                   "allow this host");
    expect_refused(*state, 407, HTTP_REFUSED, "407", "USER:PASSWORD");
    expect_refused(*state, 404, HTTP_REFUSED, "the proxy answers 404", "names a proxy");
    expect_refused(*state, 502, HTTP_NO_CONNECT, "the proxy answers 502", "DNS");
    assert_int_equal(https_server_connections(((struct way_world *)*state)->server), 0);
}

static void test_proxy_with_a_password(void **state)
{
    struct way_world *world = *state;

    proxy_server_demand(world->proxy, "dXNlcjpzM2NyM3Q=");
    way_world_open(world, "http://user:s3cr3t@127.0.0.1:%u", 600000);
    expect_through_proxy(world, 1);
    way_world_open(world, "http://user:wr0ng@127.0.0.1:%u", 600000);
    assert_int_equal(way_world_ask(world, 5000)->failure, HTTP_REFUSED);
    assert_null(strstr(world->reply.cause, "wr0ng"));
}

/* libcurl's own words would repeat the whole address. */
static void test_password_in_a_proxy_that_is_not_understood(void **state)
{
    static const char *const urls[] = {
        "gopher://user:s3cr3t@127.0.0.1:1", "http://user:s3cr3t@no-such.invalid:1",
        "http://user:s3cr3t@127.0.0.1:1", "http://user:s3cr3t@[::1:1", "http://user:s3cr3t@:x"};
    struct way_world *world = *state;

    way_world_open(world, NULL, 600000);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        setenv("https_proxy", urls[i], 1);
        assert_int_not_equal(way_world_ask(world, 3000)->failure, HTTP_ANSWERED);
        assert_true(world->reply.cause[0] != 0);
        assert_null(strstr(world->reply.cause, "s3cr3t"));
    }
}

static void refuse_connect(void *arg, const struct https_request *request, struct https_reply *reply)
{
    (void)arg;
    assert_string_equal(request->method, "CONNECT");
    https_say(reply, 403, NULL, "");
}

/* A proxy that is spoken to over TLS is held to the same CAs. */
static void test_proxy_over_tls(void **state)
{
    struct https_server *proxy = https_server_start("127.0.0.1", refuse_connect, NULL);
    struct http_options options = {.about = "test", .connect_timeout = 2000, .connection_age = 600000};
    struct way_world *world = *state;

    options.proxy = https_server_url(proxy);
    options.ca_file = https_server_ca(world->server);
    http_client_free(world->client);
    assert_int_equal(http_client_new(&options, &world->client), CKR_OK);
    assert_int_equal(way_world_ask(world, 5000)->failure, HTTP_UNTRUSTED);
    assert_int_equal(https_server_requests(proxy), 0);
    options.ca_file = https_server_ca(proxy);
    http_client_free(world->client);
    assert_int_equal(http_client_new(&options, &world->client), CKR_OK);
    assert_int_equal(way_world_ask(world, 5000)->failure, HTTP_REFUSED);
    assert_int_equal(https_server_requests(proxy), 1);
    https_server_stop(proxy);
}

static void test_proxy_that_is_not_there(void **state)
{
    way_world_open(*state, "http://127.0.0.1:1", 600000);
    assert_int_equal(way_world_ask(*state, 5000)->failure, HTTP_NO_CONNECT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define WAY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        WAY_TEST(test_proxy_of_the_configuration),
        WAY_TEST(test_socks_proxy),
        WAY_TEST(test_proxies_of_the_environment),
        WAY_TEST(test_no_proxy_of_the_environment),
        WAY_TEST(test_none_in_the_configuration_wins),
        WAY_TEST(test_one_in_the_configuration_wins),
        WAY_TEST(test_the_machine_itself_is_asked_directly),
        WAY_TEST(test_ways_do_not_mix),
        WAY_TEST(test_a_set_id_process_has_no_proxy_of_the_environment),
        WAY_TEST(test_proxy_sees_no_token),
        WAY_TEST(test_proxy_refuses),
        WAY_TEST(test_proxy_with_a_password),
        WAY_TEST(test_password_in_a_proxy_that_is_not_understood),
        WAY_TEST(test_proxy_over_tls),
        WAY_TEST(test_proxy_that_is_not_there),
    };
    int failed;

    if (argc == 5 && strcmp(argv[1], "secure") == 0) {
        return ask_as_secure(argv[2], argv[3], argv[4]);
    }
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    unsetenv("http_proxy");
    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_folder_remove();
    return failed;
}
