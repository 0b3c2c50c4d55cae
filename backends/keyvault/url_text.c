/* Percent-encoding. */
#include "backends/keyvault/url_text.h"
#include <string.h>

CK_RV url_append_encoded(struct buffer *to, struct bytes value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK && i < value.size; i++) {
        if (value.data[i] != 0 && strchr(plain, value.data[i]) != NULL) {
            rv = buffer_append(to, &value.data[i], 1);
        } else {
            rv = buffer_printf(to, "%%%02X", value.data[i]);
        }
    }
    return rv;
}
