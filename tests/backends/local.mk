# tests of backends/ itself
audit_test_sources = tests/backends/audit_test.c tests/backends/audit_test.h tests/backends/base/base_test.h

check_PROGRAMS += \
	tests/backends/test_audit \
	tests/backends/test_audit_read \
	tests/backends/test_diagnosis

tests_backends_test_audit_read_SOURCES = tests/backends/test_audit_read.c $(audit_test_sources)
tests_backends_test_audit_SOURCES = tests/backends/test_audit.c $(audit_test_sources)
tests_backends_test_diagnosis_SOURCES = tests/backends/test_diagnosis.c tests/backends/base/base_test.h
