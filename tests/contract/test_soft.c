/*
 * The suite over the soft token alone: the module with one kind of key store, a key service in memory. The
 * table of kinds stands here in the place of backends/backend.c, which the linker therefore leaves in the
 * library.
 */
#include "backends/backend.h"
#include "tests/contract/contract.h"
#include "tests/fake_key_service.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static CK_RV open_fake(const struct settings *section, struct key_service **ret_service)
{
    struct key_service *service = fake_key_service_new();

    (void)section;
    fake_add(service, "kek", 2048);
    fake_configure(service, "kek");
    *ret_service = service;
    return CKR_OK;
}

static void forget_nothing(void)
{
}

static const struct backend_kind fake_kind = {
    .name = "fake", .open_service = open_fake, .after_fork = forget_nothing};

const struct backend_kind *const backend_kinds[] = {&fake_kind, NULL};
const char *const backend_words[] = {"fake", NULL};

const struct backend_kind *backend_kind_of(const struct settings *section)
{
    (void)section;
    return &fake_kind;
}

void backend_after_fork(void)
{
}

static void write_configuration(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file != NULL) {
        fputs("token \"soft\" {\n    backend = fake\n}\n", file);
        fclose(file);
    }
}

int main(void)
{
    char folder[] = "/tmp/byok-contract.XXXXXX", path[64];
    CK_FUNCTION_LIST *functions;

    if (mkdtemp(folder) == NULL || C_GetFunctionList(&functions) != CKR_OK) {
        return 99;
    }
    snprintf(path, sizeof path, "%s/conf", folder);
    write_configuration(path);
    setenv("BYOK_PKCS11_CONF", path, 1);
    setenv("BYOK_PKCS11_LOG", "warning:stderr", 1);
    int failed = contract_begin(functions, "soft") ? contract_run() : 99;

    unlink(path);
    rmdir(folder);
    return failed;
}
