# what the module costs, beside others that do the same: `make bench`, and whether that still works
bench_sources = \
	tests/bench/bench.h \
	tests/bench/client.c tests/bench/client.h \
	tests/bench/curl_peer.c tests/bench/curl_peer.h \
	tests/bench/delay.c tests/bench/delay.h \
	tests/bench/main.c \
	tests/bench/measure.c tests/bench/measure.h \
	tests/bench/trials.c \
	tests/bench/unwrap.c \
	tests/bench/world.c tests/bench/world.h

noinst_PROGRAMS += tests/bench/bench
tests_bench_bench_SOURCES = $(bench_sources) $(standin_runner) \
	tests/built_module.h \
	tests/standin/text.c tests/standin/text.h
tests_bench_bench_LDADD = $(LIBCURL_LIBS) $(OPENSSL_LIBS) $(CJSON_LIBS) -lpthread

check_PROGRAMS += tests/bench/test_delay
tests_bench_test_delay_SOURCES = tests/bench/test_delay.c tests/bench/delay.c tests/bench/delay.h
tests_bench_test_delay_LDADD = $(CMOCKA_LIBS) -lpthread

check_SCRIPTS += tests/bench-works
EXTRA_DIST += tests/bench-works tests/bench/run

.PHONY: bench
bench: all
	@BUILDDIR='$(abs_top_builddir)' $(top_srcdir)/tests/bench/run $(BENCH)
