libbyok_la_SOURCES += \
	backends/audit/audit.c \
	backends/audit/audit_chain.c backends/audit/audit_chain.h \
	backends/audit/audit_entry.c backends/audit/audit_entry.h \
	backends/audit/audit_read.c backends/audit/audit_read.h \
	backends/audit/audit_record.c backends/audit/audit_record.h \
	backends/audit/audit_session.c backends/audit/audit_session.h \
	backends/audit/audit_sum.c backends/audit/audit_sum.h \
	backends/audit/audit_token.c backends/audit/audit_token.h \
	backends/audit/audit_turn.c backends/audit/audit_turn.h \
	backends/audit/audit_verify.c backends/audit/audit_verify.h
