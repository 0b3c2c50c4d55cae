/* What PUT /settings changes. One table says name, type and default of each. */
#ifndef STANDIN_SETTINGS_H
#define STANDIN_SETTINGS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

struct settings {
    int token_lifetime;      /* seconds */
    int page_size;           /* items on a page at most, whatever the request says */
    int empty_pages;         /* empty pages with a nextLink before each page, and an empty one at the end */
    int permission_delay_ms; /* until a change of permissions is seen */
    int assertion_skew;      /* seconds by which a client's clock may be wrong */
    int arc_key_size;        /* octets of Arc's key files; 0: as usual */
    int leeway;              /* seconds of grace at nbf and exp */
    int recoverable_days;    /* 0: no soft delete, and the attribute is absent */
    bool disabled_encrypts;  /* a disabled key encrypts, wraps and verifies, as one report says */
    bool rbac;               /* refusals are worded as of role assignments, not of an access policy */
    char recovery_level[64];
    char audience[128];      /* what tokens must be for, and what the challenge names */
    char mhsm_audience[128]; /* the same of the Managed HSM */
    char arc_realm[256];     /* what Arc's challenge names instead of its file */
};

void settings_init(struct settings *settings);
/* False: a name that is not there or a value of the wrong type; ret_wrong names it. Nothing is changed then.
 */
bool settings_change(struct settings *settings, const cJSON *changes, const char **ret_wrong);
cJSON *settings_json(const struct settings *settings);

#endif
