libbyok_la_SOURCES += \
	backends/hsm/hsm.c backends/hsm/hsm.h \
	backends/hsm/hsm_module.c backends/hsm/hsm_module.h
