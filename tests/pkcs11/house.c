/* See house.h. */
#include "tests/pkcs11/house.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 512, PATHS = 8, LOG_ROOM = 1 << 16 };

static char folder[64];
static char paths[PATHS][PATH_ROOM];
static char log_text[LOG_ROOM];

static char *next_path(void)
{
    static unsigned next;

    return paths[next++ % PATHS];
}

const char *house_path(const char *name)
{
    char *path = next_path();

    snprintf(path, PATH_ROOM, "%s/%s", folder, name);
    return path;
}

int house_build(void **state)
{
    char value[PATH_ROOM + 16];

    (void)state;
    strcpy(folder, "/tmp/byok-house.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(value, sizeof value, "debug:file:%s", house_path("log"));
    setenv("BYOK_PKCS11_LOG", value, 1);
    setenv("HOME", house_path("no-such-folder"), 1);
    setenv("XDG_CONFIG_HOME", house_path("no-such-folder"), 1);
    unsetenv("BYOK_PKCS11_CONF");
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

int house_tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static __attribute__((format(printf, 2, 0))) const char *write_file(const char *name, const char *format,
                                                                    va_list arguments)
{
    const char *path = house_path(name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_true(vdprintf(file, format, arguments) >= 0);
    close(file);
    return path;
}

const char *house_write(const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const char *path = write_file(name, format, arguments);

    va_end(arguments);
    return path;
}

void house_configure(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    setenv("BYOK_PKCS11_CONF", write_file("byok-pkcs11.conf", format, arguments), 1);
    va_end(arguments);
}

const char *house_built(const char *name)
{
    const char *builddir = getenv("BUILDDIR");
    char *path = next_path();

    snprintf(path, PATH_ROOM, "%s/%s", builddir == NULL ? "." : builddir, name);
    return path;
}

const char *house_fake_uri(int token)
{
    const char *builddir = getenv("BUILDDIR");
    char *uri = next_path();

    snprintf(uri, PATH_ROOM, "pkcs11:token=fake-%d?module-path=%s/tests/pkcs11/.libs/fake_module.so", token,
             builddir == NULL ? "." : builddir);
    return uri;
}

void house_configure_fakes(void)
{
    house_configure("token \"first\" {\n backend = hsm\n uri = \"%s\"\n}\n"
                    "token \"second\" {\n backend = hsm\n uri = \"%s\"\n}\n",
                    house_fake_uri(0), house_fake_uri(1));
}

struct fake_module *house_fake(void)
{
    void *module = dlopen(house_built("tests/pkcs11/.libs/fake_module.so"), RTLD_NOW | RTLD_LOCAL);

    if (module == NULL) {
        fail_msg("%s", dlerror());
    }
    struct fake_module *fake = dlsym(module, "fake_module");

    assert_non_null(fake);
    return fake;
}

const char *house_log(void)
{
    const char *path = house_path("log");
    FILE *file = fopen(path, "r");
    size_t size = 0;

    if (file != NULL) {
        size = fread(log_text, 1, sizeof log_text - 1, file);
        fclose(file);
        remove(path);
    }
    log_text[size] = '\0';
    return log_text;
}

CK_SESSION_HANDLE house_session(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;

    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_not_equal(session, 0);
    return session;
}
