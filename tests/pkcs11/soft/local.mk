# tests of pkcs11/soft/
