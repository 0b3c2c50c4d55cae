/* A file of records, in two pieces. */
#include "backends/audit/audit_read.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t failures;

static void found(void *arg, const struct audit_finding *finding)
{
    (void)arg;
    failures += finding->is_failure;
    if (finding->text == NULL || finding->chain == NULL) {
        abort();
    }
}

static void see_use(void *arg, const struct audit_use_sum *sum)
{
    uint64_t *uses = arg;

    if (sum->failures > sum->count || sum->count == 0) {
        abort();
    }
    *uses += sum->count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_report *report = NULL;
    size_t first = size == 0 ? 0 : data[0] % size;
    uint64_t uses = 0;
    bool whole;

    failures = 0;
    if (audit_report_new(found, NULL, &report) != CKR_OK ||
        audit_report_add(report, bytes_of(data, first)) != CKR_OK ||
        audit_report_add(report, bytes_of(data + first, size - first)) != CKR_OK ||
        audit_report_end_of_file(report) != CKR_OK) {
        abort();
    }
    whole = audit_report_end(report);
    audit_report_each_use(report, see_use, &uses);
    if (whole != (failures == 0) || uses > audit_report_totals(report).uses) {
        abort();
    }
    audit_report_free(report);
    return 0;
}
