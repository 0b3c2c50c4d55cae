/* One asks for all; the others wait, but not for ever. */
#include "backends/base/ask_once.h"
#include "tests/backends/base/base_test.h"
#include <unistd.h>

enum { THREADS = 8 };

static struct {
    pthread_mutex_t lock;
    struct ask_once asking;
    int asked, shared;
    bool there;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .asking = ASK_ONCE_INIT};

/* What every user of ask_once does. */
static CK_RV get(struct deadline deadline, CK_RV outcome)
{
    CK_RV rv = CKR_OK;

    pthread_mutex_lock(&all.lock);
    if (!all.there && ask_once_join(&all.asking, &all.lock, deadline, &rv)) {
        pthread_mutex_unlock(&all.lock);
        usleep(50 * 1000);
        pthread_mutex_lock(&all.lock);
        all.asked++;
        all.there = outcome == CKR_OK;
        ask_once_answer(&all.asking, outcome);
        rv = outcome;
    } else {
        all.shared++;
    }
    pthread_mutex_unlock(&all.lock);
    return rv;
}

static void *get_ok(void *arg)
{
    *(CK_RV *)arg = get(deadline_in(10 * 1000), CKR_OK);
    return NULL;
}

static void test_one_asks_and_the_others_share_the_answer(void **state)
{
    CK_RV results[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    all.there = false;
    all.asked = all.shared = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, get_ok, &results[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], CKR_OK);
    }
    assert_int_equal(all.asked, 1);
    assert_int_equal(all.shared, THREADS - 1);
}

static void test_after_a_failure_the_next_one_asks_again(void **state)
{
    (void)state;
    all.there = false;
    all.asked = 0;
    assert_int_equal(get(deadline_in(1000), CKR_DEVICE_ERROR), CKR_DEVICE_ERROR);
    assert_int_equal(get(deadline_in(1000), CKR_OK), CKR_OK);
    assert_int_equal(all.asked, 2);
}

static void test_who_waits_gives_up_at_its_deadline(void **state)
{
    CK_RV rv = CKR_OK;

    (void)state;
    pthread_mutex_lock(&all.lock);
    assert_true(ask_once_join(&all.asking, &all.lock, deadline_in(1000), &rv));
    assert_false(ask_once_join(&all.asking, &all.lock, deadline_in(20), &rv));
    assert_int_equal(rv, CKR_DEVICE_ERROR);
    ask_once_answer(&all.asking, CKR_OK);
    pthread_mutex_unlock(&all.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_asks_and_the_others_share_the_answer),
        cmocka_unit_test(test_after_a_failure_the_next_one_asks_again),
        cmocka_unit_test(test_who_waits_gives_up_at_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
