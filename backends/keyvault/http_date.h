/* Dates in the headers of HTTP (RFC 9110, 5.6.7). */
#ifndef BYOK_BACKENDS_KEYVAULT_HTTP_DATE_H
#define BYOK_BACKENDS_KEYVAULT_HTTP_DATE_H

#include <stdint.h>

/* Seconds since 1970, -1: no date. The one form that is sent today is read here, the rest by libcurl. */
int64_t http_date_read(const char *text);

#endif
