/* Microsoft's SDK for JavaScript as a peer, where Node.js and the SDK are installed. */
#ifndef BYOK_TESTS_BENCH_SDK_H
#define BYOK_TESTS_BENCH_SDK_H

#include "tests/bench/world.h"

/* NULL: it can run here. Else why not. */
const char *sdk_missing(void);

struct sdk_figures {
    double seconds, cpu; /* for one operation of the task */
    double cold;         /* seconds from the start of the process to the end of its first unwrap */
};

/* A process of its own. task: as js-sdk.mjs has it; NULL: only the first unwrap. False: it failed. */
bool sdk_run(const struct place *place, const char *task, struct sdk_figures *ret_figures);

#endif
