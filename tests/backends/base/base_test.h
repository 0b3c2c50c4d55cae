/*
 * What the tests of this floor share: a directory of their own, files in it, and the lines that were logged
 * meanwhile. A program calls test_begin() first and test_end() last.
 */
#ifndef BYOK_TESTS_BASE_TEST_H
#define BYOK_TESTS_BASE_TEST_H

#include "backends/base/log.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_UNUSED __attribute__((unused))

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
/* Sanitizers replace mlock by nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
    __has_feature(thread_sanitizer)
enum { TEST_SANITIZED = 1 };
#else
enum { TEST_SANITIZED = 0 };
#endif

/* The reason is for whoever reads the results. */
#define test_skip(...)                                                                                       \
    do {                                                                                                     \
        print_message("# SKIP " __VA_ARGS__);                                                                \
        print_message("\n");                                                                                 \
        skip();                                                                                              \
    } while (0)

static char test_directory[64];
static char test_lines[16384];

/* The path of a name in the test's directory; good until the fourth call from now. */
static TEST_UNUSED const char *test_path(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", test_directory, name);
    return path;
}

static TEST_UNUSED void test_write(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(test_path(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(test_path(name), mode), 0);
}

/* All lines since the last call; good until the next one. */
static TEST_UNUSED const char *test_logged(void)
{
    FILE *file = fopen(test_path("log"), "r+");
    size_t size = 0;

    if (file != NULL) {
        size = fread(test_lines, 1, sizeof test_lines - 1, file);
        assert_int_equal(ftruncate(fileno(file), 0), 0);
        fclose(file);
    }
    test_lines[size] = '\0';
    return test_lines;
}

static TEST_UNUSED size_t test_line_count(const char *lines)
{
    size_t count = 0;

    for (; *lines != '\0'; lines++) {
        count += *lines == '\n';
    }
    return count;
}

static TEST_UNUSED void assert_text_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text);
    }
}

/* Exactly one line was logged, and it has `part` in it. */
static TEST_UNUSED void assert_logged(const char *part)
{
    const char *lines = test_logged();

    assert_text_contains(lines, part);
    assert_int_equal(test_line_count(lines), 1);
}

static TEST_UNUSED void assert_nothing_logged(void)
{
    assert_string_equal(test_logged(), "");
}

static void remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    char inner[512];

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) {
            remove_tree(inner);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    rmdir(path);
}

static TEST_UNUSED void test_log_here(void)
{
    char text[96];

    snprintf(text, sizeof text, "debug:file:%s/log", test_directory);
    setenv("BYOK_PKCS11_LOG", text, 1);
    assert_int_equal(log_configure("error"), CKR_OK);
}

static TEST_UNUSED int test_begin(void **state)
{
    (void)state;
    strcpy(test_directory, "/tmp/byok-test-XXXXXX");
    assert_non_null(mkdtemp(test_directory));
    test_log_here();
    return 0;
}

static TEST_UNUSED int test_end(void **state)
{
    (void)state;
    remove_tree(test_directory);
    return 0;
}

/* Runs `child` in a forked process; what it returns comes back. Checks in it must not use cmocka's. */
static TEST_UNUSED int test_in_child(int (*child)(void *arg), void *arg)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(child(arg));
    }
    assert_int_not_equal(pid, -1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
