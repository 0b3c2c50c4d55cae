# random calls: over soft tokens by itself, over both tokens of the built module by tests/hammer-module
check_PROGRAMS += tests/hammer/hammer
tests_hammer_hammer_SOURCES = \
	$(fake_sources) \
	tests/hammer/calls.c \
	tests/hammer/hammer.c tests/hammer/hammer.h \
	tests/hammer/work.c

check_SCRIPTS += tests/hammer-module
EXTRA_DIST += tests/hammer-module

noinst_PROGRAMS += tests/hammer/life
tests_hammer_life_SOURCES = tests/built_module.h tests/hammer/life.c
tests_hammer_life_CFLAGS = $(AM_CFLAGS)
tests_hammer_life_LDADD = -lpthread

check_SCRIPTS += tests/hammer-life
EXTRA_DIST += tests/hammer-life

memory_test_sources = \
	tests/built_module.h \
	tests/hammer/data_key.c tests/hammer/data_key.h \
	tests/hammer/memory.c tests/hammer/memory.h

# Bound at once (-z now): the dynamic linker would save registers, with what is left in them, on the stack.
noinst_PROGRAMS += tests/hammer/secrets
tests_hammer_secrets_SOURCES = tests/hammer/secrets.c $(memory_test_sources)
tests_hammer_secrets_LDFLAGS = $(AM_LDFLAGS) -Wl,-z,now
tests_hammer_secrets_LDADD = $(CMOCKA_LIBS)

noinst_PROGRAMS += tests/hammer/closed
tests_hammer_closed_SOURCES = tests/hammer/closed.c $(memory_test_sources)
tests_hammer_closed_LDFLAGS = $(AM_LDFLAGS) -Wl,-z,now
tests_hammer_closed_LDADD = $(CMOCKA_LIBS)

# A sanitizer's own memory is too large to look through.
EXTRA_DIST += tests/hammer-closed tests/hammer-secrets
if !SANITIZED
check_SCRIPTS += tests/hammer-closed tests/hammer-secrets
endif
