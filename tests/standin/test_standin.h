/* The parts of the stand-in's test program; each file has one list. */
#ifndef STANDIN_TEST_STANDIN_H
#define STANDIN_TEST_STANDIN_H

#include "tests/standin/test_client.h"

struct test_list {
    const struct CMUnitTest *tests;
    size_t count;
};

extern const struct test_list key_tests, access_tests, page_tests, fault_tests, vault_curl_tests,
    identity_tests, machine_tests, refusal_tests, challenge_tests, quota_tests, door_tests;
extern const struct test_list import_tests, deleted_tests, rotation_tests, backup_tests, oct_tests,
    mhsm_tests, version_tests;

#define TEST_LIST(array)                                                                                     \
    {                                                                                                        \
        array, sizeof array / sizeof *array                                                                  \
    }

#endif
