/* Whatever decodes must encode to the same text again; what does not leaves the buffer as it was. */
#include "backends/base/base64url.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer text = BUFFER_INIT(1 << 16), plain = BUFFER_INIT(1 << 16), again = BUFFER_INIT(1 << 16);

    if (buffer_append(&text, data, size) == CKR_OK) {
        if (base64url_decode(buffer_text(&text), &plain) != CKR_OK) {
            if (plain.size != 0) {
                abort();
            }
        } else if (base64url_encode(buffer_bytes(&plain), &again) != CKR_OK ||
                   strcmp(buffer_text(&again), buffer_text(&text)) != 0) {
            abort();
        }
    }
    buffer_free(&text);
    buffer_free(&plain);
    buffer_free(&again);
    return 0;
}
