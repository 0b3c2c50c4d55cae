# Real clients, unmodified: what they do with the stand-in, and with what our module made.
noinst_PROGRAMS += tests/consumers/module_wrap
tests_consumers_module_wrap_SOURCES = tests/consumers/module_wrap.c tests/built_module.h
tests_consumers_module_wrap_LDADD = $(P11KIT_LIBS)

# Clients of PKCS#11, each over both tokens; tests/consumers/run makes a table of what they say.
pkcs11_clients = \
	tests/consumers/openssl-provider \
	tests/consumers/openssl-engine \
	tests/consumers/java \
	tests/consumers/pkcs11-tool \
	tests/consumers/p11-kit \
	tests/consumers/gnutls \
	tests/consumers/ssh \
	tests/consumers/tls \
	tests/consumers/nss \
	tests/consumers/python3-pykcs11 \
	tests/consumers/luks \
	tests/consumers/openvpn \
	tests/consumers/sssd \
	tests/consumers/strongswan \
	tests/consumers/without-get

# They cannot load a module with a sanitizer in it.
if !SANITIZED
check_SCRIPTS += $(pkcs11_clients)
endif
EXTRA_DIST += $(pkcs11_clients) \
	tests/consumers/run \
	tests/consumers/clients.sh \
	tests/consumers/surroundings.sh \
	tests/consumers/openssl.sh \
	tests/consumers/Tokens.java \
	tests/consumers/pykcs11.py

EXTRA_DIST += \
	tests/consumers/azure-sdk-js/.npmrc \
	tests/consumers/azure-sdk-js/install \
	tests/consumers/azure-sdk-js/package.json \
	tests/consumers/azure-sdk-js/package-lock.json \
	tests/consumers/azure-sdk-js/run \
	tests/consumers/azure-sdk-js/challenge.mjs \
	tests/consumers/azure-sdk-js/identity.mjs \
	tests/consumers/azure-sdk-js/life.mjs \
	tests/consumers/azure-sdk-js/machine.mjs \
	tests/consumers/azure-sdk-js/main.mjs \
	tests/consumers/azure-sdk-js/mhsm.mjs \
	tests/consumers/azure-sdk-js/module.mjs \
	tests/consumers/azure-sdk-js/refusals.mjs \
	tests/consumers/azure-sdk-js/sdk.mjs \
	tests/consumers/azure-sdk-js/tap.mjs \
	tests/consumers/azure-sdk-js/upkeep.mjs \
	tests/consumers/azure-sdk-js/use.mjs \
	tests/bench/js-sdk.mjs
# What they show does not change with a sanitizer, only their patience is needed.
if !SANITIZED
check_SCRIPTS += tests/consumers/azure-sdk-js/run
endif
