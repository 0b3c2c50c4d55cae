# tests of backends/base/
