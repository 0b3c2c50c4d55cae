/* Reading records back: what is wrong with a chain is found, what is only odd is said. */
#include "tests/backends/base/base_test.h"

#include "tests/backends/audit/audit_test.h"

enum { LINES = 8, LINE_ROOM = 2048 };

static char lines[LINES][LINE_ROOM]; /* a chain, each with its newline */
static char joined[LINES * LINE_ROOM * 2];

/* A start and seven uses, as this process writes them. */
static int write_chain(void **state)
{
    const char *at;

    (void)state;
    unlink(test_path("audit"));
    audit_begin(test_directory, "audit-file = \"%s/audit\"");
    for (int i = 0; i < LINES - 1; i++) {
        struct audit_use use = audit_a_use();

        use.rv = i == 3 ? CKR_DEVICE_ERROR : CKR_OK;
        use.operation = i % 2 == 0 ? "wrap" : "unwrap";
        assert_int_equal(audit_use(&use), CKR_OK);
    }
    audit_forget();
    at = audit_text(test_path("audit"));
    for (int i = 0; i < LINES; i++) {
        size_t size = strcspn(at, "\n") + 1;

        assert_in_range(size, 2, LINE_ROOM - 1);
        memcpy(lines[i], at, size);
        lines[i][size] = 0;
        at += size;
    }
    assert_string_equal(at, "");
    return 0;
}

/* Lines by their place, '0' to '7'; anything else is text. */
static struct audit_seen read_lines(const char *which)
{
    joined[0] = 0;
    for (; *which != 0; which++) {
        if (*which >= '0' && *which <= '7') {
            strcat(joined, lines[*which - '0']);
        } else {
            strncat(joined, which, 1);
        }
    }
    return audit_read_text(joined, strlen(joined));
}

static void expect_only(const struct audit_seen *seen, enum audit_finding_kind kind, unsigned count)
{
    for (int i = 0; i <= AUDIT_LOST; i++) {
        assert_int_equal(seen->found[i], i == (int)kind ? count : 0);
    }
    assert_int_equal(seen->is_whole, kind == AUDIT_BEGINS_LATER || kind == AUDIT_LOST);
    assert_int_equal(seen->totals.findings == 0, seen->is_whole);
}

static void test_what_was_written_is_whole(void **state)
{
    struct audit_seen seen = read_lines("01234567");

    (void)state;
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, 1);
    assert_int_equal(seen.whole_chains, 1);
    assert_int_equal(seen.totals.records, 8);
    assert_int_equal(seen.totals.uses, 7);
    assert_int_equal(seen.totals.failed_uses, 1);
    assert_int_equal(seen.totals.events, 1);
    assert_int_equal(seen.totals.findings, 0);
}

static void test_an_empty_file_is_whole(void **state)
{
    struct audit_seen seen = read_lines("");

    (void)state;
    assert_true(seen.is_whole);
    assert_int_equal(seen.chains, 0);
}

static void test_one_that_is_missing(void **state)
{
    struct audit_seen seen = read_lines("0124567");

    (void)state;
    expect_only(&seen, AUDIT_MISSING, 1);
    assert_int_equal(seen.last.sequence, 4);
    assert_int_equal(seen.last.count, 1);
    assert_int_equal(seen.last.line, 4);
    assert_int_equal(seen.whole_chains, 0);
}

static void test_several_that_are_missing(void **state)
{
    struct audit_seen seen = read_lines("0167");

    (void)state;
    expect_only(&seen, AUDIT_MISSING, 1);
    assert_int_equal(seen.last.sequence, 3);
    assert_int_equal(seen.last.count, 4);
}

static void test_two_gaps(void **state)
{
    struct audit_seen seen = read_lines("01357");

    (void)state;
    expect_only(&seen, AUDIT_MISSING, 3);
}

static void change(int line, const char *from, const char *to)
{
    char *at = strstr(lines[line], from);

    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void test_one_that_was_changed(void **state)
{
    struct audit_seen seen;

    write_chain(state);
    change(3, "keyvault", "keyfault");
    seen = read_lines("01234567");
    expect_only(&seen, AUDIT_CHANGED, 1);
    assert_int_equal(seen.last.sequence, 5);
}

static void test_one_whose_link_was_changed(void **state)
{
    struct audit_seen seen;
    char *at;

    write_chain(state);
    at = strstr(lines[7], "\"previous\":\"") + 12;
    *at = *at == 'a' ? 'b' : 'a';
    seen = read_lines("01234567");
    expect_only(&seen, AUDIT_CHANGED, 1);
}

static void test_two_that_changed_places(void **state)
{
    struct audit_seen seen = read_lines("01324567");

    (void)state;
    expect_only(&seen, AUDIT_REORDERED, 1);
    assert_int_equal(seen.last.sequence, 3);
}

static void test_one_that_went_far_down(void **state)
{
    struct audit_seen seen = read_lines("01345672");

    (void)state;
    expect_only(&seen, AUDIT_REORDERED, 1);
}

static void test_one_that_is_there_twice(void **state)
{
    struct audit_seen seen = read_lines("012234567");

    (void)state;
    expect_only(&seen, AUDIT_DUPLICATED, 1);
    seen = read_lines("012345671");
    expect_only(&seen, AUDIT_DUPLICATED, 1);
}

static void test_a_file_that_begins_in_the_middle_is_said(void **state)
{
    struct audit_seen seen = read_lines("4567");

    (void)state;
    expect_only(&seen, AUDIT_BEGINS_LATER, 1);
    assert_int_equal(seen.last.sequence, 5);
}

static void test_a_rotated_file_and_the_next_are_one(void **state)
{
    struct audit_report *report = NULL;

    (void)state;
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(audit_report_add(report, bytes_of_text(lines[i])), CKR_OK);
        assert_int_equal(audit_report_end_of_file(report), CKR_OK);
    }
    assert_true(audit_report_end(report));
    assert_int_equal(audit_report_totals(report).records, LINES);
    audit_report_free(report);
}

static void test_a_last_line_that_is_cut_off(void **state)
{
    struct audit_seen seen;
    char text[LINE_ROOM * 3];

    (void)state;
    for (size_t cut = 1; cut < strlen(lines[1]); cut += 97) {
        snprintf(text, sizeof text, "%s%.*s", lines[0], (int)(strlen(lines[1]) - 1 - cut), lines[1]);
        seen = audit_read_text(text, strlen(text));
        expect_only(&seen, AUDIT_CUT_OFF, 1);
        assert_int_equal(seen.totals.records, 1);
        assert_int_equal(seen.last.line, 2);
    }
}

static void test_a_last_line_without_its_newline_counts(void **state)
{
    struct audit_seen seen;
    char text[LINE_ROOM * 3];

    (void)state;
    snprintf(text, sizeof text, "%s%.*s", lines[0], (int)strlen(lines[1]) - 1, lines[1]);
    seen = audit_read_text(text, strlen(text));
    expect_only(&seen, AUDIT_CUT_OFF, 1);
    assert_int_equal(seen.totals.records, 2);
}

static void test_lines_that_are_no_records(void **state)
{
    struct audit_seen seen = read_lines("01rubbish\n{\"time\":\"\"}\n{}\n234567");

    (void)state;
    expect_only(&seen, AUDIT_DAMAGED, 1);
    assert_int_equal(seen.last.line, 3);
    assert_int_equal(seen.last.count, 3);
    assert_int_equal(seen.totals.records, 8);
    assert_int_equal(seen.whole_chains, 1);
}

static void test_a_record_behind_what_is_left_of_another(void **state)
{
    char text[LINE_ROOM * 4];
    struct audit_seen seen;

    (void)state;
    snprintf(text, sizeof text, "%s%.100s%s%s", lines[0], lines[2], lines[1], lines[2]);
    seen = audit_read_text(text, strlen(text));
    expect_only(&seen, AUDIT_DAMAGED, 1);
    assert_int_equal(seen.totals.records, 3);
    assert_int_equal(seen.whole_chains, 1);
}

static void test_what_syslog_puts_before_it(void **state)
{
    char text[LINE_ROOM * 4];
    struct audit_seen seen;

    (void)state;
    snprintf(text, sizeof text, "Nov 23 03:04:05 host app: byok-pkcs11[7] audit: %s", lines[0]);
    seen = audit_read_text(text, strlen(text));
    assert_true(seen.is_whole);
    assert_int_equal(seen.totals.records, 1);
}

static void test_empty_lines_are_nothing(void **state)
{
    struct audit_seen seen = read_lines("\n0\n\n1234567\n");

    (void)state;
    assert_true(seen.is_whole);
}

static void test_a_line_without_end(void **state)
{
    size_t size = 3 * AUDIT_LONGEST_LINE;
    char *text = malloc(size + LINE_ROOM);
    struct audit_seen seen;

    (void)state;
    memset(text, '{', size);
    strcpy(text + size, "\n");
    strcat(text + size, lines[0]);
    seen = audit_read_text(text, strlen(text));
    free(text);
    expect_only(&seen, AUDIT_DAMAGED, 1);
    assert_int_equal(seen.totals.records, 1);
}

static void test_zero_bytes(void **state)
{
    char text[LINE_ROOM];
    struct audit_seen seen;

    (void)state;
    snprintf(text, sizeof text, "%s", lines[0]);
    text[40] = 0;
    seen = audit_read_text(text, strlen(lines[0]));
    expect_only(&seen, AUDIT_DAMAGED, 1);
}

static void test_in_pieces_of_one_byte(void **state)
{
    struct audit_report *report = NULL;

    (void)state;
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    for (int i = 0; i < LINES; i++) {
        for (size_t at = 0; lines[i][at] != 0; at++) {
            assert_int_equal(audit_report_add(report, bytes_of(&lines[i][at], 1)), CKR_OK);
        }
    }
    assert_int_equal(audit_report_end_of_file(report), CKR_OK);
    assert_true(audit_report_end(report));
    assert_int_equal(audit_report_totals(report).records, LINES);
    audit_report_free(report);
}

static void test_a_file_that_is_not_there(void **state)
{
    struct audit_report *report = NULL;

    (void)state;
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    test_logged();
    assert_int_equal(audit_report_read(report, test_path("no-such")), CKR_GENERAL_ERROR);
    assert_logged("No such file");
    audit_report_free(report);
}

static void see_use(void *arg, const struct audit_use_sum *sum)
{
    char *text = arg;

    sprintf(text + strlen(text), "%s %s %s %d %d %s; ", sum->token, sum->key, sum->operation, (int)sum->count,
            (int)sum->failures, sum->last_failure);
    assert_true(strcmp(sum->first, sum->last) <= 0);
    assert_int_equal(strlen(sum->first), strlen("2026-11-23T02:35:16.123Z"));
}

static void see_event(void *arg, const struct audit_event_sum *sum)
{
    char *text = arg;

    sprintf(text + strlen(text), "%s %d; ", sum->event, (int)sum->count);
}

static void test_the_sums(void **state)
{
    struct audit_report *report = NULL;
    char text[1024] = "";

    (void)state;
    assert_int_equal(audit_report_new(NULL, NULL, &report), CKR_OK);
    assert_int_equal(audit_report_read(report, test_path("audit")), CKR_OK);
    audit_report_each_use(report, see_use, text);
    assert_string_equal(text, "vault https://vault/keys/kek/0123 unwrap 3 1 CKR_DEVICE_ERROR; "
                              "vault https://vault/keys/kek/0123 wrap 4 0 ; ");
    text[0] = 0;
    audit_report_each_event(report, see_event, text);
    assert_string_equal(text, "started 1; ");
    audit_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_whole),
        cmocka_unit_test(test_an_empty_file_is_whole),
        cmocka_unit_test(test_one_that_is_missing),
        cmocka_unit_test(test_several_that_are_missing),
        cmocka_unit_test(test_two_gaps),
        cmocka_unit_test(test_two_that_changed_places),
        cmocka_unit_test(test_one_that_went_far_down),
        cmocka_unit_test(test_one_that_is_there_twice),
        cmocka_unit_test(test_a_file_that_begins_in_the_middle_is_said),
        cmocka_unit_test(test_a_rotated_file_and_the_next_are_one),
        cmocka_unit_test(test_a_last_line_that_is_cut_off),
        cmocka_unit_test(test_a_last_line_without_its_newline_counts),
        cmocka_unit_test(test_lines_that_are_no_records),
        cmocka_unit_test(test_a_record_behind_what_is_left_of_another),
        cmocka_unit_test(test_what_syslog_puts_before_it),
        cmocka_unit_test(test_empty_lines_are_nothing),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_in_pieces_of_one_byte),
        cmocka_unit_test(test_a_file_that_is_not_there),
        cmocka_unit_test(test_the_sums),
        cmocka_unit_test_setup(test_one_that_was_changed, write_chain),
        cmocka_unit_test_setup(test_one_whose_link_was_changed, write_chain),
    };

    test_begin(NULL);
    write_chain(NULL);
    return cmocka_run_group_tests(tests, NULL, test_end);
}
