#include "backends/base/handle.h"
#include "tests/backends/base/base_test.h"
#include <pthread.h>

/* A thing that knows whether it was released. */
struct thing {
    atomic_uint released;
    atomic_uint users;
};

static struct handle_table table;

static void release(void *arg)
{
    struct thing *thing = arg;

    assert_int_equal(atomic_load(&thing->users), 0);
    atomic_fetch_add(&thing->released, 1);
}

static int set_up(void **state)
{
    (void)state;
    handle_table_init(&table, 0, release);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    handle_table_done(&table);
    return 0;
}

static CK_ULONG add(struct thing *thing)
{
    CK_ULONG handle = 0;

    assert_int_equal(handle_add(&table, thing, &handle), CKR_OK);
    assert_int_not_equal(handle, 0);
    return handle;
}

static void test_enter_finds_the_thing(void **state)
{
    struct thing thing = {0};
    CK_ULONG handle = add(&thing);

    (void)state;
    assert_ptr_equal(handle_enter(&table, handle), &thing);
    handle_leave(&table, handle);
    assert_int_equal(thing.released, 0);
    assert_true(handle_close(&table, handle));
    assert_int_equal(thing.released, 1);
}

static void test_unknown_handles_find_nothing(void **state)
{
    struct thing thing = {0};
    CK_ULONG handle = add(&thing), bit;

    (void)state;
    assert_null(handle_enter(&table, 0));
    assert_null(handle_enter(&table, ~(CK_ULONG)0));
    for (bit = 0; bit < 64; bit++) {
        assert_null(handle_enter(&table, handle ^ (CK_ULONG)1 << bit));
        assert_false(handle_close(&table, handle ^ (CK_ULONG)1 << bit));
    }
    assert_true(handle_close(&table, handle));
}

static void test_a_closed_handle_is_unknown(void **state)
{
    struct thing thing = {0};
    CK_ULONG handle = add(&thing);

    (void)state;
    assert_true(handle_close(&table, handle));
    assert_null(handle_enter(&table, handle));
    assert_false(handle_close(&table, handle));
    assert_int_equal(thing.released, 1);
}

static void test_closed_in_use_is_released_by_the_last(void **state)
{
    struct thing thing = {0};
    CK_ULONG handle = add(&thing);

    (void)state;
    assert_non_null(handle_enter(&table, handle));
    assert_non_null(handle_enter(&table, handle));
    assert_true(handle_close(&table, handle));
    assert_null(handle_enter(&table, handle));
    handle_leave(&table, handle);
    assert_int_equal(thing.released, 0);
    handle_leave(&table, handle);
    assert_int_equal(thing.released, 1);
}

static void test_no_handle_comes_twice(void **state)
{
    struct thing thing = {0};
    CK_ULONG first = add(&thing), last = first;
    size_t at;

    (void)state;
    for (at = 0; at < 1000; at++) {
        CK_ULONG handle;

        assert_true(handle_close(&table, last));
        handle = add(&thing);
        assert_int_not_equal(handle, last);
        assert_null(handle_enter(&table, last));
        assert_null(handle_enter(&table, first));
        last = handle;
    }
    assert_int_equal(table.made, 1); /* the place is the same each time */
    assert_true(handle_close(&table, last));
}

static void test_many_at_once(void **state)
{
    enum { MANY = 3000 };
    static struct thing things[MANY];
    static CK_ULONG handles[MANY];
    size_t at;

    (void)state;
    for (at = 0; at < MANY; at++) {
        handles[at] = add(&things[at]);
    }
    for (at = 0; at < MANY; at++) {
        assert_ptr_equal(handle_enter(&table, handles[at]), &things[at]);
        handle_leave(&table, handles[at]);
        assert_true(handle_close(&table, handles[at]));
        assert_int_equal(things[at].released, 1);
    }
}

static void test_tagged_handles_belong_to_their_table(void **state)
{
    static struct handle_table other;
    struct thing thing = {0};
    CK_ULONG handle, foreign = add(&thing);

    (void)state;
    handle_table_init(&other, (CK_ULONG)1 << 62, release);
    assert_int_equal(handle_add(&other, &thing, &handle), CKR_OK);
    assert_int_not_equal(handle & (CK_ULONG)1 << 62, 0);
    assert_null(handle_enter(&table, handle));
    assert_null(handle_enter(&other, foreign));
    assert_true(handle_close(&other, handle));
    assert_true(handle_close(&table, foreign));
    handle_table_done(&other);
}

static bool close_it(CK_ULONG handle, void *thing, void *arg)
{
    size_t *left = arg;

    assert_int_equal(((struct thing *)thing)->released, 0);
    assert_true(handle_close(&table, handle));
    assert_int_equal(((struct thing *)thing)->released, 0);
    return --*left != 0;
}

static void test_each_visits_what_is_open(void **state)
{
    struct thing things[4] = {{0}};
    CK_ULONG handles[4];
    size_t at, left = 2;

    (void)state;
    for (at = 0; at < 4; at++) {
        handles[at] = add(&things[at]);
    }
    assert_true(handle_close(&table, handles[1]));
    handle_each(&table, close_it, &left);
    assert_int_equal(things[0].released, 1);
    assert_int_equal(things[2].released, 1);
    assert_int_equal(things[3].released, 0); /* the visit was ended */
    left = 100;
    handle_each(&table, close_it, &left);
    assert_int_equal(left, 99);
    assert_int_equal(things[3].released, 1);
}

static void test_each_of_nothing(void **state)
{
    size_t left = 1;

    (void)state;
    handle_each(&table, close_it, &left);
    assert_int_equal(left, 1);
}

/* --- Threads: a handle that all know is opened and closed while all use it. --- */

enum { THREADS = 4, ROUNDS = 3000 };

static _Atomic CK_ULONG shared_handle;
static atomic_uint wrong, closed;

static void *use_and_close(void *arg)
{
    size_t round;

    for (round = 0; round < ROUNDS; round++) {
        CK_ULONG handle = atomic_load(&shared_handle);
        struct thing *thing = handle_enter(&table, handle);

        if (thing != NULL) {
            atomic_fetch_add(&thing->users, 1);
            atomic_fetch_add(&wrong, atomic_load(&thing->released) != 0);
            atomic_fetch_sub(&thing->users, 1);
            handle_leave(&table, handle);
        }
        if (arg != NULL && handle_close(&table, handle)) {
            struct thing *fresh = calloc(1, sizeof *fresh);
            CK_ULONG next;

            atomic_fetch_add(&closed, 1);
            if (handle_add(&table, fresh, &next) != CKR_OK) {
                atomic_fetch_add(&wrong, 1);
            }
            atomic_store(&shared_handle, next);
        }
    }
    return NULL;
}

static atomic_uint freed;

static void release_for_good(void *arg)
{
    struct thing *thing = arg;

    atomic_fetch_add(&wrong, atomic_load(&thing->users) != 0 || atomic_fetch_add(&thing->released, 1) != 0);
    atomic_fetch_add(&freed, 1);
    free(thing);
}

static void test_threads_use_and_close(void **state)
{
    pthread_t threads[THREADS];
    CK_ULONG handle;
    size_t at;

    (void)state;
    table.release = release_for_good;
    assert_int_equal(handle_add(&table, calloc(1, sizeof(struct thing)), &handle), CKR_OK);
    atomic_store(&shared_handle, handle);
    for (at = 0; at < THREADS; at++) {
        void *closes = at % 2 == 0 ? &table : NULL;

        assert_int_equal(pthread_create(&threads[at], NULL, use_and_close, closes), 0);
    }
    for (at = 0; at < THREADS; at++) {
        assert_int_equal(pthread_join(threads[at], NULL), 0);
    }
    assert_true(handle_close(&table, atomic_load(&shared_handle)));
    assert_int_equal(wrong, 0);
    assert_true(closed > 0);
    assert_int_equal(freed, closed + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_enter_finds_the_thing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_handles_find_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_closed_handle_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_in_use_is_released_by_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_handle_comes_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tagged_handles_belong_to_their_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_visits_what_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_of_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_use_and_close, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
