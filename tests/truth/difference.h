/*
 * Differences between what others wrote and what is here: each is a line, and each that is right to be there
 * stands in a table with its reason. A line that no row explains fails the test; so does, at the end, a row
 * that explains nothing any more.
 */
#ifndef TRUTH_DIFFERENCE_H
#define TRUTH_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

struct differences {
    size_t count;
    char *lines[256];
};

void differ(struct differences *found, const char *how, ...) __attribute__((format(printf, 2, 3)));
void differences_done(struct differences *found);

/* Patterns as of fnmatch(3). The words are what a reader is told, so they are to be a reason. */
struct known {
    const char *where; /* names of recordings */
    const char *what;  /* lines */
    const char *why;
};
struct known_table {
    const struct known *rows;
    size_t count;
    bool *used; /* as many */
};
#define KNOWN_TABLE(array)                                                                                   \
    {                                                                                                        \
        (array), sizeof(array) / sizeof *(array), (bool[sizeof(array) / sizeof *(array)])                    \
        {                                                                                                    \
            false                                                                                            \
        }                                                                                                    \
    }

/* True: a row explains it. */
bool known_explains(const struct known_table *table, const char *where, const char *line);
/* Fails the test with all lines that no row explains. */
void differences_judge(const struct differences *found, const char *where, const struct known_table *table);
/* Fails the test with all rows that have explained nothing. */
void known_all_used(const struct known_table *table);

#endif
