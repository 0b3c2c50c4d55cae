# the services in whose place our users stand, as programs and timelines: tests/scenarios/run
noinst_PROGRAMS += tests/scenarios/service tests/scenarios/without_module tests/scenarios/bounds
tests_scenarios_service_SOURCES = \
	tests/scenarios/folder.c tests/scenarios/folder.h \
	tests/scenarios/root_key.c tests/scenarios/root_key.h \
	tests/scenarios/service.c \
	tests/scenarios/token.c tests/scenarios/token.h
tests_scenarios_service_LDADD = $(P11KIT_LIBS)
tests_scenarios_without_module_SOURCES = tests/scenarios/without_module.c
tests_scenarios_without_module_LDADD = $(OPENSSL_LIBS)

tests_scenarios_bounds_SOURCES = \
	tests/faults/control.c tests/faults/control.h \
	tests/scenarios/bounds.c tests/scenarios/bounds.h \
	tests/scenarios/bounds_work.c \
	tests/scenarios/bounds_world.c
tests_scenarios_bounds_LDADD = -lpthread

scenarios = \
	tests/scenarios/defender \
	tests/scenarios/deleted-by-mistake \
	tests/scenarios/double-encryption \
	tests/scenarios/hyok \
	tests/scenarios/logic-apps \
	tests/scenarios/storage
check_SCRIPTS += tests/scenarios/run
EXTRA_DIST += $(scenarios) tests/scenarios/run tests/scenarios/timeline
