# tests of backends/ itself
check_PROGRAMS += tests/backends/test_diagnosis

tests_backends_test_diagnosis_SOURCES = tests/backends/test_diagnosis.c tests/backends/base/base_test.h
