/* One answer about a key of the service. */
#include "pkcs11/soft/public_part.h"
#include "backends/base/file.h"
#include "backends/base/log.h"
#include "backends/base/scope.h"
#include "pkcs11/soft/certificate.h"
#include "pkcs11/soft/key_numbers.h"
#include "pkcs11/soft/pem.h"
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

/* A public key; else a certificate of it. */
static CK_RV read_numbers(struct bytes pem, struct key_numbers *ret_numbers)
{
    struct buffer der SCOPED(buffer_free) = BUFFER_INIT(LONGEST_PEM);
    struct certificate *certificate SCOPED(certificate_free_scoped) = NULL;
    CK_RV rv = pem_read(pem, "PUBLIC KEY", &der);

    if (rv == CKR_OK) {
        return key_numbers_from_info(buffer_bytes(&der), ret_numbers);
    }
    rv = pem_read(pem, "CERTIFICATE", &der);
    if (rv == CKR_OK) {
        rv = certificate_new(buffer_bytes(&der), &certificate);
    }
    return rv == CKR_OK ? key_numbers_from_info(buffer_bytes(&certificate->info), ret_numbers) : rv;
}

struct public_part *public_part_from_file(const char *name, const char *label, const char *directory)
{
    struct buffer pem SCOPED(buffer_free) = BUFFER_INIT(LONGEST_PEM);
    struct public_part *part SCOPED(public_part_free_scoped) = NULL;
    char *path SCOPED(scope_free) = pem_path(name, directory);
    struct key_numbers numbers;

    if (path == NULL || file_read(label, "public-keys", path, &pem, NULL) != CKR_OK) {
        return NULL;
    }
    part = public_part_new();
    if (part == NULL) {
        return NULL;
    }
    if (read_numbers(buffer_bytes(&pem), &numbers) != CKR_OK) {
        log_warning(label, "%s holds no RSA or EC public key or certificate; key %s goes without it", path,
                    name);
        return NULL;
    }
    part->info.rsa = take(numbers.rsa);
    part->info.ec = take(numbers.ec);
    key_numbers_done(&numbers);
    snprintf(part->info.name, sizeof part->info.name, "%s", name);
    part->info.type = part->info.rsa != NULL ? KEY_TYPE_RSA : KEY_TYPE_EC;
    part->info.enabled = true;
    return take(part);
}
