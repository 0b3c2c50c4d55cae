/* Random bytes: 128 at a time, and no others than were asked for. */
#include "tests/backends/keyvault/vault_world.h"

static void say_random(struct world *world, size_t size)
{
    char value[1024] = "";

    memset(value, 'A', (size * 4 + 2) / 3);
    say(world, 200, "{\"value\":\"%s\"}", value);
}

static CK_RV draw(struct world *world, unsigned char *data, size_t size)
{
    memset(data, 0x55, 400);
    return vault_client_random(&world->client, data, size, deadline_in(10000), &world->answer);
}

/* All of them came, and nothing behind them was touched. */
static void expect_drawn(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < 400; i++) {
        assert_int_equal(data[i], i < size ? 0 : 0x55);
    }
}

static void test_request(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 20);
    assert_int_equal(draw(world, data, 20), CKR_OK);
    expect_drawn(data, 20);
    assert_string_equal(world->method, "POST");
    assert_string_equal(world->path, "/rng?api-version=7.6");
    assert_string_equal(world->body, "{\"count\":20}");
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
}

static void test_many_take_several_requests(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 128);
    say_random(world, 128);
    say_random(world, 1);
    assert_int_equal(draw(world, data, 257), CKR_OK);
    expect_drawn(data, 257);
    assert_int_equal(world->asked, 3);
    assert_string_equal(world->body, "{\"count\":1}");
    assert_int_equal(world->answer.tries, 3);
}

static void test_128_take_one(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 128);
    assert_int_equal(draw(world, data, 128), CKR_OK);
    expect_drawn(data, 128);
    assert_int_equal(world->asked, 1);
}

static void test_none_take_none(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 1);
    assert_int_equal(draw(world, data, 0), CKR_OK);
    expect_drawn(data, 0);
    assert_int_equal(world->asked, 0);
    assert_int_equal(world->answer.verdict, VERDICT_NONE);
}

static void test_another_number_than_asked_for(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 19);
    say_random(world, 21);
    say(world, 200, "{\"value\":7}");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(draw(world, data, 20), CKR_DEVICE_ERROR);
        assert_int_equal(world->answer.verdict, VERDICT_UNREACHABLE);
    }
    expect_log_lines(world, 3);
    expect_log(world, "rng of random bytes in https://127.0.0.1");
}

/* What came before the failure is not left where nobody expects random bytes. */
static void test_a_failure_on_the_way(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_random(world, 128);
    say_refusal(world, 403, "AccessDenied", "");
    assert_int_equal(draw(world, data, 256), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(world->answer.verdict, VERDICT_REFUSED);
    expect_drawn(data, 256);
    expect_log(world, "it takes a role with the action rng/action");
    expect_log(world, "Managed HSM Crypto User");
    expect_log_lines(world, 1);
}

static void test_a_store_without_generator(void **state)
{
    struct world *world = *state;
    unsigned char data[400];

    say_refusal(world, 404, "ResourceNotFound", "");
    assert_int_equal(draw(world, data, 1), CKR_DEVICE_ERROR);
    expect_log(world, "Only a Managed HSM");
}

static void test_nothing_of_it_is_logged(void **state)
{
    static const char bytes[] = "Hx4Tn9Vq2Lb7";
    struct world *world = *state;
    unsigned char data[400];

    log_all(world);
    say(world, 200, "{\"value\":\"SHg0VG45VnEyTGI3\"}");
    assert_int_equal(draw(world, data, 12), CKR_OK);
    assert_memory_equal(data, bytes, 12);
    assert_int_equal(draw(world, data, 13), CKR_DEVICE_ERROR);
    expect_log(world, "rng: try 1: status 200");
    expect_not_logged(world, bytes_of(bytes, 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_request),
        VAULT_TEST(test_many_take_several_requests),
        VAULT_TEST(test_128_take_one),
        VAULT_TEST(test_none_take_none),
        VAULT_TEST(test_another_number_than_asked_for),
        VAULT_TEST(test_a_failure_on_the_way),
        VAULT_TEST(test_a_store_without_generator),
        VAULT_TEST(test_nothing_of_it_is_logged),
    };

    return run_vault_tests(tests);
}
