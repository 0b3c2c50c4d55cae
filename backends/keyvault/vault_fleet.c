/*
 * The load of a fleet. A vault throttles by type of key, in 10 s, and an operation with a large or hardware key takes
 * the place of several with a small one; a Managed HSM does not throttle, and is as fast as it is.
 */
#include "backends/keyvault/vault_fleet.h"
#include <stdio.h>

enum { WINDOW = 10, KEYS_MOST = 64, ADVICE_SIZE = 256 };

/* Operations in WINDOW seconds; the last row is for all larger keys. */
static const struct {
    unsigned bits;
    double software, hardware;
    double managed_hsm; /* unwrapping, by one of its partitions */
} limits[] = {
    {2048, 4000, 2000, 11000},
    {3072, 1000, 500, 3600},
    {4096, 500, 250, 1600},
};

enum { LIMITS = sizeof limits / sizeof limits[0] };

/* What is not known is taken as the least. */
static double limit_of(const struct fleet *fleet, const struct fleet_key *key)
{
    size_t row = 0;

    while (row < LIMITS - 1 && (key->bits == 0 || key->bits > limits[row].bits)) {
        row++;
    }
    if (fleet->managed_hsm) {
        return limits[row].managed_hsm;
    }
    return key->in_hardware ? limits[row].hardware : limits[row].software;
}

/* How often in a window something happens that a process does every `interval` ms. */
static double often(const struct fleet *fleet, double interval)
{
    return fleet->processes * (WINDOW * 1000.0) / interval;
}

/*
 * Each process checks a lease after 0.5 to 1.0 of lease-check, so after 0.75 on the average; wraps at the service
 * once in lease-check, and reads the key again every `refresh`. To start, it reads each key and unwraps once.
 */
struct fleet_load vault_fleet_load(const struct fleet *fleet)
{
    struct fleet_load load = {.checks = 0};

    for (size_t i = 0; i < fleet->key_count; i++) {
        double checks = fleet->leases ? often(fleet, (double)fleet->lease_check * 0.75) : 0;
        double wraps = often(fleet, (double)fleet->lease_check);
        double refreshes = often(fleet, (double)fleet->refresh);
        double limit = limit_of(fleet, &fleet->keys[i]);

        load.checks += checks;
        load.wraps += wraps;
        load.refreshes += refreshes;
        load.share += (checks + wraps + refreshes) / limit;
        load.start += 2.0 * fleet->processes / limit * WINDOW;
    }
    return load;
}

struct collecting {
    struct key_service *service;
    bool out_of_reach; /* as was just found: each key would be waited for */
    struct fleet_key keys[KEYS_MOST];
    size_t count, unknown, more; /* the last beyond KEYS_MOST */
};

static void collect(void *arg, const struct key_ref *ref)
{
    struct collecting *to = arg;
    struct service_answer answer = {.verdict = VERDICT_NONE};
    struct key_info info = {.name = ""};
    struct fleet_key key = {.in_hardware = true};

    if (to->count == KEYS_MOST) {
        to->more++;
        return;
    }
    CK_RV rv = to->out_of_reach ? CKR_DEVICE_ERROR
                                : to->service->ops->public_part(
                                      to->service, ref, deadline_in(to->service->timeout), &info, &answer);

    if (rv == CKR_OK && info.type == KEY_TYPE_OCT) {
        key.bits = limits[0].bits; /* AES takes no longer than the smallest RSA key */
    }
    if (rv == CKR_OK && info.rsa != NULL) {
        key.bits = rsa_public_bits(info.rsa);
        key.in_hardware = info.in_hardware != TOLD_NO;
    }
    to->unknown += key.bits == 0;
    to->keys[to->count++] = key;
    key_info_done(&info);
}

static void tell_load(const struct fleet *fleet, const struct fleet_load *load, struct diagnosis *diagnosis)
{
    static const char words[] =
        "%u processes with %zu key%s: in 10 s %.1f lease checks, %.1f wraps and %.1f refreshes, "
        "which is %.1f %% of what the %s does";
    const char *plural = fleet->key_count == 1 ? "" : "s";
    const char *what = fleet->managed_hsm ? "Managed HSM" : "vault";

    if (load->share > 1) {
        diagnosis_fail(diagnosis, "fleet-load",
                       "use a longer lease-check and refresh, a smaller key, or several vaults", words,
                       fleet->processes, fleet->key_count, plural, load->checks, load->wraps, load->refreshes,
                       load->share * 100, what);
    } else if (load->share > 0.5) {
        diagnosis_warn(diagnosis, "fleet-load", "leave room for others: a longer lease-check and refresh",
                       words, fleet->processes, fleet->key_count, plural, load->checks, load->wraps,
                       load->refreshes, load->share * 100, what);
    } else {
        diagnosis_ok(diagnosis, "fleet-load", words, fleet->processes, fleet->key_count, plural, load->checks,
                     load->wraps, load->refreshes, load->share * 100, what);
    }
}

static void tell_start(const struct fleet_load *load, struct diagnosis *diagnosis)
{
    char advice[ADVICE_SIZE];

    if (load->start > WINDOW) {
        snprintf(advice, sizeof advice, "start them over %.0f s, and set `timeout` no shorter than now",
                 load->start * 2);
        diagnosis_warn(diagnosis, "fleet-start", advice,
                       "when all start at once, their first unwraps take %.0f s; some are told to wait (429)",
                       load->start);
    } else {
        diagnosis_ok(diagnosis, "fleet-start", "when all start at once, their first unwraps take %.1f s",
                     load->start);
    }
}

static void tell_tokens(const struct fleet *fleet, struct diagnosis *diagnosis)
{
    diagnosis_ok(
        diagnosis, "fleet-tokens",
        "each process gets a token of its own, once in its life of an hour to a day: at most %u an hour",
        fleet->processes);
}

void vault_fleet_diagnose(const struct settings *section, struct key_service *service, bool managed_hsm,
                          unsigned processes, struct diagnosis *diagnosis)
{
    struct collecting keys = {.service = service, .out_of_reach = diagnosis->ends_here};
    struct fleet fleet = {.processes = processes,
                          .managed_hsm = managed_hsm,
                          .leases = settings_milliseconds(section, "lease") >= 0,
                          .lease_check = settings_milliseconds(section, "lease-check"),
                          .refresh = settings_milliseconds(section, "refresh"),
                          .keys = keys.keys};

    service->ops->each_named(service, collect, &keys);
    diagnosis_forget(diagnosis);
    fleet.key_count = keys.count;
    if (keys.count == 0) {
        diagnosis_warn(diagnosis, "fleet-load", "name the key-encryption keys by `keys`",
                       "no keys are configured, so their load cannot be told");
        return;
    }
    if (keys.unknown != 0) {
        diagnosis_warn(diagnosis, "fleet-load",
                       keys.out_of_reach ? "mend the way to the vault first"
                                         : "grant keys/get for exact figures",
                       "the size of %zu key%s is not known and taken as 4096 bits in hardware", keys.unknown,
                       keys.unknown == 1 ? "" : "s");
    }
    if (keys.more != 0) {
        diagnosis_warn(diagnosis, "fleet-load", NULL, "%zu more keys are not counted", keys.more);
    }
    struct fleet_load load = vault_fleet_load(&fleet);

    tell_load(&fleet, &load, diagnosis);
    tell_start(&load, diagnosis);
    tell_tokens(&fleet, diagnosis);
}
