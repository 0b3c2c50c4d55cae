/* What the files of vault_diagnose share. */
#ifndef BYOK_BACKENDS_KEYVAULT_VAULT_DIAGNOSE_PRIVATE_H
#define BYOK_BACKENDS_KEYVAULT_VAULT_DIAGNOSE_PRIVATE_H

#include "backends/diagnosis.h"
#include "backends/keyvault/keyvault_private.h"
#include "backends/keyvault/vault_report.h"

enum { EXAMINED_DATE_SIZE = 32, EXAMINED_KEY_SIZE = KEY_NAME_SIZE + KEY_VERSION_SIZE };

/* What has been said of the clocks: nothing, for no answer told its time yet; that they agree; that they do not. */
enum clock_told { CLOCK_NOT_TOLD, CLOCK_RIGHT, CLOCK_WRONG };

struct examination {
    const struct settings *section;
    const struct keyvault *vault;
    struct diagnosis *diagnosis;
    enum clock_told *clock;
};

/* Name, proxy, TLS, clock, and whether it is a vault that answers. False: there is no way. */
bool vault_diagnose_way(const struct examination *examination);
/* Files, token. False: there is no token. */
bool vault_diagnose_identity(const struct examination *examination);
/* Keys, and with each of them the permissions. False: nothing can be asked there. */
bool vault_diagnose_keys(const struct examination *examination);

/* One key while it is examined. */
struct examined_key {
    const struct examination *examination;
    bool listed; /* list is permitted */
    bool named;  /* by the configuration; of others that are only there, what they cannot do is no failure */
    struct key_ref key;
    char text[EXAMINED_KEY_SIZE]; /* NAME[/VERSION] */
    struct key_info info;
    bool told;  /* info is more than a name */
    bool wraps; /* its dates let it wrap, as far as is known */
};

/* Type, operations, dates, versions, what becomes of it when it is deleted. False: it is disabled. */
bool vault_diagnose_properties(struct examined_key *examined);
/* Each of its uses. */
void vault_diagnose_permissions(const struct examined_key *examined);

/* For one request: not so long as an application would wait. */
struct deadline vault_diagnose_time(const struct examination *examination);

/*
 * A finding in the words that the log just had for a request that failed: what happened, and behind it what to
 * do.
 */
void vault_diagnose_tell(const struct examination *examination, enum finding_status status,
                         const char *check);

/* What a key cannot do because of what it is. */
enum finding_status vault_diagnose_fault(bool named);
void vault_diagnose_tell_fault(const struct examined_key *examined, const char *check, const char *advice,
                               const char *text);

/* This machine's clock beside that of an answer (seconds since 1970, 0: it told none): what is new of it. */
void vault_diagnose_clock(const struct examination *examination, int64_t theirs);

/* "2026-01-31 12:00:00 UTC" of seconds since 1970. */
void vault_diagnose_date(int64_t seconds, char ret_text[EXAMINED_DATE_SIZE]);
/* "3 days", "59 minutes", "1 second". */
void vault_diagnose_span(int64_t seconds, char ret_text[EXAMINED_DATE_SIZE]);

#endif
