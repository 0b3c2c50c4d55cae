/* The headers that the vault and the Managed HSM send with every answer, by which clients tell them apart. */
#ifndef STANDIN_HEADERS_H
#define STANDIN_HEADERS_H

#include "tests/standin/standin.h"

void headers_vault(struct standin *standin, const struct request *request, struct answer *answer);
void headers_mhsm(struct standin *standin, const struct request *request, struct answer *answer);
/* What a Managed HSM says only where it did what it was asked. */
void headers_mhsm_done(struct answer *answer);
/* Only those of a web server that stands before the vault. */
void headers_gateway(struct answer *answer);

#endif
