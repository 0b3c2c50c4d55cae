# tests of backends/hsm/: over a fake module of which each test loads a copy, and over SoftHSM
check_LTLIBRARIES += tests/backends/hsm/fake_hsm.la
tests_backends_hsm_fake_hsm_la_SOURCES = \
	tests/backends/hsm/fake_hsm.c tests/backends/hsm/fake_hsm.h \
	tests/backends/hsm/fake_keys.c
tests_backends_hsm_fake_hsm_la_LIBADD = -lpthread
# -rpath has libtool make a shared library of what is never installed.
tests_backends_hsm_fake_hsm_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere

hsm_test_cflags = $(AM_CFLAGS) \
	-DFAKE_HSM='"$(abs_top_builddir)/tests/backends/hsm/.libs/fake_hsm.so"' \
	-DMAKE_TOKEN='"$(abs_top_srcdir)/softhsm-conf/make-token"'
hsm_test_bench = \
	tests/backends/hsm/fake_bench.c tests/backends/hsm/fake_bench.h \
	tests/backends/hsm/workbench.c tests/backends/hsm/workbench.h

hsm_test_softhsm = \
	tests/backends/hsm/softhsm_bench.c tests/backends/hsm/softhsm_bench.h \
	tests/backends/hsm/workbench.c tests/backends/hsm/workbench.h

check_PROGRAMS += \
	tests/backends/hsm/test_audit_token \
	tests/backends/hsm/test_hsm_absence \
	tests/backends/hsm/test_hsm_compose \
	tests/backends/hsm/test_hsm_diagnose \
	tests/backends/hsm/test_hsm_differential \
	tests/backends/hsm/test_hsm_inside \
	tests/backends/hsm/test_hsm_login \
	tests/backends/hsm/test_hsm_mechanism \
	tests/backends/hsm/test_hsm_module \
	tests/backends/hsm/test_hsm_pass \
	tests/backends/hsm/test_hsm_softhsm \
	tests/backends/hsm/test_hsm_tpm \
	tests/backends/hsm/test_hsm_uri \
	tests/backends/hsm/test_policy_softhsm \
	tests/backends/hsm/test_policy_token
tests_backends_hsm_test_audit_token_SOURCES = \
	tests/backends/hsm/test_audit_token.c $(hsm_test_bench) $(audit_test_sources)
tests_backends_hsm_test_audit_token_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_absence_SOURCES = tests/backends/hsm/test_hsm_absence.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_absence_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_compose_SOURCES = tests/backends/hsm/test_hsm_compose.c $(hsm_test_softhsm)
tests_backends_hsm_test_hsm_compose_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_diagnose_SOURCES = tests/backends/hsm/test_hsm_diagnose.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_diagnose_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_differential_SOURCES = \
	tests/backends/hsm/differential.h tests/backends/hsm/differential_calls.c \
	tests/backends/hsm/test_hsm_differential.c $(hsm_test_softhsm)
tests_backends_hsm_test_hsm_differential_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_inside_SOURCES = tests/backends/hsm/test_hsm_inside.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_inside_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_login_SOURCES = tests/backends/hsm/test_hsm_login.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_login_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_mechanism_SOURCES = tests/backends/hsm/test_hsm_mechanism.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_mechanism_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_module_SOURCES = tests/backends/hsm/test_hsm_module.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_module_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_pass_SOURCES = tests/backends/hsm/test_hsm_pass.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_pass_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_softhsm_SOURCES = tests/backends/hsm/test_hsm_softhsm.c $(hsm_test_softhsm)
tests_backends_hsm_test_hsm_softhsm_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_tpm_SOURCES = \
	tests/backends/hsm/test_hsm_tpm.c \
	tests/backends/hsm/workbench.c tests/backends/hsm/workbench.h
tests_backends_hsm_test_hsm_tpm_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_hsm_uri_SOURCES = tests/backends/hsm/test_hsm_uri.c $(hsm_test_bench)
tests_backends_hsm_test_hsm_uri_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_policy_softhsm_SOURCES = tests/backends/hsm/test_policy_softhsm.c $(hsm_test_softhsm)
tests_backends_hsm_test_policy_softhsm_CFLAGS = $(hsm_test_cflags)
tests_backends_hsm_test_policy_token_SOURCES = tests/backends/hsm/test_policy_token.c $(hsm_test_bench)
tests_backends_hsm_test_policy_token_CFLAGS = $(hsm_test_cflags)
