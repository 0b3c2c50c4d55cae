/* One line for each key, or each version of one. */
#ifndef BYOK_TOOLS_KEYS_H
#define BYOK_TOOLS_KEYS_H

#include "backends/backend.h"
#include "backends/key_service.h"
#include "tools/duration.h"
#include "tools/keks.h"
#include "tools/start.h"

struct key_line {
    char name[KEK_LABEL_SIZE];
    char version[KEY_VERSION_SIZE]; /* "": not known, or there are none */
    char type[16];                  /* "RSA 2048", "RSA-HSM 3072"; "": not known */
    const char *state;              /* "enabled", "disabled", "expired", "not yet valid", "not told" */
    char created[DATE_SIZE], not_before[DATE_SIZE], expires[DATE_SIZE];
    bool in_use;
};

struct key_list {
    struct diagnosis *diagnosis;
    bool json;
    bool headed; /* the first line has been printed */
};

void key_list_add(struct key_list *list, const struct key_line *line);
void key_list_failed(struct key_list *list, const char *what, const char *key, CK_RV rv);

/* The keys of a section; `in` is a session of its token. */
void keys_of_service(const struct kek_search *in, const struct settings *section, struct key_list *list);
void keys_of_token(const struct kek_search *in, struct key_list *list);

#endif
