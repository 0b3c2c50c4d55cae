# tests of backends/keyvault/
