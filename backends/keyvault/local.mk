libbyok_la_SOURCES += \
	backends/keyvault/keyvault.c backends/keyvault/keyvault.h
