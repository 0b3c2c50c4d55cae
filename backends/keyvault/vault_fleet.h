/* What many processes ask of one vault, against what the service allows. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_FLEET_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_FLEET_H

#include "backends/diagnosis.h"
#include "backends/key_service.h"

/* One key that every process uses. */
struct fleet_key {
    unsigned bits;    /* 0: not known */
    bool in_hardware; /* or not known */
};

struct fleet {
    unsigned processes;
    bool managed_hsm;
    bool leases;                  /* false: there are no checks */
    int64_t lease_check, refresh; /* milliseconds */
    const struct fleet_key *keys;
    size_t key_count;
};

/*
 * What it comes to, in ten seconds. A share is of what the service does in that time, summed over the keys, for a
 * request with a large key counts as many with a small one.
 */
struct fleet_load {
    double checks, wraps, refreshes; /* requests */
    double share;                    /* of all of these; 1: all that is allowed */
    double start;                    /* seconds that the service takes when all start at once */
};

struct fleet_load vault_fleet_load(const struct fleet *fleet);

/* Asks `service`, which is a vault's or a Managed HSM's, for the size of its configured keys, and tells. */
void vault_fleet_diagnose(const struct settings *section, struct key_service *service, bool managed_hsm,
                          unsigned processes, struct diagnosis *diagnosis);

#endif
