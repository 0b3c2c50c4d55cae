/* Errors that are ours, and errors that are not. */
#include "backends/base/libcrypto_errors.h"
#include "backends/base/log.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16, TEXT_SIZE = 128 }; /* as many as OpenSSL keeps */

struct kept_error {
    unsigned long code;
    int line;
    char file[TEXT_SIZE], function[TEXT_SIZE], data[TEXT_SIZE];
};

struct libcrypto_kept {
    unsigned count;
    struct kept_error errors[MOST];
};

static void tell(const char *doing, unsigned long code)
{
    char text[256];

    if (log_wants(LOG_LEVEL_DEBUG)) {
        ERR_error_string_n(code, text, sizeof text);
        log_debug(NULL, "OpenSSL, %s: %s", doing, text);
    }
}

/* An empty queue cannot be marked, and need not be. */
struct libcrypto_errors libcrypto_errors(const char *doing)
{
    struct libcrypto_errors errors = {doing, ERR_peek_last_error(), false};

    if (errors.last != 0) {
        ERR_set_mark();
    }
    return errors;
}

/* The first error is nearest to its cause; where others stand before it, the last one is all that can be
 * seen. */
void libcrypto_errors_done(const struct libcrypto_errors *errors)
{
    if (errors->none && errors->last == 0) {
        return;
    }
    unsigned long last = ERR_peek_last_error();

    if (last != errors->last) {
        tell(errors->doing, errors->last == 0 ? ERR_peek_error() : last);
    }
    if (errors->last != 0) {
        ERR_pop_to_mark();
    } else if (last != 0) {
        ERR_clear_error();
    }
}

struct libcrypto_kept *libcrypto_errors_take(void)
{
    struct libcrypto_kept *kept = ERR_peek_error() == 0 ? NULL : calloc(1, sizeof *kept);

    while (kept != NULL && kept->count < MOST) {
        struct kept_error *error = &kept->errors[kept->count];
        const char *file, *function, *data;
        int flags;

        error->code = ERR_get_error_all(&file, &error->line, &function, &data, &flags);
        if (error->code == 0) {
            break;
        }
        snprintf(error->file, TEXT_SIZE, "%s", file);
        snprintf(error->function, TEXT_SIZE, "%s", function);
        snprintf(error->data, TEXT_SIZE, "%s", (flags & ERR_TXT_STRING) != 0 ? data : "");
        kept->count++;
    }
    return kept;
}

void libcrypto_errors_give_back(struct libcrypto_kept *kept, const char *doing)
{
    unsigned long first = ERR_peek_error();

    if (first != 0) {
        tell(doing, first);
        ERR_clear_error();
    }
    for (unsigned i = 0; kept != NULL && i < kept->count; i++) {
        const struct kept_error *error = &kept->errors[i];

        ERR_new();
        ERR_set_debug(error->file, error->line, error->function);
        ERR_set_error(ERR_GET_LIB(error->code), ERR_GET_REASON(error->code),
                      error->data[0] == 0 ? NULL : "%s", error->data);
    }
    free(kept);
}
