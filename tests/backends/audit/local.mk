# tests of backends/audit/; the token above an HSM's is tested in tests/backends/hsm/
audit_test_sources = \
	tests/backends/audit/audit_test.c tests/backends/audit/audit_test.h tests/backends/base/base_test.h

check_PROGRAMS += \
	tests/backends/audit/test_audit \
	tests/backends/audit/test_audit_file \
	tests/backends/audit/test_audit_read

tests_backends_audit_test_audit_SOURCES = \
	tests/backends/audit/test_audit.c tests/backends/audit/audit_file_test.h $(audit_test_sources)
tests_backends_audit_test_audit_file_SOURCES = \
	tests/backends/audit/test_audit_file.c tests/backends/audit/audit_file_test.h $(audit_test_sources)
tests_backends_audit_test_audit_read_SOURCES = tests/backends/audit/test_audit_read.c $(audit_test_sources)
