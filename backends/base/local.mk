libbyok_la_SOURCES += \
	backends/base/append_file.c backends/base/append_file.h \
	backends/base/ask_once.c backends/base/ask_once.h \
	backends/base/base64url.c backends/base/base64url.h \
	backends/base/buffer.c backends/base/buffer.h \
	backends/base/child.c backends/base/child.h \
	backends/base/cryptoki.h \
	backends/base/deadline.c backends/base/deadline.h \
	backends/base/ec.c backends/base/ec.h \
	backends/base/file.c backends/base/file.h \
	backends/base/handle.c backends/base/handle.h \
	backends/base/hsm_held.c \
	backends/base/hsm_inside.c backends/base/hsm_inside.h \
	backends/base/hsm_interface.c backends/base/hsm_interface.h \
	backends/base/hash.c backends/base/hash.h \
	backends/base/hsm_login.c backends/base/hsm_login.h \
	backends/base/hsm_module.c backends/base/hsm_module.h \
	backends/base/hsm_slots.c backends/base/hsm_slots.h \
	backends/base/hsm_turn.c backends/base/hsm_turn.h \
	backends/base/hsm_uri.c backends/base/hsm_uri.h \
	backends/base/libcrypto.c backends/base/libcrypto.h \
	backends/base/libcrypto_errors.c backends/base/libcrypto_errors.h \
	backends/base/log.c backends/base/log.h \
	backends/base/mechanism_name.c backends/base/mechanism_name.h \
	backends/base/process.c backends/base/process.h \
	backends/base/result_name.c backends/base/result_name.h \
	backends/base/rsa.c backends/base/rsa.h \
	backends/base/rsa_decrypt.c backends/base/rsa_decrypt.h \
	backends/base/rsa_info.c backends/base/rsa_info.h \
	backends/base/rsa_private.h \
	backends/base/rsa_verify.c \
	backends/base/scope.h \
	backends/base/secret.c backends/base/secret.h \
	backends/base/settings.c backends/base/settings.h \
	backends/base/settings_environment.c \
	backends/base/settings_fill.c \
	backends/base/settings_find.c backends/base/settings_private.h \
	backends/base/settings_parse.c \
	backends/base/settings_scan.c \
	backends/base/settings_value.c \
	backends/base/sigpipe.c backends/base/sigpipe.h \
	backends/base/signature.c backends/base/signature.h \
	backends/base/utf8.c backends/base/utf8.h \
	backends/base/uuid.c backends/base/uuid.h
