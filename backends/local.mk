libbyok_la_SOURCES += \
	backends/audit.h \
	backends/backend.c backends/backend.h \
	backends/diagnosis.c backends/diagnosis.h \
	backends/diagnosis_file.c \
	backends/key_service.h \
	backends/function_table.h \
	backends/policy_key.c backends/policy_key.h \
	backends/policy_token.c backends/policy_token.h \
	backends/token_above.c backends/token_above.h \
	backends/token_functions.h \
	backends/token_key.c backends/token_key.h \
	backends/token_policy.c backends/token_policy.h
