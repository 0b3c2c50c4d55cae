/*
 * Options of a section that are texts: required ones, plain ones, addresses.
 * What is wrong is refused with its line.
 */
#ifndef BYOK_BACKENDS_KEYVAULT_OPTION_TEXT_H
#define BYOK_BACKENDS_KEYVAULT_OPTION_TEXT_H

#include "backends/base/settings.h"
#include "backends/keyvault/key_id.h"

/* strdup(). CKR_HOST_MEMORY. */
MUST_USE CK_RV option_copy(const char *text, char **ret_copy);

/* The option, which must be there; `what` it is stands in the refusal. ret_text is the section's. */
MUST_USE CK_RV option_require(const struct settings *section, const char *name, const char *what,
                              const char **ret_text);

/*
 * Letters, digits, hyphens and dots: an ID or a domain name,
 * and nothing that could leave its place in an address.
 */
bool option_is_plain(const char *text);

/*
 * Reads `text`, https://HOST[:PORT] with at most a slash behind it; ret_url is written anew, without the
 * slash and without :443. CKR_DATA_INVALID: it is something else. CKR_HOST_MEMORY.
 */
MUST_USE CK_RV option_parse_url(const char *text, struct place *ret_place, char **ret_url);

/* The same of an option's text. */
MUST_USE CK_RV option_read_url(const struct settings *section, const char *name, const char *text,
                               const char *example, struct place *ret_place, char **ret_url);

#endif
