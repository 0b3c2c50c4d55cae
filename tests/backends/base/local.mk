# One program a room.
check_PROGRAMS += \
	tests/backends/base/test_append_file \
	tests/backends/base/test_ask_once \
	tests/backends/base/test_base64url \
	tests/backends/base/test_buffer \
	tests/backends/base/test_child \
	tests/backends/base/test_deadline \
	tests/backends/base/test_ec \
	tests/backends/base/test_file \
	tests/backends/base/test_handle \
	tests/backends/base/test_libcrypto \
	tests/backends/base/test_libcrypto_errors \
	tests/backends/base/test_log \
	tests/backends/base/test_mechanism_name \
	tests/backends/base/test_process \
	tests/backends/base/test_rsa \
	tests/backends/base/test_rsa_vectors \
	tests/backends/base/test_secret \
	tests/backends/base/test_settings \
	tests/backends/base/test_settings_find \
	tests/backends/base/test_signature \
	tests/backends/base/test_utf8

tests_backends_base_test_append_file_SOURCES = tests/backends/base/test_append_file.c tests/backends/base/base_test.h
tests_backends_base_test_ask_once_SOURCES = tests/backends/base/test_ask_once.c tests/backends/base/base_test.h
tests_backends_base_test_base64url_SOURCES = tests/backends/base/test_base64url.c tests/backends/base/base_test.h
tests_backends_base_test_buffer_SOURCES = tests/backends/base/test_buffer.c tests/backends/base/base_test.h
tests_backends_base_test_child_SOURCES = tests/backends/base/test_child.c tests/backends/base/base_test.h
tests_backends_base_test_deadline_SOURCES = tests/backends/base/test_deadline.c tests/backends/base/base_test.h
tests_backends_base_test_ec_SOURCES = tests/backends/base/test_ec.c tests/backends/base/base_test.h
tests_backends_base_test_file_SOURCES = tests/backends/base/test_file.c tests/backends/base/base_test.h
tests_backends_base_test_handle_SOURCES = tests/backends/base/test_handle.c tests/backends/base/base_test.h
tests_backends_base_test_libcrypto_errors_SOURCES = tests/backends/base/test_libcrypto_errors.c \
	tests/backends/base/base_test.h
tests_backends_base_test_libcrypto_SOURCES = tests/backends/base/test_libcrypto.c tests/backends/base/base_test.h
tests_backends_base_test_log_SOURCES = tests/backends/base/test_log.c tests/backends/base/base_test.h
tests_backends_base_test_mechanism_name_SOURCES = tests/backends/base/test_mechanism_name.c \
	tests/backends/base/base_test.h
tests_backends_base_test_process_SOURCES = tests/backends/base/test_process.c tests/backends/base/base_test.h
rsa_test_sources = tests/backends/base/rsa_test.h tests/backends/base/base_test.h
tests_backends_base_test_rsa_SOURCES = tests/backends/base/test_rsa.c $(rsa_test_sources)
tests_backends_base_test_rsa_vectors_SOURCES = tests/backends/base/test_rsa_vectors.c $(rsa_test_sources) \
	tests/vectors.c tests/vectors.h
tests_backends_base_test_secret_SOURCES = tests/backends/base/test_secret.c tests/backends/base/base_test.h
settings_test_sources = tests/backends/base/settings_test.h tests/backends/base/base_test.h
tests_backends_base_test_settings_SOURCES = tests/backends/base/test_settings.c $(settings_test_sources)
tests_backends_base_test_settings_find_SOURCES = tests/backends/base/test_settings_find.c $(settings_test_sources)
tests_backends_base_test_signature_SOURCES = tests/backends/base/test_signature.c tests/backends/base/base_test.h
tests_backends_base_test_utf8_SOURCES = tests/backends/base/test_utf8.c tests/backends/base/base_test.h
