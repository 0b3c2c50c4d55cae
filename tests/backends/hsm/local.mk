# tests of backends/hsm/
