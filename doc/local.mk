# Manual pages.
dist_man_MANS = doc/byok-pkcs11.1 doc/byok-pkcs11.conf.5 doc/byok-pkcs11.7
