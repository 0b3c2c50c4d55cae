/* What the section's options mean on a bad day. */
#include "tools/check.h"
#include "tools/duration.h"
#include <string.h>

static void tell_outage(const struct settings *section, struct diagnosis *diagnosis)
{
    int64_t lease = settings_milliseconds(section, "lease");
    const char *outage = settings_text(section, "outage");
    char text[DURATION_SIZE];

    if (outage != NULL && strcmp(outage, "keep") == 0) {
        diagnosis_warn(
            diagnosis, "outage", "outage = close, unless working on matters more than the owner's control",
            "while the vault cannot be reached, unwrapped keys stay usable without limit (outage = keep)");
        return;
    }
    diagnosis_ok(
        diagnosis, "outage",
        "when the vault cannot be reached, new keys cannot be unwrapped; those in use work for %s after "
        "the last answer, then close, and open by themselves when it answers again",
        duration_text(lease, text));
}

static void tell_revocation(const struct settings *section, struct diagnosis *diagnosis)
{
    int64_t check = settings_milliseconds(section, "lease-check");
    char soon[DURATION_SIZE], late[DURATION_SIZE];

    diagnosis_ok(
        diagnosis, "revocation",
        "when the key is disabled, keys unwrapped by it close within %s; when a permission is taken away or "
        "the key deleted, within %s; when the identity is disabled, at the end of its token",
        duration_text(check, soon), duration_text(check * 14 / 10, late));
}

void check_outage(const struct settings *section, struct diagnosis *diagnosis)
{
    if (backend_kind_of(section)->open_service == NULL) {
        diagnosis_ok(
            diagnosis, "outage",
            "when the HSM cannot be reached, nothing works that is asked of it; it is found again by the "
            "next C_OpenSession");
        return;
    }
    if (settings_milliseconds(section, "lease") < 0) {
        diagnosis_warn(
            diagnosis, "revocation", "leave `lease` at 1h, unless this is meant",
            "lease = off: keys that were unwrapped stay usable when their owner takes the key away");
        return;
    }
    tell_outage(section, diagnosis);
    tell_revocation(section, diagnosis);
}
