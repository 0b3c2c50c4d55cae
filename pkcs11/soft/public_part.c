/* One answer about a key of the service. */
#include "pkcs11/soft/public_part.h"
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_PEM = 64 * 1024 };

struct public_part *public_part_new(void)
{
    struct public_part *part = calloc(1, sizeof *part);

    if (part != NULL) {
        atomic_init(&part->holders, 1);
        part->at = clock_now();
    }
    return part;
}

struct public_part *public_part_hold(struct public_part *part)
{
    if (part != NULL) {
        atomic_fetch_add_explicit(&part->holders, 1, memory_order_relaxed);
    }
    return part;
}

void public_part_free(struct public_part *part)
{
    if (part != NULL && atomic_fetch_sub_explicit(&part->holders, 1, memory_order_acq_rel) == 1) {
        key_info_done(&part->info);
        free(part);
    }
}

/* NULL: no file of that name. */
static char *pem_path(const char *name, const char *directory)
{
    char *path;

    if (directory == NULL || strchr(name, '/') != NULL || name[0] == '.' ||
        asprintf(&path, "%s/%s.pem", directory, name) < 0) {
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

struct public_part *public_part_from_file(const char *name, const char *label, const char *directory)
{
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(LONGEST_PEM);
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    char *path SCOPED(scope_free) = pem_path(name, directory);

    if (path == NULL || file_read(label, "public-keys", path, &pem, NULL) != CKR_OK) {
        return NULL;
    }
    part = public_part_new();
    if (part == NULL) {
        return NULL;
    }
    if (rsa_public_from_pem(buffer_bytes(&pem), &part->info.rsa) != CKR_OK) {
        log_warning(label, "%s holds no RSA public key or certificate; key %s goes without it", path, name);
        return NULL;
    }
    snprintf(part->info.name, sizeof part->info.name, "%s", name);
    part->info.type = KEY_TYPE_RSA;
    part->info.enabled = true;
    return take(part);
}
