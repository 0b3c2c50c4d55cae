/*
 * A client of the stand-in for its own tests,
 * which knows nothing of the product: libcurl, cJSON and OpenSSL.
 */
#ifndef STANDIN_TEST_CLIENT_H
#define STANDIN_TEST_CLIENT_H

#include "tests/standin/run_standin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>

#define ENDS(free_function) __attribute__((cleanup(free_function)))

extern struct standin_process standin;

struct reply {
    long status;  /* 0: no answer came */
    long redials; /* connections made for it */
    double seconds;
    char *headers; /* as they came */
    char *body;
    size_t size;
    cJSON *json; /* NULL: the body is none */
};

void reply_done(struct reply *reply);
/* Whatever it says. */
void ignore(struct reply reply);
/* From the answer, along a path like "error.innererror.code"; NULL: not there. Borrowed. */
const cJSON *reply_item(const struct reply *reply, const char *path);
const char *reply_text(const struct reply *reply, const char *path);
/* Its value, borrowed up to the next call; NULL: not there. */
const char *reply_header(const struct reply *reply, const char *name);

/* path without host; api-version=7.6 is added where it names none. bearer NULL: no such header. */
struct reply call_vault(const char *bearer, const char *method, const char *path, const char *body);
/* With a token of the usual caller, which is fetched once. */
struct reply vault(const char *method, const char *path, const char *body);
/* `lines`: all headers but those that libcurl adds, the last one NULL. body NULL: none. */
struct reply call_url(const char *method, const char *url, const char *const *lines, const char *body);
/* The same of the Managed HSM. */
struct reply mhsm(const char *method, const char *path, const char *body);
/* Its key is made anew: a PUT of JSON to .../create, once an older one of that name is gone. */
void make_vault_key(const char *name, const char *json);
void make_mhsm_key(const char *name, const char *json);
/* That status, and that code and inner code; "": none. The reply ends here. */
void expect_refusal(struct reply reply, long status, const char *code, const char *inner);
/* A URL as it is. */
struct reply vault_url(const char *url);
/* POST of a form whose values are escaped already. */
struct reply post_form(const char *url, const char *form);
/* For a value of such a form, from malloc. */
char *form_escaped(const char *plain);
/* Milliseconds until this thread's calls are given up; 0: 20 s. */
extern _Thread_local long give_up_after;

struct reply ask_token(const char *tenant, const char *client_id, const char *secret, const char *scope);
/* A good one for the usual caller, from malloc. */
char *fresh_token(void);
void forget_token(void);
const char *client_secret(void);

/*
 * A caller of tests. With just these permissions (JSON) from now on;
 * its token for the resource, from malloc.
 */
#define SOMEBODY "55555555-0000-0000-0000-000000000000"
char *token_with(const char *permissions, const char *resource);
/* A call of the Managed HSM, api-version 7.6. token NULL: none. */
struct reply call_mhsm(const char *token, const char *method, const char *path, const char *body);

/* PUT of JSON to the control port; it must be accepted. */
void control(const char *path, const char *json);

/* One key operation of a JSON {alg,value}; the octets it gives. False: refused. */
bool use_key(const char *path, const char *alg, const void *in, size_t size, unsigned char *out,
             size_t *out_size);

extern const unsigned char data_key[32];
/* data_key under the public key that GET of this path tells. hash NULL: PKCS#1 v1.5. */
size_t wrap_here(const char *path, const char *hash, unsigned char out[512]);

#endif
