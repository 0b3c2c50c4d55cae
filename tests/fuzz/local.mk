# Fuzzers of what parses bytes from outside; not part of `make check`. With clang:
#   ./configure CC=clang --with-sanitizer=address,undefined,fuzzer-no-link && make tests/fuzz/settings && tests/fuzz/settings
EXTRA_PROGRAMS += \
	tests/fuzz/audit_read \
	tests/fuzz/base64url \
	tests/fuzz/certificate \
	tests/fuzz/digest_info \
	tests/fuzz/key_numbers \
	tests/fuzz/settings \
	tests/fuzz/template \
	tests/fuzz/token_json \
	tests/fuzz/vault_challenge \
	tests/fuzz/vault_json

tests_fuzz_audit_read_SOURCES = tests/fuzz/audit_read.c
tests_fuzz_audit_read_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_audit_read_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_audit_read_LDADD = libbyok.la
tests_fuzz_base64url_SOURCES = tests/fuzz/base64url.c
tests_fuzz_base64url_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_base64url_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_base64url_LDADD = libbyok.la
tests_fuzz_settings_SOURCES = tests/fuzz/settings.c
tests_fuzz_settings_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_settings_LDADD = libbyok.la
tests_fuzz_token_json_SOURCES = tests/fuzz/token_json.c
tests_fuzz_token_json_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_token_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_token_json_LDADD = libbyok.la
tests_fuzz_vault_challenge_SOURCES = tests/fuzz/vault_challenge.c
tests_fuzz_vault_challenge_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_vault_challenge_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_vault_challenge_LDADD = libbyok.la
tests_fuzz_vault_json_SOURCES = tests/fuzz/vault_json.c
tests_fuzz_vault_json_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_vault_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_vault_json_LDADD = libbyok.la
tests_fuzz_certificate_SOURCES = tests/fuzz/certificate.c
tests_fuzz_certificate_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_certificate_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_certificate_LDADD = libbyok.la
tests_fuzz_key_numbers_SOURCES = tests/fuzz/key_numbers.c
tests_fuzz_key_numbers_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_key_numbers_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_key_numbers_LDADD = libbyok.la
tests_fuzz_template_SOURCES = tests/fuzz/template.c
tests_fuzz_template_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_template_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_template_LDADD = libbyok.la
tests_fuzz_digest_info_SOURCES = tests/fuzz/digest_info.c
tests_fuzz_digest_info_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_digest_info_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_digest_info_LDADD = libbyok.la
