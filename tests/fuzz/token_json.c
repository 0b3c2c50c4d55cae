/* What one who gives tokens answers, read in each dialect; and a token, read for its end. */
#include "backends/keyvault/identity/token_json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000, WEEK = 7 * 24 * 60 * 60, TOKEN_MOST = 512 };

/* What comes back may stand in a header, and lasts no longer than it may. */
static void check(CK_RV rv, const struct buffer *token, int64_t lifetime)
{
    if (rv == CKR_OK && (token->size > TOKEN_MOST || strlen(buffer_text(token)) != token->size ||
                         !token_is_valid(buffer_text(token)) || lifetime < 0 || lifetime > WEEK)) {
        abort();
    }
}

static void read_answers(struct bytes body)
{
    struct buffer token = BUFFER_INIT(TOKEN_MOST);
    int64_t lifetime = -1;

    check(token_json_read(body, &token, &lifetime), &token, lifetime);
    check(token_json_read_machine(body, NOW, &token, &lifetime), &token, lifetime);
    check(token_json_read_cli(body, NOW, &token, &lifetime), &token, lifetime);
    buffer_free(&token);
}

static void read_refusal(struct bytes body)
{
    struct token_error error;

    if (token_json_read_error(body, &error) && memchr(error.error, 0, sizeof error.error) == NULL) {
        abort();
    }
    (void)token_json_says(body, "not found");
}

static void read_token(struct bytes text)
{
    char *token = strndup((const char *)text.data, text.size);
    int64_t end;

    if (token != NULL) {
        (void)token_read_end(token, &end);
    }
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_answers(bytes_of(data, size));
    read_refusal(bytes_of(data, size));
    read_token(bytes_of(data, size));
    return 0;
}
