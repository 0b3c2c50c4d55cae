# What an application's uses of keys leave on record, end to end.
noinst_PROGRAMS += tests/records/both
tests_records_both_SOURCES = tests/records/both.c \
	tests/backends/audit/audit_test.c tests/backends/audit/audit_test.h tests/backends/base/base_test.h tests/built_module.h

check_SCRIPTS += tests/records-both
EXTRA_DIST += tests/records-both
