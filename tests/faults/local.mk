# each fault crossed with each operation, and a fleet of processes, run under tests/with-tokens
noinst_PROGRAMS += tests/faults/faults tests/faults/fleet
tests_faults_shared = \
	tests/faults/faults.h \
	tests/faults/control.c tests/faults/control.h \
	tests/faults/operation.c \
	tests/built_module.h
tests_faults_faults_SOURCES = tests/faults/main.c tests/faults/table.c $(tests_faults_shared)
tests_faults_faults_LDADD = -lpthread
tests_faults_fleet_SOURCES = tests/faults/fleet.c $(tests_faults_shared)
tests_faults_fleet_LDADD =

# They count on calls that end in time, which under a sanitizer 32 handshakes at once do not. There, by hand:
# FAULTS_SECONDS=10 tests/faults/run
if !SANITIZED
check_SCRIPTS += tests/faults/run tests/faults/fleet-of-200
endif
EXTRA_DIST += tests/faults/fleet-of-200 tests/faults/run tests/faults/vault-alone
