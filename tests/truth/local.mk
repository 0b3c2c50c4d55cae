# What others wrote of the service ($BYOK_TEST_DATA), held against the stand-in and against our client.
truth_common = \
	tests/truth/difference.c tests/truth/difference.h \
	tests/truth/recorded.c tests/truth/recorded.h
truth_openapi = tests/truth/openapi.c tests/truth/openapi.h tests/truth/schema.c tests/truth/schema.h
truth_replay = $(standin_runner) \
	tests/standin/test_client.c tests/standin/test_client.h \
	tests/standin/text.c tests/standin/text.h \
	tests/truth/creation.c tests/truth/creation.h \
	tests/truth/pages.c tests/truth/prepare.c tests/truth/private_key.c \
	tests/truth/replay.c tests/truth/replay.h \
	tests/truth/shape.c tests/truth/shape.h

check_PROGRAMS += tests/truth/test_recordings
tests_truth_test_recordings_LDADD = $(CMOCKA_LIBS) $(LIBCURL_LIBS) $(OPENSSL_LIBS) $(CJSON_LIBS) -lm
tests_truth_test_recordings_SOURCES = $(truth_common) $(truth_replay) $(truth_openapi) tests/truth/test_recordings.c

check_PROGRAMS += tests/truth/test_examples
tests_truth_test_examples_LDADD = $(tests_truth_test_recordings_LDADD)
tests_truth_test_examples_SOURCES = $(truth_common) $(truth_replay) $(truth_openapi) tests/truth/test_examples.c

check_PROGRAMS += tests/truth/test_answers
tests_truth_test_answers_LDADD = $(keyvault_ldadd)
tests_truth_test_answers_SOURCES = $(truth_common) tests/truth/test_answers.c \
	tests/truth/answering.c tests/truth/answering.h \
	tests/truth/client.c tests/truth/client.h \
	tests/truth/conclusions.c tests/truth/conclusions.h

check_PROGRAMS += tests/truth/test_openapi
tests_truth_test_openapi_LDADD = $(CMOCKA_LIBS) $(CJSON_LIBS) -lm
tests_truth_test_openapi_SOURCES = $(truth_common) $(truth_openapi) tests/truth/test_openapi.c

truth_asked = $(standin_runner) \
	tests/truth/asked.c tests/truth/asked.h \
	tests/truth/client.c tests/truth/client.h
check_PROGRAMS += tests/truth/test_requests
tests_truth_test_requests_LDADD = $(LDADD) $(OPENSSL_LIBS) -lm
tests_truth_test_requests_SOURCES = $(truth_common) $(truth_openapi) $(truth_asked) tests/truth/test_requests.c \
	tests/truth/verbs.c tests/truth/verbs.h

truth_flow = tests/truth/flow.c tests/truth/flow.h tests/truth/shape.c tests/truth/shape.h
check_PROGRAMS += tests/truth/test_identity
tests_truth_test_identity_LDADD = $(keyvault_ldadd)
tests_truth_test_identity_SOURCES = $(truth_common) $(truth_asked) $(truth_flow) tests/truth/test_identity.c \
	tests/backends/keyvault/certificates.c tests/backends/keyvault/certificates.h

check_PROGRAMS += tests/truth/test_tokens
tests_truth_test_tokens_LDADD = $(LDADD)
tests_truth_test_tokens_SOURCES = $(truth_common) $(truth_flow) tests/truth/test_tokens.c

check_PROGRAMS += tests/truth/test_challenges
tests_truth_test_challenges_LDADD = $(LDADD)
tests_truth_test_challenges_SOURCES = $(truth_common) tests/truth/test_challenges.c
