/* Blobs of all versions opened by many threads at once: what that costs the service, and what is told once. */
#include "tests/pkcs11/soft/version_test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 10, VERSIONS = 3, EACH = 4, BLOBS = VERSIONS * EACH, PATIENCE = 60 * 1000 };

static struct bytes blobs[THREADS][BLOBS];
static unsigned made_by[BLOBS];
static char names[VERSIONS + 1][KEY_VERSION_SIZE];
static unsigned rounds;
static CK_OBJECT_HANDLE kek;
static atomic_uint wrong, opened;

static bool opens(struct token_session *in, struct bytes blob, const char *version)
{
    CK_ATTRIBUTE template[] = {ATTRIBUTE(CKA_CLASS, secret_class), ATTRIBUTE(CKA_KEY_TYPE, aes_type)};
    char told[KEY_VERSION_SIZE] = "";
    CK_ATTRIBUTE attribute = {CKA_BYOK_KEY_VERSION, told, sizeof told - 1};
    unsigned char copy[512];
    CK_OBJECT_HANDLE key;

    memcpy(copy, blob.data, blob.size);
    return token->ops->unwrap_key(in, &oaep_sha256, kek, copy, blob.size, template, COUNT(template), &key) ==
               CKR_OK &&
           token->ops->get_attribute_value(in, key, &attribute, 1) == CKR_OK && strcmp(told, version) == 0 &&
           token->ops->destroy_object(in, key) == CKR_OK;
}

static void *replay(void *arg)
{
    const struct bytes *mine = arg;
    struct token_session *in = NULL;

    if (token->ops->open_session(token, CKF_SERIAL_SESSION, NULL, NULL, &in) != CKR_OK) {
        atomic_fetch_add(&wrong, 1);
        return NULL;
    }
    for (unsigned i = 0; i < rounds * BLOBS; i++) {
        unsigned at = (i * 5 + (unsigned)(mine - blobs[0])) % BLOBS; /* each thread in another order */

        atomic_fetch_add(opens(in, mine[at], names[made_by[at]]) ? &opened : &wrong, 1);
    }
    token->ops->close_session(in);
    return NULL;
}

static void begin(void)
{
    versions_of_kek(VERSIONS, 2048);
    soft_open("    refresh = 1d");
    fake->timeout = PATIENCE;
    kek = the(CKO_PRIVATE_KEY, "kek");
    for (unsigned i = 0; i < VERSIONS; i++) {
        memcpy(names[i], version_name(i), KEY_VERSION_SIZE);
    }
    wrong = 0;
}

static void run(void)
{
    pthread_t threads[THREADS];

    opened = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, replay, blobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(opened, THREADS * rounds * BLOBS);
}

/* All threads the same, of all versions in turn. */
static void share_blobs(void)
{
    for (unsigned at = 0; at < BLOBS; at++) {
        made_by[at] = at % VERSIONS;
        blobs[0][at] = blob_of(made_by[at]);
        for (unsigned i = 1; i < THREADS; i++) {
            blobs[i][at] = blobs[0][at];
        }
    }
}

static void test_a_replay_of_what_was_seen_costs_one_request_each(void **state)
{
    (void)state;
    begin();
    share_blobs();
    for (unsigned at = 0; at < BLOBS; at++) {
        assert_opened_by(blobs[0][at], made_by[at]);
    }
    assert_int_equal(listings(), 1);
    (void)unwraps();
    rounds = ROUNDS;
    run();
    assert_int_equal(unwraps(), THREADS * ROUNDS * BLOBS);
    assert_int_equal(listings() + fake_count(fake, FAKE_GET), 0);
}

/* Each thread blobs of its own: what is seen first costs trials, and one listing for all. */
static void test_what_is_not_seen_yet_costs_one_listing(void **state)
{
    (void)state;
    begin();
    for (unsigned at = 0; at < BLOBS; at++) {
        made_by[at] = at == 0 ? 0 : VERSIONS - 1; /* which are no trials */
        for (unsigned i = 0; i < THREADS; i++) {
            blobs[i][at] = blob_of(made_by[at]);
        }
    }
    rounds = 1;
    run();
    assert_int_equal(listings(), 1);
    (void)unwraps();
    run();
    assert_int_equal(unwraps(), THREADS * BLOBS);
}

static void test_a_roll_that_all_threads_see_is_told_once(void **state)
{
    (void)state;
    begin();
    assert_opened_by(blob_of(VERSIONS - 1), VERSIONS - 1);
    fake_add(fake, "kek", 2048);
    memcpy(names[VERSIONS], version_name(VERSIONS), KEY_VERSION_SIZE);
    for (unsigned at = 0; at < BLOBS; at++) {
        made_by[at] = VERSIONS;
        for (unsigned i = 0; i < THREADS; i++) {
            blobs[i][at] = blob_of(made_by[at]);
        }
    }
    assert_int_equal(lines_with("is the latest and in use now"), 0);
    rounds = 1;
    run();
    assert_int_equal(lines_with("is the latest and in use now"), 1);
    assert_int_equal(lines_with(names[VERSIONS]), 1);
    assert_string_equal(version_told(kek), names[VERSIONS]);
    assert_int_equal(fake_count(fake, FAKE_UNWRAP), 1 + THREADS * BLOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_versions(test_a_replay_of_what_was_seen_costs_one_request_each),
        with_versions(test_what_is_not_seen_yet_costs_one_listing),
        with_versions(test_a_roll_that_all_threads_see_is_told_once),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
