/* Assertions that were sent. */
#include "tests/backends/keyvault/sent.h"
#include "backends/base/base64url.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include <cmocka.h>

void sent_done(struct sent *sent)
{
    free(sent->assertion);
    cJSON_Delete(sent->header);
    cJSON_Delete(sent->claims);
    buffer_free(&sent->signature);
}

static cJSON *part_of(const char *from, size_t size)
{
    char *text SCOPED(scope_free) = strndup(from, size);
    struct buffer json SCOPED(buffer_free) = BUFFER_INIT(8192);

    assert_int_equal(base64url_decode(text, &json), CKR_OK);
    return json_parse(buffer_bytes(&json));
}

void sent_read(struct token_world *world, struct sent *ret_sent)
{
    assert_true(token_world_fetch(world, 5000));
    sent_parse(world, ret_sent);
}

void sent_parse(const struct token_world *world, struct sent *ret_sent)
{
    char *first, *second;

    ret_sent->assertion = token_world_field(world, "client_assertion");
    ret_sent->signature.limit = 1024;
    assert_non_null(ret_sent->assertion);
    first = strchr(ret_sent->assertion, '.');
    assert_non_null(first);
    second = strchr(first + 1, '.');
    assert_non_null(second);
    ret_sent->header = part_of(ret_sent->assertion, (size_t)(first - ret_sent->assertion));
    ret_sent->claims = part_of(first + 1, (size_t)(second - first - 1));
    ret_sent->signed_size = (size_t)(second - ret_sent->assertion);
    assert_int_equal(base64url_decode(second + 1, &ret_sent->signature), CKR_OK);
    assert_non_null(ret_sent->header);
    assert_non_null(ret_sent->claims);
}

bool sent_verifies(const struct sent *sent, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    bool good;

    assert_int_equal(EVP_DigestVerifyInit(context, &how, EVP_sha256(), NULL, key), 1);
    if (strcmp(json_text(sent->header, "alg"), "PS256") == 0) {
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
    }
    good = EVP_DigestVerify(context, sent->signature.data, sent->signature.size,
                            (const unsigned char *)sent->assertion, sent->signed_size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}
