/* Versions of the key service in memory. */
#include "tests/fake_versions.h"
#include <stdio.h>
#include <string.h>

enum { MOST_OLDER = 8 };

static char older[MOST_OLDER][KEY_NAME_SIZE + KEY_VERSION_SIZE];
static size_t older_count;

static CK_RV each_version(struct key_service *service, const char *name, struct deadline deadline,
                          key_visitor *visit, void *arg, struct service_answer *ret_answer)
{
    CK_RV rv = fake_request(service, FAKE_LIST_VERSIONS, NULL, deadline, NULL, ret_answer);
    const struct fake_version *version;
    struct key_info info;

    if (rv == CKR_OK && fake_version_at(service, name, 0) == NULL) {
        ret_answer->verdict = VERDICT_GONE;
        return CKR_KEY_HANDLE_INVALID;
    }
    for (unsigned i = 0; rv == CKR_OK && (version = fake_version_at(service, name, i)) != NULL; i++) {
        info = (struct key_info){.enabled = version->enabled, .created = version->created};
        snprintf(info.name, sizeof info.name, "%s", name);
        snprintf(info.version, sizeof info.version, "%s", version->version);
        if (!visit(arg, &info)) {
            break;
        }
    }
    return rv;
}

static void each_older(struct key_service *service, key_ref_visitor *visit, void *arg)
{
    char name[KEY_NAME_SIZE];
    struct key_ref ref = {name};

    (void)service;
    for (size_t i = 0; i < older_count; i++) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(older[i], "/"), older[i]);
        ref.version = strchr(older[i], '/') + 1;
        visit(arg, &ref);
    }
}

void fake_offer_versions(struct key_service *service)
{
    fake_ops(service)->each_version = each_version;
}

void fake_configure_older(struct key_service *service, const char *text)
{
    fake_ops(service)->each_older = each_older;
    if (text == NULL) {
        older_count = 0;
        return;
    }
    snprintf(older[older_count++], sizeof older[0], "%s", text);
}

unsigned fake_asked(struct key_service *service, const char *name, unsigned index)
{
    return fake_version_at(service, name, index)->asked;
}
