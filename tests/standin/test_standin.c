/* Holds the stand-in vault to what is known of the service, with a client of its own. */
#include "tests/standin/test_standin.h"
#include "tests/standin/text.h"
#include <curl/curl.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return standin_run(&standin) ? 0 : -1;
}

static int end(void **state)
{
    bool good;

    (void)state;
    forget_token();
    good = standin_end(&standin);
    curl_global_cleanup();
    return good ? 0 : -1;
}

int main(void)
{
    const struct test_list *const lists[] = {
        &key_tests,     &access_tests,   &page_tests,      &fault_tests, &vault_curl_tests, &identity_tests,
        &machine_tests, &refusal_tests,  &challenge_tests, &quota_tests, &door_tests,       &import_tests,
        &deleted_tests, &rotation_tests, &backup_tests,    &oct_tests,   &mhsm_tests,       &version_tests};
    struct CMUnitTest *all;
    size_t count = 0;
    int failed;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        count += lists[i]->count;
    }
    all = need(calloc(count, sizeof *all));
    count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        memcpy(all + count, lists[i]->tests, lists[i]->count * sizeof *all);
        count += lists[i]->count;
    }
    failed = _cmocka_run_group_tests("standin", all, count, start, end);
    free(all);
    return failed;
}
