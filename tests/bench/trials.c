/* The table of goals: what is measured, what is wanted, and why it is missed where it is. */
#include "tests/bench/bench.h"
#include <stddef.h>

const char *const goal_names[] = {
    [2] = "Wrap with a known key",
    [3] = "Unwrap",
    [4] = "Connections",
    [5] = "Requests",
    [6] = "Cold start: a program from exec to its first unwrap",
    [7] = "Memory",
    [8] = "Growth",
};

#define FAR(count, distance, words)                                                                          \
    {                                                                                                        \
        3, words, unwrap_far, count, distance,                                                               \
        {                                                                                                    \
            {                                                                                                \
                words ", of threads / round trip", AT_LEAST, 0.90, "x", NULL                                 \
            }                                                                                                \
        }                                                                                                    \
    }

const struct trial trials[] = {
    FAR(1, 20, "1 thread over 20 ms"),
    FAR(8, 20, "8 threads over 20 ms"),
    FAR(64, 20, "64 threads over 20 ms"),
    FAR(1, 60, "1 thread over 60 ms"),
    FAR(8, 60, "8 threads over 60 ms"),
    FAR(64, 60, "64 threads over 60 ms"),
    {3,
     "loopback",
     unwrap_near,
     1,
     0,
     {{"on the loopback, rate of a reused curl handle", AT_LEAST, 0.90, "x", NULL},
      {"on the loopback, CPU of a reused curl handle", AT_MOST, 1.25, "x", NULL}}},
    {0, NULL, NULL, 0, 0, {{NULL}}},
};
