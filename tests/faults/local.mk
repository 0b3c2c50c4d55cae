# each fault crossed with each operation, run by tests/faults/run under tests/with-tokens
noinst_PROGRAMS += tests/faults/faults
tests_faults_faults_SOURCES = \
	tests/faults/main.c tests/faults/faults.h \
	tests/faults/operation.c \
	tests/faults/table.c \
	tests/built_module.h
tests_faults_faults_LDADD = -lpthread

check_SCRIPTS += tests/faults/run
EXTRA_DIST += tests/faults/run tests/faults/one
