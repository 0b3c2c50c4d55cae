# tests of tools/ and doc/
check_PROGRAMS += \
	tests/tools/test_command \
	tests/tools/test_manual \
	tests/tools/test_pages
tests_tools_test_command_SOURCES = \
	tests/tools/test_command.c \
	tools/duration.c tools/duration.h \
	tools/print.c tools/print.h
tests_tools_test_command_CFLAGS = $(AM_CFLAGS) -DCOMMAND='"$(abs_top_builddir)/tools/byok-pkcs11"'
tests_tools_test_command_LDADD = $(LDADD) $(CJSON_LIBS)
tests_tools_test_manual_SOURCES = tests/tools/test_manual.c
tests_tools_test_manual_CFLAGS = $(AM_CFLAGS) -DMANUAL='"$(abs_top_srcdir)/doc"'
tests_tools_test_pages_SOURCES = tests/tools/test_pages.c tools/answers.c tools/answers.h
tests_tools_test_pages_CFLAGS = $(AM_CFLAGS) -DMANUAL='"$(abs_top_srcdir)/doc"' \
	-DCOMMAND='"$(abs_top_builddir)/tools/byok-pkcs11"'

check_SCRIPTS += tests/tools/keys tests/tools/run
EXTRA_DIST += tests/tools/finds tests/tools/keys tests/tools/lists tests/tools/run
