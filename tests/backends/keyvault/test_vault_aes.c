/* A symmetric key of the service: requests, sizes that are tried, answers that cannot be. */
#include "backends/base/scope.h"
#include "tests/backends/keyvault/vault_world.h"

static const struct key_ref kek = {"octets", NULL};
static const unsigned char zeros[48 * 1024];

struct result {
    struct secret value;
    struct aes_extra extra;
};

static CK_RV ask(struct world *world, const struct aes_task *task, struct result *ret_result)
{
    *ret_result = (struct result){.value = SECRET_INIT};
    return vault_client_aes(&world->client, &kek, task, deadline_in(10000), &ret_result->value,
                            &ret_result->extra, &world->answer);
}

static void expect_asked(struct world *world, const struct aes_task *task, size_t size)
{
    struct result result;

    assert_int_equal(ask(world, task, &result), CKR_OK);
    assert_int_equal(result.value.size, size);
    assert_int_equal(world->answer.verdict, VERDICT_ACCEPTED);
    secret_free(&result.value);
}

static void say_octets(struct world *world, size_t size)
{
    say_value(world, "octets", VERSION, size);
}

static void again(struct world *world)
{
    world->asked = world->step_count = 0;
}

/* --- Requests --- */

static void test_wrap_and_unwrap(void **state)
{
    struct world *world = *state;
    struct aes_task task = {
        .verb = AES_WRAP, .algorithm = AES_KW, .key_bits = 128, .data = bytes_of(zeros, 16)};

    say_octets(world, 24);
    expect_asked(world, &task, 24);
    assert_string_equal(world->path, "/keys/octets/wrapkey?api-version=7.6");
    assert_string_equal(world->body, "{\"alg\":\"A128KW\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAA\"}");
    again(world);
    say_octets(world, 16);
    task = (struct aes_task){
        .verb = AES_UNWRAP, .algorithm = AES_KW, .key_bits = 192, .data = bytes_of(zeros, 24)};
    expect_asked(world, &task, 16);
    assert_string_equal(world->path, "/keys/octets/unwrapkey?api-version=7.6");
    assert_memory_equal(world->body, "{\"alg\":\"A192KW\"", 15);
}

static void test_padded_wrap(void **state)
{
    struct world *world = *state;
    const struct aes_task task = {.verb = AES_WRAP, .algorithm = AES_KWP, .data = bytes_of(zeros, 3)};
    struct result result;

    say_octets(world, 16);
    assert_int_equal(ask(world, &task, &result), CKR_OK);
    assert_int_equal(result.value.size, 16);
    assert_int_equal(result.extra.key_bits, 0); /* its name says nothing of them */
    assert_string_equal(world->body, "{\"alg\":\"CKM_AES_KEY_WRAP_PAD\",\"value\":\"AAAA\"}");
    assert_int_equal(world->asked, 1);
    secret_free(&result.value);
}

static void test_cbc(void **state)
{
    struct world *world = *state;
    struct aes_task task = {.verb = AES_ENCRYPT,
                            .algorithm = AES_CBC_PAD,
                            .key_bits = 256,
                            .data = bytes_of(zeros, 3),
                            .iv = bytes_of("0123456789abcdef", 16)};

    say_octets(world, 16);
    expect_asked(world, &task, 16);
    assert_string_equal(world->path, "/keys/octets/encrypt?api-version=7.6");
    assert_string_equal(world->body,
                        "{\"alg\":\"A256CBCPAD\",\"value\":\"AAAA\",\"iv\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}");
    task.verb = AES_DECRYPT;
    task.algorithm = AES_CBC;
    task.data = bytes_of(zeros, 16);
    expect_asked(world, &task, 16);
    assert_string_equal(world->path, "/keys/octets/decrypt?api-version=7.6");
    assert_memory_equal(world->body, "{\"alg\":\"A256CBC\",", 17);
}

static void test_gcm(void **state)
{
    struct world *world = *state;
    struct aes_task task = {.verb = AES_ENCRYPT,
                            .algorithm = AES_GCM,
                            .key_bits = 256,
                            .data = bytes_of(zeros, 5),
                            .aad = bytes_of("aad", 3)};
    struct result result;

    say_more(world, "octets", VERSION, 5,
             ",\"iv\":\"MDEyMzQ1Njc4OWFi\",\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZg\",\"aad\":\"YWFk\"");
    assert_int_equal(ask(world, &task, &result), CKR_OK);
    assert_int_equal(result.extra.iv_size, 12);
    assert_memory_equal(result.extra.iv, "0123456789ab", 12);
    assert_int_equal(result.extra.tag_size, 16);
    assert_memory_equal(result.extra.tag, "0123456789abcdef", 16);
    assert_int_equal(result.extra.key_bits, 256);
    assert_string_equal(world->body, "{\"alg\":\"A256GCM\",\"value\":\"AAAAAAA\",\"aad\":\"YWFk\"}");
    secret_free(&result.value);
    task.verb = AES_DECRYPT;
    task.iv = bytes_of("0123456789ab", 12);
    task.tag = bytes_of("0123456789abcdef", 16);
    again(world);
    say_octets(world, 5);
    expect_asked(world, &task, 5);
    assert_string_equal(world->body, "{\"alg\":\"A256GCM\",\"value\":\"AAAAAAA\",\"iv\":\"MDEyMzQ1Njc4OWFi\","
                                     "\"aad\":\"YWFk\",\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZg\"}");
}

/* --- Sizes of keys --- */

static void expect_learned(struct world *world, unsigned bits)
{
    const struct aes_task task = {.verb = AES_WRAP, .algorithm = AES_KW, .data = bytes_of(zeros, 16)};
    struct result result;

    again(world);
    for (unsigned wrong = 256; wrong > bits; wrong -= 64) {
        say_refusal(world, 400, "BadParameter", "");
    }
    say_octets(world, 24);
    assert_int_equal(ask(world, &task, &result), CKR_OK);
    assert_int_equal(result.extra.key_bits, bits);
    assert_int_equal(world->asked, (256 - bits) / 64 + 1);
    assert_int_equal(world->answer.tries, world->asked);
    secret_free(&result.value);
}

static void test_the_size_is_learned(void **state)
{
    struct world *world = *state;

    expect_learned(world, 256);
    expect_learned(world, 192);
    expect_learned(world, 128);
    assert_memory_equal(world->body, "{\"alg\":\"A128KW\"", 15);
    expect_log_lines(world, 0);
}

static void expect_bad(struct world *world, enum aes_verb verb, enum aes_algorithm algorithm, CK_RV rv,
                       enum service_verdict verdict)
{
    const struct aes_task task = {
        .verb = verb, .algorithm = algorithm, .data = bytes_of(zeros, 32), .iv = bytes_of(zeros, 16)};
    struct result result;

    again(world);
    say_refusal(world, 400, "BadParameter", "");
    assert_int_equal(ask(world, &task, &result), rv);
    assert_int_equal(world->answer.verdict, verdict);
    assert_int_equal(world->asked, 3);
    assert_null(result.value.data);
}

/* Each has its own word for it, and one line says so. */
static void test_no_size_is_right(void **state)
{
    struct world *world = *state;

    expect_bad(world, AES_WRAP, AES_KW, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, VERDICT_BAD_REQUEST);
    expect_log_lines(world, 1);
    expect_bad(world, AES_UNWRAP, AES_KW, CKR_WRAPPED_KEY_INVALID, VERDICT_BAD_BLOB);
    expect_bad(world, AES_ENCRYPT, AES_CBC, CKR_FUNCTION_FAILED, VERDICT_BAD_REQUEST);
    expect_bad(world, AES_DECRYPT, AES_CBC_PAD, CKR_ENCRYPTED_DATA_INVALID, VERDICT_BAD_BLOB);
    expect_log_lines(world, 4);
}

static void test_a_known_size_is_tried_alone(void **state)
{
    struct world *world = *state;
    const struct aes_task task = {
        .verb = AES_UNWRAP, .algorithm = AES_KW, .key_bits = 256, .data = bytes_of(zeros, 24)};
    struct result result;

    say_refusal(world, 400, "BadParameter", "");
    assert_int_equal(ask(world, &task, &result), CKR_WRAPPED_KEY_INVALID);
    assert_int_equal(world->asked, 1);
    expect_log_lines(world, 1);
}

/* A refusal, or a page by somebody on the way, is no word on the size. */
static void test_other_refusals_end_the_trial(void **state)
{
    struct world *world = *state;
    const struct aes_task task = {.verb = AES_UNWRAP, .algorithm = AES_KW, .data = bytes_of(zeros, 24)};
    struct result result;

    say_refusal(world, 403, "Forbidden", "KeyDisabled");
    assert_int_equal(ask(world, &task, &result), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(world->asked, 1);
    again(world);
    say(world, 400, "<html>Bad Request</html>");
    assert_int_equal(ask(world, &task, &result), CKR_DEVICE_ERROR);
    assert_int_equal(world->asked, 1);
    expect_log_lines(world, 2);
}

/* --- Before anybody is asked --- */

static void test_algorithms_of_later_versions(void **state)
{
    static const struct {
        const char *version;
        CK_RV padded, plain;
    } versions[] = {
        {"7.6", CKR_OK, CKR_OK},
        {"7.6-preview.2", CKR_OK, CKR_OK},
        {"7.10", CKR_OK, CKR_OK},
        {"2026-04-01", CKR_OK, CKR_OK},
        {"7.5", CKR_MECHANISM_INVALID, CKR_OK},
        {"7.2", CKR_MECHANISM_INVALID, CKR_OK},
        {"7.1", CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID},
        {"2016-10-01", CKR_MECHANISM_INVALID, CKR_MECHANISM_INVALID},
    };
    struct world *world = *state;
    struct aes_task task = {.verb = AES_WRAP, .data = bytes_of(zeros, 16)};
    struct result result;

    say_octets(world, 24);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        world->client.api_version = versions[i].version;
        world->asked = 0;
        task.algorithm = AES_KWP;
        assert_int_equal(ask(world, &task, &result), versions[i].padded);
        secret_free(&result.value);
        task.algorithm = AES_KW;
        assert_int_equal(ask(world, &task, &result), versions[i].plain);
        secret_free(&result.value);
        assert_int_equal(world->asked, (versions[i].padded == CKR_OK) + (versions[i].plain == CKR_OK));
    }
    expect_log(world, "CKM_AES_KEY_WRAP_PAD is not known at api-version 7.5");
}

static void test_more_than_the_service_would_take(void **state)
{
    struct world *world = *state;
    struct aes_task task = {.verb = AES_ENCRYPT,
                            .algorithm = AES_CBC,
                            .key_bits = 256,
                            .data = bytes_of(zeros, 32 * 1024 + 16),
                            .iv = bytes_of(zeros, 16)};
    struct result result;

    say_refusal(world, 400, "BadParameter", "");
    assert_int_equal(ask(world, &task, &result), CKR_DATA_LEN_RANGE);
    assert_int_equal(world->asked, 0);
    assert_int_equal(world->answer.verdict, VERDICT_NONE);
    task.data = bytes_of(zeros, 32 * 1024);
    assert_int_equal(ask(world, &task, &result), CKR_FUNCTION_FAILED);
    assert_int_equal(world->asked, 1);
}

/* --- Answers that cannot be --- */

static void expect_length(struct world *world, enum aes_verb verb, enum aes_algorithm algorithm, size_t size,
                          size_t answered, bool good)
{
    const struct aes_task task = {.verb = verb,
                                  .algorithm = algorithm,
                                  .key_bits = 256,
                                  .data = bytes_of(zeros, size),
                                  .iv = bytes_of(zeros, 16)};
    struct result result;

    again(world);
    say_octets(world, answered);
    if (ask(world, &task, &result) != (good ? CKR_OK : CKR_DEVICE_ERROR)) {
        fail_msg("verb %d, algorithm %d, %zu bytes of %zu", verb, algorithm, answered, size);
    }
    assert_int_equal(world->answer.verdict, good ? VERDICT_ACCEPTED : VERDICT_UNREACHABLE);
    secret_free(&result.value);
}

static void test_lengths_of_answers(void **state)
{
    static const struct {
        enum aes_verb verb;
        enum aes_algorithm algorithm;
        size_t size, least, most;
    } all[] = {
        {AES_WRAP, AES_KW, 32, 40, 40},         {AES_UNWRAP, AES_KW, 40, 32, 32},
        {AES_WRAP, AES_KWP, 9, 24, 24},         {AES_WRAP, AES_KWP, 16, 24, 24},
        {AES_UNWRAP, AES_KWP, 24, 9, 16},       {AES_ENCRYPT, AES_CBC, 32, 32, 32},
        {AES_DECRYPT, AES_CBC, 32, 32, 32},     {AES_ENCRYPT, AES_CBC_PAD, 15, 16, 16},
        {AES_ENCRYPT, AES_CBC_PAD, 16, 32, 32}, {AES_ENCRYPT, AES_CBC_PAD, 0, 16, 16},
        {AES_DECRYPT, AES_CBC_PAD, 32, 16, 31}, {AES_DECRYPT, AES_GCM, 7, 7, 7},
        {AES_DECRYPT, AES_CBC_PAD, 16, 0, 15},  {AES_DECRYPT, AES_GCM, 0, 0, 0},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        expect_length(world, all[i].verb, all[i].algorithm, all[i].size, all[i].least, true);
        expect_length(world, all[i].verb, all[i].algorithm, all[i].size, all[i].most, true);
        expect_length(world, all[i].verb, all[i].algorithm, all[i].size, all[i].most + 1, false);
        if (all[i].least != 0) {
            expect_length(world, all[i].verb, all[i].algorithm, all[i].size, all[i].least - 1, false);
        }
    }
}

/* Nobody could decrypt it. */
static void test_gcm_without_iv_or_tag(void **state)
{
    static const char *const more[] = {"",
                                       ",\"iv\":\"MDEyMzQ1Njc4OWFi\"",
                                       ",\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZg\"",
                                       ",\"iv\":\"MDEyMzQ1Njc4OWFiYg\",\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZg\"",
                                       ",\"iv\":\"MDEyMzQ1Njc4OWFi\",\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZgAA\"",
                                       ",\"iv\":7,\"tag\":\"MDEyMzQ1Njc4OWFiY2RlZg\""};
    const struct aes_task task = {
        .verb = AES_ENCRYPT, .algorithm = AES_GCM, .key_bits = 256, .data = bytes_of(zeros, 5)};
    struct world *world = *state;
    struct result result;

    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        again(world);
        say_more(world, "octets", VERSION, 5, more[i]);
        if (ask(world, &task, &result) != CKR_DEVICE_ERROR) {
            fail_msg("taken: %s", more[i]);
        }
    }
}

static void test_an_answer_about_another_key(void **state)
{
    struct world *world = *state;
    const struct aes_task task = {.verb = AES_WRAP, .algorithm = AES_KW, .data = bytes_of(zeros, 16)};
    struct result result;

    say_value(world, "others", VERSION, 24);
    assert_int_equal(ask(world, &task, &result), CKR_DEVICE_ERROR);
    assert_int_equal(world->asked, 1);
    expect_log(world, "another key");
}

/* --- What it was about stays out of the log, whatever comes of it --- */

static const unsigned char dek[] = "the data key";

/* True answers, then answers that are refused, each with the key in it. */
static void ask_in_many_ways(struct world *world, const struct aes_task *task, const char *value)
{
    static const struct {
        unsigned status;
        const char *name, *end;
    } ways[] = {{200, "octets", "}"},
                {200, "others", "}"},
                {200, "octets", ""},
                {400, "octets", "}"},
                {200, "..", "}"}};
    struct result result;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        again(world);
        say(world, ways[i].status, "{\"kid\":\"https://127.0.0.1:%u/keys/%s/" VERSION "\",\"value\":\"%s\"%s",
            https_server_port(world->server), ways[i].name, value, ways[i].end);
        assert_int_equal(ask(world, task, &result) == CKR_OK, i == 0);
        secret_free(&result.value);
    }
}

static void test_nothing_of_it_is_logged(void **state)
{
    struct world *world = *state;
    struct aes_task task = {
        .verb = AES_ENCRYPT, .algorithm = AES_CBC_PAD, .data = bytes_of(dek, 12), .iv = bytes_of(zeros, 16)};

    log_all(world);
    ask_in_many_ways(world, &task, "AAAAAAAAAAAAAAAAAAAAAA");
    task.verb = AES_DECRYPT;
    task.data = bytes_of(zeros, 16);
    ask_in_many_ways(world, &task, "dGhlIGRhdGEga2V5");
    expect_log(world, "decrypt");
    expect_not_logged(world, bytes_of(dek, 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VAULT_TEST(test_wrap_and_unwrap),
        VAULT_TEST(test_padded_wrap),
        VAULT_TEST(test_cbc),
        VAULT_TEST(test_gcm),
        VAULT_TEST(test_the_size_is_learned),
        VAULT_TEST(test_no_size_is_right),
        VAULT_TEST(test_a_known_size_is_tried_alone),
        VAULT_TEST(test_other_refusals_end_the_trial),
        VAULT_TEST(test_algorithms_of_later_versions),
        VAULT_TEST(test_more_than_the_service_would_take),
        VAULT_TEST(test_lengths_of_answers),
        VAULT_TEST(test_gcm_without_iv_or_tag),
        VAULT_TEST(test_an_answer_about_another_key),
        VAULT_TEST(test_nothing_of_it_is_logged),
    };

    return run_vault_tests(tests);
}
