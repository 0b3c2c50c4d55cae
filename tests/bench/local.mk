# what the module costs, beside others that do the same: `make bench`, and whether that still works
noinst_PROGRAMS += tests/bench/bench tests/bench/cold_curl tests/bench/cold_module
tests_bench_bench_LDADD = $(P11KIT_LIBS) $(LIBCURL_LIBS) $(OPENSSL_LIBS) $(CJSON_LIBS) -lm -lpthread
tests_bench_bench_SOURCES = $(standin_runner) \
	tests/bench/apart.c tests/bench/apart.h \
	tests/bench/bench.h \
	tests/bench/client.c tests/bench/client.h \
	tests/bench/cold.c \
	tests/bench/connections.c \
	tests/bench/curl_peer.c tests/bench/curl_peer.h \
	tests/bench/delay.c tests/bench/delay.h \
	tests/bench/growth.c \
	tests/bench/keys.c \
	tests/bench/main.c \
	tests/bench/measure.c tests/bench/measure.h \
	tests/bench/memory.c \
	tests/bench/passing.c \
	tests/bench/requests.c \
	tests/bench/sdk.c tests/bench/sdk.h \
	tests/bench/softhsm.c tests/bench/softhsm.h \
	tests/bench/trials.c \
	tests/bench/unwrap.c \
	tests/bench/world.c tests/bench/world.h \
	tests/bench/wrap.c \
	tests/built_module.h \
	tests/standin/text.c tests/standin/text.h
tests_bench_cold_curl_SOURCES = tests/bench/cold_curl.c
tests_bench_cold_curl_LDADD = $(LIBCURL_LIBS)
tests_bench_cold_module_SOURCES = tests/bench/cold_module.c tests/built_module.h
tests_bench_cold_module_LDADD =

check_PROGRAMS += tests/bench/test_delay
tests_bench_test_delay_SOURCES = tests/bench/test_delay.c tests/bench/delay.c tests/bench/delay.h
tests_bench_test_delay_LDADD = $(CMOCKA_LIBS) -lpthread

# A sanitizer's figures say nothing.
if !SANITIZED
check_SCRIPTS += tests/bench-works
endif
EXTRA_DIST += tests/bench-works tests/bench/js-sdk tests/bench/run

.PHONY: bench
bench: all
	@BUILDDIR='$(abs_top_builddir)' $(top_srcdir)/tests/bench/run $(BENCH)
