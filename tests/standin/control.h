/*
 * The control port: plain HTTP and JSON, for tests only.
 *
 *   PUT /keys/NAME   {"kty","size","crv","versions"} makes the key, or more versions of it up to that number;
 *                    {"rotate":true} one more; {"enabled","nbf","exp","exportable","key_ops"} is set on all
 *                    its versions, or on the one that "version" names (an id, or "latest");
 *                    {"deleted":true|false}, at once, also what was on its way; {"managed":true} backs a certificate
 *   GET /keys, /keys/NAME      what is there, newest version first
 *   DELETE /keys/NAME          as if deleted: the vault answers 404
 *   DELETE /keys               as if there had never been any
 *   /mhsm/keys...              the same of the Managed HSM
 *
 *   PUT /callers/ID  {"permissions": ["list","get","wrapKey",...], "secret", "disabled"};
 *                    {"certificate": PEM} is one more of its own;
 *                    {"issuer","subject"} whose federated tokens speak for it;
 *                    {"managed": "system" | {"object_id","resource_id"} | false} is the machine's;
 *                    {"claims": JSON | [JSON, ...] | null} its tokens are challenged with these claims until
 *                    one is shown that was fetched with them, and then with the next
 *   PUT /callers/ID/WORD       one of these, by its value alone
 *   PUT /federated-token       {"expires_in","issuer","subject","audience"} writes FEDERATED_TOKEN_FILE
 *                    anew; {"false_key":true} signed by another key; {"text"} or just this
 *
 *   PUT, POST, GET, DELETE /faults   the list (faults.h); POST adds to it
 *   GET, DELETE /counts        requests by kind, connections; GET /requests: what was asked, in order
 *   PUT, GET /settings         settings.h; DELETE: as at the start; the quota begins anew
 *
 * 200 with JSON; 400 with {"error":...} where a word is unknown or a value wrong.
 */
#ifndef STANDIN_CONTROL_H
#define STANDIN_CONTROL_H

#include "tests/standin/server.h"

extern const struct server_kind control_service;

/* control_keys.c. With the lock; name "" is all of them. */
void control_keys(const struct standin *standin, struct key_store *store, const char *method,
                  const char *name, const cJSON *body, struct answer *answer);
/* Without the lock: makes the pairs of a key's versions. */
void control_prepare(struct standin *standin, struct key_store *store, const char *name);
/* control_callers.c. With the lock; `rest` is what follows /callers/. False: a 400 was given. */
bool control_caller(struct standin *standin, const char *rest, const cJSON *body, struct answer *answer);
/* A 400. Takes the message. */
void control_refuse(struct answer *answer, char *message);

#endif
