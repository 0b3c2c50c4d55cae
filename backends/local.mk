libbyok_la_SOURCES += \
	backends/audit.c backends/audit.h \
	backends/audit_chain.c backends/audit_chain.h \
	backends/audit_file.c backends/audit_file.h \
	backends/audit_record.c backends/audit_record.h \
	backends/backend.c backends/backend.h \
	backends/diagnosis.c backends/diagnosis.h \
	backends/diagnosis_file.c \
	backends/key_service.h \
	backends/function_table.h \
	backends/token_above.c backends/token_above.h \
	backends/token_functions.h
