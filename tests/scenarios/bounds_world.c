/* The ways to take a key away, and what is promised of each; the stand-in, told to do it. */
#include "tests/faults/control.h"
#include "tests/scenarios/bounds.h"
#include <string.h>

static char other_caller[] = "0b0d5000-0000-4000-8000-000000000001",
            third_caller[] = "0b0d5000-0000-4000-8000-000000000002";

const struct bound bounds[BOUNDS] = {
    {.name = "disabled",
     .promise = "KeyDisabled",
     .path = "/keys/disabled",
     .taken = "{\"enabled\":false}",
     .given = "{\"enabled\":true}",
     .not_after = LEASE_CHECK + CHECK,
     .closed = CKR_KEY_FUNCTION_NOT_PERMITTED},
    {.name = "refused",
     .promise = "ForbiddenByPolicy",
     .caller = other_caller,
     .path = "/callers/0b0d5000-0000-4000-8000-000000000001/permissions",
     .taken = "[\"get\"]",
     .given = "[\"get\",\"wrapKey\",\"unwrapKey\"]",
     .not_after = LEASE_CHECK * 14 / 10,
     .closed = CKR_KEY_FUNCTION_NOT_PERMITTED},
    {.name = "deleted",
     .promise = "KeyNotFound",
     .path = "/keys/deleted",
     .taken = "{\"deleted\":true}",
     .given = "{\"deleted\":false}",
     .not_after = LEASE_CHECK * 14 / 10,
     .closed = CKR_KEY_FUNCTION_NOT_PERMITTED},
    {.name = "dismissed",
     .promise = "the application is disabled",
     .caller = third_caller,
     .path = "/callers/0b0d5000-0000-4000-8000-000000000002/disabled",
     .taken = "true",
     .given = "false",
     .not_after = TOKEN + LEASE_CHECK * 14 / 10,
     .closed = CKR_KEY_FUNCTION_NOT_PERMITTED},
    {.name = "firewalled",
     .promise = "a firewall",
     .fault = "{\"refusal\":\"firewall\",\"match\":{\"path\":\"/keys/firewalled/\"}}",
     .not_before = LEASE - LEASE_CHECK,
     .not_after = LEASE,
     .closed = CKR_DEVICE_ERROR},
    {.name = "throttled",
     .promise = "429",
     .fault = "{\"refusal\":\"throttled\",\"match\":{\"path\":\"/keys/throttled/\"}}",
     .not_before = LEASE - LEASE_CHECK,
     .not_after = LEASE,
     .closed = CKR_DEVICE_ERROR},
    {.name = "cut",
     .promise = "the network is cut",
     .mhsm = true,
     .fault = "{\"half_open\":true,\"match\":{\"server\":\"mhsm\"}}",
     .not_before = LEASE - LEASE_CHECK,
     .not_after = LEASE,
     .closed = CKR_DEVICE_ERROR},
    {.name = "kept",
     .promise = "a firewall, outage = keep",
     .options = "outage = keep",
     .fault = "{\"refusal\":\"firewall\",\"match\":{\"path\":\"/keys/kept/\"}}"},
    {.name = "steady", .promise = "nothing happens", .never_taken = true},
};

/* --- The stand-in and the configuration --- */

static pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER;

static void put(const char *path, const char *body)
{
    pthread_mutex_lock(&control_lock);
    control("PUT", path, body);
    pthread_mutex_unlock(&control_lock);
}

/* The faults of all bounds that are taken away just now. */
static void set_fault(size_t which, bool active)
{
    static bool actives[BOUNDS];
    char list[2048] = "[";
    size_t used = 1;

    pthread_mutex_lock(&control_lock);
    actives[which] = active;
    for (size_t i = 0; i < BOUNDS; i++) {
        if (actives[i]) {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 1 ? "," : "",
                                     bounds[i].fault);
        }
    }
    snprintf(list + used, sizeof list - used, "]");
    control("PUT", "/faults", list);
    pthread_mutex_unlock(&control_lock);
}

void world_take(size_t which, bool away)
{
    const struct bound *bound = &bounds[which];

    if (bound->path != NULL) {
        put(bound->path, away ? bound->taken : bound->given);
    } else if (bound->fault != NULL) {
        set_fault(which, away);
    }
}

static void make_keys(void)
{
    char path[64];

    snprintf(path, sizeof path, "{\"token_lifetime\":%d}", TOKEN / 1000);
    put("/settings", path);
    put("/callers/0b0d5000-0000-4000-8000-000000000001",
        "{\"secret\":\"open-1\",\"permissions\":[\"get\",\"wrapKey\",\"unwrapKey\"]}");
    put("/callers/0b0d5000-0000-4000-8000-000000000002",
        "{\"secret\":\"open-1\",\"permissions\":[\"get\",\"wrapKey\",\"unwrapKey\"]}");
    for (size_t i = 0; i < BOUNDS; i++) {
        if (!bounds[i].mhsm) {
            snprintf(path, sizeof path, "/keys/%s", bounds[i].name);
            put(path, "{\"kty\":\"RSA\",\"size\":2048}");
        }
    }
}

static void write_section(FILE *file, const struct bound *bound)
{
    const char *dir = getenv("TOKENS_DIR"), *own_secret = getenv("CLIENT_SECRET_FILE");
    char secret[4096];

    snprintf(secret, sizeof secret, "%s/secret", dir);
    fprintf(
        file,
        "token \"%s\" {\n    backend = keyvault\n    vault = \"%s\"\n    keys = {\"%s\"}\n"
        "    ca-file = \"%s\"\n    identity = client-secret\n    tenant = \"%s\"\n    client-id = \"%s\"\n"
        "    client-secret-file = \"%s\"\n    authority = \"%s\"\n%s    timeout = 10s\n    lease = %dms\n"
        "    lease-check = %dms\n    %s\n}\n",
        bound->name, getenv(bound->mhsm ? "MHSM_URL" : "VAULT_URL"), bound->mhsm ? "kek" : bound->name,
        getenv("VAULT_CA"), getenv("TENANT_ID"), bound->caller == NULL ? getenv("CLIENT_ID") : bound->caller,
        bound->caller == NULL ? own_secret : secret, getenv("IDENTITY_URL"),
        bound->mhsm ? "    audience = \"https://managedhsm.azure.net\"\n" : "",
        bound->closed == CKR_KEY_FUNCTION_NOT_PERMITTED ? LONG_LEASE : LEASE, LEASE_CHECK,
        bound->options == NULL ? "" : bound->options);
}

static FILE *create(const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", getenv("TOKENS_DIR"), name);
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        printf("Bail out! %s cannot be written\n", path);
        exit(99);
    }
    return file;
}

static void configure(void)
{
    char path[4096];
    FILE *file = create("secret", path);

    fprintf(file, "open-1\n");
    fclose(file);
    file = create("bounds.conf", path);
    fprintf(file, "log = \"info file:%s/log\"\n", getenv("TOKENS_DIR"));
    for (size_t i = 0; i < BOUNDS; i++) {
        write_section(file, &bounds[i]);
    }
    fclose(file);
    setenv("BYOK_PKCS11_CONF", path, 1);
    unsetenv("BYOK_PKCS11_LOG");
}

void world_make(void)
{
    make_keys();
    configure();
}
