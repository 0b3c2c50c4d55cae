/*
 * What a recorded answer means for our client, read off its status and body by rules of their own (the
 * service's documentation, and what this project decided), beside what our code made of it.
 */
#ifndef TRUTH_CONCLUSIONS_H
#define TRUTH_CONCLUSIONS_H

#include "backends/keyvault/vault_json.h"
#include "tests/truth/recorded.h"

/* What our client can ask. */
enum ask {
    ASK_LIST,
    ASK_VERSIONS,
    ASK_GET,
    ASK_WRAP,
    ASK_UNWRAP,
    ASK_ENCRYPT,
    ASK_DECRYPT,
    ASK_SIGN,
    ASK_RANDOM,
    ASK_CERTIFICATES,
    ASK_CERTIFICATE,
    ASKS
};
/* As the recordings call them. */
extern const char *const ask_words[ASKS];

struct conclusion {
    enum service_verdict verdict;
    CK_RV rv;
};

/* Of an answer that is no success. `body`: what came as JSON, or anything else. */
struct conclusion conclusion_of(enum ask ask, unsigned status, const cJSON *body);

/* Fails the test where `info` is not what `bundle` says. `of_list`: an item, which tells less. */
void expect_key(const struct key_info *info, const cJSON *bundle);
void expect_item(const struct key_info *info, const cJSON *item);
/* A whole page, by the parser. */
void expect_page(const cJSON *page);
/* Octets that this base64url text says. */
void expect_octets(struct bytes got, const char *encoded);
/* What base64url says, in a buffer that the caller frees. */
void decode(const char *encoded, struct buffer *ret_octets);
/* A JSON document as it would come, given to the parsers of bundles, operations and pages: who takes it? */
void expect_parsers(const cJSON *body);

#endif
