/* Versions of the key service in memory, where a test wants them to be known: listed, and named as older ones. */
#ifndef BYOK_TESTS_FAKE_VERSIONS_H
#define BYOK_TESTS_FAKE_VERSIONS_H

#include "tests/fake_key_service.h"

/* Its versions may be listed (FAKE_LIST_VERSIONS). Before a token is opened. */
void fake_offer_versions(struct key_service *service);
/* The configuration names this one ("name/version") as an older one; NULL: none of them any more. */
void fake_configure_older(struct key_service *service, const char *text);

/* Requests that chose a version of it, whatever they asked. */
unsigned fake_asked(struct key_service *service, const char *name, unsigned index);

#endif
