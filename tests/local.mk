# The tests mirror the tree. Each program is one room's; it speaks TAP, one line for each fact.
# A test that cannot run here prints "# SKIP why" before it calls skip(): tests/tap-run shows the reason.

EXTRA_DIST += \
	tests/build \
	tests/check \
	tests/contract-both \
	tests/contract-hsm \
	tests/contract-mhsm \
	tests/contract-mhsm-keys \
	tests/contract-vault \
	tests/demo \
	tests/failures-in-words \
	tests/identities \
	tests/signing-in \
	tests/tenant-identities \
	tests/setup \
	tests/tap-run \
	tests/unpack \
	tests/with-mhsm \
	tests/with-tokens
CLEANFILES += build.log check.log

# The key service in memory.
fake_sources = \
	tests/fake_certificates.c \
	tests/fake_key_service.c tests/fake_key_service.h \
	tests/fake_pairs.c tests/fake_pairs.h \
	tests/fake_private.h \
	tests/fake_verbs.c

# Programs that tests run, and that are no tests themselves.
noinst_PROGRAMS = tests/examples/envelope
tests_examples_envelope_SOURCES = tests/examples/envelope.c
tests_examples_envelope_LDADD = $(P11KIT_LIBS)

if WITH_TESTS
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/tap-run
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	BUILDDIR='$(abs_top_builddir)'; export BUILDDIR;

# What a test program is made with, where its folder says nothing else.
AM_CFLAGS += $(CMOCKA_CFLAGS)
LDADD = libbyok.la $(CMOCKA_LIBS)

TESTS += $(check_PROGRAMS) $(check_SCRIPTS)

include tests/backends/audit/local.mk
include tests/backends/base/local.mk
include tests/backends/hsm/local.mk
include tests/backends/keyvault/local.mk
include tests/backends/local.mk
include tests/pkcs11/soft/local.mk
include tests/pkcs11/soft/checks/local.mk
include tests/pkcs11/soft/random/local.mk
include tests/pkcs11/local.mk
include tests/standin/local.mk
include tests/truth/local.mk
include tests/contract/local.mk
include tests/records/local.mk
include tests/fuzz/local.mk
include tests/failures/local.mk
include tests/faults/local.mk
include tests/hammer/local.mk
include tests/consumers/local.mk
include tests/scenarios/local.mk
include tests/tools/local.mk
include tests/bench/local.mk

check_SCRIPTS += tests/identities tests/tenant-identities
endif

# RSA keys that the stand-in has made once.
clean-local:
	rm -rf tests/standin/key-cache
