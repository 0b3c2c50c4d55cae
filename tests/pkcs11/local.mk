# tests of pkcs11/
