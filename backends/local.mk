libbyok_la_SOURCES += \
	backends/backend.c backends/backend.h \
	backends/diagnosis.c backends/diagnosis.h \
	backends/diagnosis_file.c \
	backends/key_service.h \
	backends/function_table.h \
	backends/token_above.c backends/token_above.h \
	backends/token_functions.h
