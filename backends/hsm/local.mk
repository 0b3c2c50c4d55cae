libbyok_la_SOURCES += \
	backends/hsm/hsm.c backends/hsm/hsm.h \
	backends/hsm/hsm_compose.c backends/hsm/hsm_compose.h \
	backends/hsm/hsm_diagnose.c backends/hsm/hsm_diagnose.h \
	backends/hsm/hsm_diagnose_content.c \
	backends/hsm/hsm_find.c \
	backends/hsm/hsm_mechanism.c backends/hsm/hsm_mechanism.h \
	backends/hsm/hsm_pass.c \
	backends/hsm/hsm_rsa_aes.c backends/hsm/hsm_rsa_aes.h \
	backends/hsm/hsm_session.c backends/hsm/hsm_session.h \
	backends/hsm/hsm_token.c backends/hsm/hsm_token.h
