libbyok_la_SOURCES += \
	backends/hsm/hsm.c backends/hsm/hsm.h \
	backends/hsm/hsm_find.c \
	backends/hsm/hsm_login.c backends/hsm/hsm_login.h \
	backends/hsm/hsm_module.c backends/hsm/hsm_module.h \
	backends/hsm/hsm_token.c backends/hsm/hsm_token.h \
	backends/hsm/hsm_turn.c backends/hsm/hsm_turn.h \
	backends/hsm/hsm_uri.c backends/hsm/hsm_uri.h
