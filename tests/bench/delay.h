/*
 * A TCP proxy that is as far away as it is told: every byte takes half the round trip in either direction, in
 * order and as many at once as are sent. The kernel answers a connect at once, so the first bytes of a
 * connection wait for one round trip more, as they would for the handshake of TCP. A process of its own, gone
 * with its parent.
 */
#ifndef BYOK_TESTS_BENCH_DELAY_H
#define BYOK_TESTS_BENCH_DELAY_H

#include <stdbool.h>
#include <sys/types.h>

struct delay {
    pid_t pid;
    unsigned port; /* on the loopback; what is sent there reaches the target */
};

/* False: no port, no process. */
bool delay_start(unsigned target_port, unsigned round_trip_ms, struct delay *ret_delay);
void delay_end(struct delay *delay);

#endif
