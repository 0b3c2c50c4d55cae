/* The world. */
#include "tests/bench/world.h"
#include "tests/standin/run_standin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct world world;
struct known *known;

static const unsigned round_trips[PLACES] = {0, 20, 60};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL) {
        fprintf(stderr, "bench: %s is not set; run tests/bench/run\n", name);
    }
    return value;
}

static unsigned port_of(const char *url)
{
    const char *colon = strrchr(url, ':');

    return colon == NULL ? 443 : (unsigned)strtoul(colon + 1, NULL, 10);
}

static bool delay_url(const char *url, unsigned round_trip, struct delay *delay, char *ret_url)
{
    if (round_trip == 0) {
        snprintf(ret_url, TEXT_SIZE, "%s", url);
        return true;
    }
    if (!delay_start(port_of(url), round_trip, delay)) {
        fprintf(stderr, "bench: no proxy of %u ms could be started\n", round_trip);
        return false;
    }
    snprintf(ret_url, TEXT_SIZE, "https://localhost:%u", delay->port);
    return true;
}

static bool make_places(const char *vault_url, const char *identity_url)
{
    for (unsigned i = 0; i < PLACES; i++) {
        struct place *place = &world.places[i];

        place->round_trip = round_trips[i];
        if (!delay_url(vault_url, round_trips[i], &place->vault, place->vault_url) ||
            !delay_url(identity_url, round_trips[i], &place->identity, place->identity_url)) {
            return false;
        }
    }
    return true;
}

bool world_make(bool quick)
{
    const char *vault_url = variable("VAULT_URL"), *identity_url = variable("IDENTITY_URL");

    world.ca = variable("VAULT_CA");
    world.tenant = variable("TENANT_ID");
    world.client_id = variable("CLIENT_ID");
    world.client_secret_file = variable("CLIENT_SECRET_FILE");
    world.dir = variable("TOKENS_DIR");
    world.builddir = variable("BUILDDIR");
    world.srcdir = variable("SRCDIR");
    world.quick = quick;
    known = mmap(NULL, sizeof *known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (vault_url == NULL || identity_url == NULL || world.ca == NULL || world.tenant == NULL ||
        world.client_id == NULL || world.client_secret_file == NULL || world.dir == NULL ||
        world.builddir == NULL || world.srcdir == NULL || known == MAP_FAILED) {
        return false;
    }
    return make_places(vault_url, identity_url);
}

void world_end(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        delay_end(&world.places[i].vault);
        delay_end(&world.places[i].identity);
    }
}

struct place *place_at(unsigned round_trip)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (world.places[i].round_trip == round_trip) {
            return &world.places[i];
        }
    }
    return NULL;
}

/* --- The module's configuration --- */

static void write_token(FILE *file, const struct configuration *how, const char *label, unsigned named)
{
    fprintf(file, "token \"%s\" {\n backend = keyvault\n vault = \"%s\"\n keys = {\"kek\"", label,
            how->place->vault_url);
    for (unsigned i = 0; i < named; i++) {
        fprintf(file, ", \"extra-%u\"", i);
    }
    fprintf(file,
            "}\n identity = client-secret\n tenant = \"%s\"\n client-id = \"%s\"\n client-secret-file = "
            "\"%s\"\n authority = \"%s\"\n ca-file = \"%s\"\n}\n",
            world.tenant, world.client_id, world.client_secret_file, how->place->identity_url,
            how->ca == NULL ? world.ca : how->ca);
}

bool world_configure(const struct configuration *how)
{
    char path[TEXT_SIZE];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.conf", world.dir, how->name);
    file = fopen(path, "we");
    if (file == NULL) {
        perror(path);
        return false;
    }
    fprintf(file, "log = \"warning stderr\"\n%s", how->first_token == NULL ? "" : how->first_token);
    write_token(file, how, "vault", how->named);
    if (how->also_named != 0) {
        write_token(file, how, "other", how->also_named);
    }
    setenv("BYOK_PKCS11_CONF", path, 1);
    return fclose(file) == 0;
}

/* --- The stand-in --- */

static struct standin_process standin(void)
{
    static char url[TEXT_SIZE];

    snprintf(url, sizeof url, "%s", getenv("CONTROL_URL"));
    return (struct standin_process){.control_url = url};
}

void counts_reset(void)
{
    struct standin_process process = standin();

    free(standin_control(&process, "DELETE", "/counts", NULL));
}

long counts_of(const char *word)
{
    struct standin_process process = standin();

    return standin_count(&process, word);
}

static bool put(const char *path, const char *json)
{
    struct standin_process process = standin();
    char *answer = standin_control(&process, "PUT", path, json);

    free(answer);
    return answer != NULL;
}

bool world_opens_once(bool once)
{
    return put("/settings", once ? "{\"opens_once\":true}" : "{\"opens_once\":false}");
}

bool world_put_key(unsigned number, const char *json)
{
    char path[64];

    snprintf(path, sizeof path, "/keys/extra-%u", number);
    return put(path, json);
}
