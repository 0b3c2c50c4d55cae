libbyok_la_SOURCES += \
	backends/audit.c backends/audit.h \
	backends/audit_chain.c backends/audit_chain.h \
	backends/audit_entry.c backends/audit_entry.h \
	backends/audit_file.c backends/audit_file.h \
	backends/audit_read.c backends/audit_read.h \
	backends/audit_record.c backends/audit_record.h \
	backends/audit_session.c backends/audit_session.h \
	backends/audit_sum.c backends/audit_sum.h \
	backends/audit_token.c backends/audit_token.h \
	backends/audit_turn.c backends/audit_turn.h \
	backends/audit_verify.c backends/audit_verify.h \
	backends/backend.c backends/backend.h \
	backends/diagnosis.c backends/diagnosis.h \
	backends/diagnosis_file.c \
	backends/key_service.h \
	backends/function_table.h \
	backends/policy_key.c backends/policy_key.h \
	backends/policy_token.c backends/policy_token.h \
	backends/token_above.c backends/token_above.h \
	backends/token_functions.h \
	backends/token_policy.c backends/token_policy.h
