/* One file of records in the folder of the test, new for each; what test_audit.c and test_audit_file.c share. */
#ifndef BYOK_TESTS_AUDIT_FILE_TEST_H
#define BYOK_TESTS_AUDIT_FILE_TEST_H

#include "tests/backends/base/base_test.h"

#include "tests/backends/audit/audit_test.h"

#define AUDIT_TO_FILE "audit-file = \"%s/audit\"\n"

static const char *audit_file_path(void)
{
    return test_path("audit");
}

/* cmocka's set-up. */
static int audit_begin_anew(void **state)
{
    (void)state;
    audit_forget();
    unlink(audit_file_path());
    unlink(test_path("audit.1"));
    test_logged();
    return 0;
}

#endif
