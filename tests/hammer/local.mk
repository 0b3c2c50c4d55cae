# random calls: over soft tokens by itself, over both tokens of the built module by tests/hammer-module
check_PROGRAMS += tests/hammer/hammer
tests_hammer_hammer_SOURCES = \
	tests/fake_key_service.c tests/fake_key_service.h \
	tests/hammer/calls.c \
	tests/hammer/hammer.c tests/hammer/hammer.h \
	tests/hammer/work.c
tests_hammer_hammer_CFLAGS = $(test_cflags)
tests_hammer_hammer_LDADD = $(test_ldadd)

check_SCRIPTS += tests/hammer-module
EXTRA_DIST += tests/hammer-module

noinst_PROGRAMS += tests/hammer/life
tests_hammer_life_SOURCES = tests/built_module.h tests/hammer/life.c
tests_hammer_life_CFLAGS = $(AM_CFLAGS)
tests_hammer_life_LDADD = -lpthread

check_SCRIPTS += tests/hammer-life
EXTRA_DIST += tests/hammer-life
