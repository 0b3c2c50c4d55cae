/* Each test copies the fake module, so each has a library that nobody has initialised. */
#include "tests/backends/hsm/fake_bench.h"
#include <dlfcn.h>
#include <stdio.h>

struct fake_hsm *fake;

static void *library;

int fake_set_up(void **state)
{
    fake_hsm_state_function *get;

    if (bench_set_up(state) != 0) {
        return -1;
    }
    bench_copy(FAKE_HSM, "fake.so");
    library = dlopen(bench_path("fake.so"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    *(void **)&get = dlsym(library, "fake_hsm_state");
    fake = get();
    return 0;
}

int fake_tear_down(void **state)
{
    int failed = bench_tear_down(state);

    dlclose(library);
    return failed;
}

const char *fake_uri(const char *token, const char *more)
{
    static char uris[4][PATH_MAX];
    static unsigned next;
    char *uri = uris[next++ % 4];

    snprintf(uri, PATH_MAX, "pkcs11:%s?module-path=%s%s", token, bench_path("fake.so"), more);
    return uri;
}

const char *fake_pin_uri(const char *token, const char *pin)
{
    char more[BENCH_PATH + 32];

    bench_write("pin", "%s\n", pin);
    snprintf(more, sizeof more, "&pin-source=file:%s", bench_path("pin"));
    return fake_uri(token, more);
}
