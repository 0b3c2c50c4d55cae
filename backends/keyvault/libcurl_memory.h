/*
 * Memory for libcurl that forgets: what it frees is wiped first. It builds each request, with the access
 * token in it, in blocks that it frees as they are, and no option of an easy handle changes that.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_LIBCURL_MEMORY_H
#define BYOK_BACKENDS_KEYVAULT_LIBCURL_MEMORY_H

#include <curl/curl.h>

/*
 * curl_global_init() with such memory. It is malloc's own, so that blocks from before, or freed by somebody
 * who knows nothing of it, are at home. Where the host was first to initialise libcurl its choice stands:
 * then freed blocks keep the token until they are used again. A host that comes second with an
 * allocator of its own does not get it: the first one counts in libcurl.
 */
CURLcode libcurl_memory_init(void);

#endif
