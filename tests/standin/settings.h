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
    int key_delay_ms;        /* until a new or changed key is seen by any request but those that change it */
    int assertion_skew;      /* seconds by which a client's clock may be wrong */
    int arc_key_size;        /* octets of Arc's key files; 0: as usual */
    int leeway;              /* seconds of grace at nbf and exp */
    int clock_ahead;         /* seconds by which the vault's Date header is ahead */
    int recoverable_days;    /* 0: no soft delete, and the attribute is absent */
    int delete_delay_ms;     /* how long a deleted key is not yet among the deleted ones */
    int recover_delay_ms;    /* and a recovered one not yet among the keys */
    bool keep_leading_zeros; /* imported numbers are told as they came; else so up to api-version 7.2 */
    bool tell_exportable;    /* the attribute; before 2022 the vault did not, in api-version 7.3 either */
    bool mhsm_rotation;      /* the Managed HSM rotates; once it did not */
    int quota_per_10s; /* what a vault does in 10 s, as quota.h weighs it; 0: no limit (a true one: 4000) */
    int quota_per_second;   /* requests a second, vault and Managed HSM each; 0: no limit */
    bool firewall;          /* nobody's address is allowed */
    bool private_link;      /* nobody comes by a private link, and no other way is open */
    bool challenge_uri;     /* authorization_uri= instead of authorization= */
    bool disabled_encrypts; /* a disabled key encrypts, wraps and verifies, as one report says */
    bool rbac;              /* refusals are worded as of role assignments, not of an access policy */
    bool opens_once;        /* what was opened last is answered from memory: RSA is most of the time */
    char recovery_level[64];
    char audience[128];      /* what tokens must be for, and what the challenge names */
    char mhsm_audience[128]; /* the same of the Managed HSM */
    char challenge_by[16];   /* "resource"; "scope"; "both": a wrong resource, and the scope */
    char challenge_resource[128], challenge_tenant[64], challenge_authority[128]; /* "": the true ones */
    char challenge_header[512];                                                   /* all of it; "": not so */
    char token_tenant[64];      /* who issues tokens; "": our own */
    char quota_retry_after[64]; /* the header of a 429 by the quota; "": none, as a true one */
    char arc_realm[256];        /* what Arc's challenge names instead of its file */
};

void settings_init(struct settings *settings);
/*
 * False: a name that is not there or a value of the wrong type;
 * ret_wrong names it. Nothing is changed then.
 */
bool settings_change(struct settings *settings, const cJSON *changes, const char **ret_wrong);
cJSON *settings_json(const struct settings *settings);

#endif
